package kind

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/kind/pkg/log"
)

// steps listens to kind's log for the marks that it prints around each of its own
// steps (" • Preparing nodes 📦  ..." and " ✓ Preparing nodes 📦"), and times them.
type steps struct {
	// started and ended are called with the name of a step, without its emoji.
	started func(name string)
	ended   func(name string, took time.Duration, ok bool)
	debug   func(text string)

	mu    sync.Mutex
	since time.Time
}

var _ log.Logger = (*steps)(nil)

// mark matches a step's line: its sign and its name, up to the emoji or the dots.
var mark = regexp.MustCompile(`^ ([•✓✗]) ([\pL\pN ():/.@_-]*[\pL\pN)])`)

func (s *steps) line(text string) {
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		m := mark.FindStringSubmatch(l)
		if m == nil {
			s.debug(l)
			continue
		}
		s.mu.Lock()
		since := s.since
		if m[1] == "•" {
			s.since = time.Now()
		}
		s.mu.Unlock()
		switch m[1] {
		case "•":
			s.started(m[2])
		default:
			s.ended(m[2], time.Since(since), m[1] == "✓")
		}
	}
}

// Warn leaves out what kind says of the network that podproof asked it for.
func (s *steps) Warn(m string) {
	if !strings.Contains(m, "KIND_EXPERIMENTAL_DOCKER_NETWORK") && !strings.Contains(m, "Here be dragons") {
		s.debug(m)
	}
}
func (s *steps) Warnf(f string, a ...any)     { s.debug(fmt.Sprintf(f, a...)) }
func (s *steps) Error(m string)               { s.debug(m) }
func (s *steps) Errorf(f string, a ...any)    { s.debug(fmt.Sprintf(f, a...)) }
func (s *steps) V(l log.Level) log.InfoLogger { return info{s, l == 0} }

type info struct {
	*steps
	on bool
}

func (i info) Enabled() bool { return i.on }

func (i info) Info(m string) {
	if i.on {
		i.line(m)
	}
}

func (i info) Infof(f string, a ...any) {
	if i.on {
		i.line(fmt.Sprintf(f, a...))
	}
}
