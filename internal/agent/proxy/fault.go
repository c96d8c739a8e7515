package proxy

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The ways in which the proxy behaves.
const (
	Pass         = "pass"
	Refused      = "refused"      // nobody listens, and what was open is reset
	Frozen       = "frozen"       // connections are accepted, nothing is read or answered
	Slow         = "slow"         // a round trip takes so much longer
	Disconnected = "disconnected" // what is open is ended once, and then it passes
	Restarted    = "restarted"    // it refuses for a while, and then it passes
)

// modes are all of them; true for those that are told a time.
var modes = map[string]bool{Pass: false, Refused: false, Frozen: false, Disconnected: false, Slow: true, Restarted: true}

// Fault is one of the ways.
type Fault struct {
	Mode string `json:"mode"`
	// Delay of a round trip where it is slow, half of it each way; For how long it refuses where it restarts.
	Delay time.Duration `json:"delay,omitempty"`
	For   time.Duration `json:"for,omitempty"`
}

// ParseFault reads a mode, and the time that some are told: "slow", "200ms".
func ParseFault(mode string, args []string) (Fault, error) {
	timed, known := modes[mode]
	switch {
	case !known:
		return Fault{}, fmt.Errorf("%q is not one of %v", mode, knownModes())
	case !timed && len(args) == 0:
		return Fault{Mode: mode}, nil
	case !timed || len(args) != 1:
		return Fault{}, fmt.Errorf("%s takes %s, and was given %q", mode, map[bool]string{true: "one time, such as 200ms", false: "no argument"}[timed], args)
	}
	d, err := time.ParseDuration(args[0])
	if err != nil || d <= 0 {
		return Fault{}, fmt.Errorf("%q is not a time such as 200ms", args[0])
	}
	if mode == Slow {
		return Fault{Mode: mode, Delay: d}, nil
	}
	return Fault{Mode: mode, For: d}, nil
}

func knownModes() []string {
	var out []string
	for m := range modes {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}

// Set has the proxy behave so, and returns when it does. What passes again by itself does so by then.
// It returns how many connections it has ended.
func (p *Proxy) Set(ctx context.Context, f Fault) (ended int, err error) {
	p.setting.Lock()
	defer p.setting.Unlock()
	switch f.Mode {
	case Refused:
		return p.refuse(), nil
	case Restarted:
		ended = p.refuse()
		select {
		case <-time.After(f.For):
		case <-ctx.Done(): // whatever happens, it does not stay away
		case <-p.ctx.Done():
		}
		return ended, p.behave(Fault{Mode: Pass})
	case Disconnected:
		ended = p.end(false)
		return ended, p.behave(Fault{Mode: Pass})
	case Pass, Frozen, Slow:
		return 0, p.behave(f)
	}
	return 0, fmt.Errorf("%q is not one of %v", f.Mode, knownModes())
}

// refuse closes the ports before what is open is reset: none comes in between.
func (p *Proxy) refuse() int {
	p.become(Fault{Mode: Refused})
	p.deafen()
	return p.end(true)
}

// behave listens, and treats so what comes.
func (p *Proxy) behave(f Fault) error {
	was := p.state.Load().Fault
	p.become(f)
	if err := p.listen(); err != nil {
		p.become(was)
		return err
	}
	return nil
}

func (p *Proxy) become(f Fault) {
	old := p.state.Swap(&state{f, make(chan struct{})})
	close(old.over)
}
