package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// screen is a terminal's line discipline in small: what one would see.
type screen struct {
	mu    sync.Mutex
	lines []string
	line  []rune
	at    int
	draws int // how often the cursor went back to a line's start
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.ReplaceAll(string(b), "\x1b[K", "\x00")
	for _, r := range text {
		switch r {
		case '\r':
			s.at = 0
			s.draws++
		case '\n':
			s.lines = append(s.lines, string(s.line))
			s.line, s.at = nil, 0
		case '\x00':
			s.line = s.line[:s.at]
		default:
			s.line = append(s.line[:s.at], append([]rune{r}, s.line[min(s.at+1, len(s.line)):]...)...)
			s.at++
		}
	}
	return len(b), nil
}

func (s *screen) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(append(append([]string{}, s.lines...), string(s.line)), "\n")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", what, got, want)
	}
}

func TestProgressInAPlainLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Console{})
		build := p.Step("Building reactbin-api-prod")
		cluster := p.StepTo("Creating the cluster", "Cluster ready")
		load := p.Step("Loading")
		p.Waiting("node/podproof")
		time.Sleep(14200 * time.Millisecond)
		cluster(nil)
		build(errors.New("step 3 failed\nwith many lines"))
		build(nil) // only the first end counts
		load(fmt.Errorf("loading: %w", context.Canceled))
		p.Note("two\nlines")
		p.Close()
		p.Close()
		expect(t, "log", out.String(), `[verify] Building reactbin-api-prod…
[verify] Creating the cluster…
[verify] Loading…
[verify] Cluster ready (14.2 s)
[verify] Building reactbin-api-prod: failed (14.2 s): step 3 failed
[verify] Loading: stopped (14.2 s)
[verify] two
[verify] lines
`)
	})
}

// What a step failed by is told in the report, with what to do about it.
func TestProgressTellsAFailureInShort(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(&out, Console{})
	p.Step("Starting deployment/api")(errors.New("pod api-7d9f did not become Ready: " + strings.Repeat("container api waits, ", 20)))
	p.Close()
	for l := range strings.Lines(out.String()) {
		if len(l) > 170 || strings.Contains(l, "failed") && !strings.Contains(l, "pod api-7d9f did not become Ready: container api waits") {
			t.Errorf("not in short: %s", l)
		}
	}
}

func TestQuietProgressTellsWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Console{Quiet: true})
		build, load := p.Step("Building"), p.Step("Loading")
		time.Sleep(31 * time.Second)
		build(nil)
		load(errors.New("no space"))
		p.Begin("Verifying an image")
		p.Note("left behind")
		p.Close()
		expect(t, "log", out.String(), "[verify] Loading: failed (31.0 s): no space\n[verify] left behind\n")
	})
}

func TestProgressBreaksALongSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Console{})
		done := p.Step("Creating the cluster")
		p.Waiting("the node to be Ready")
		time.Sleep(31 * time.Second)
		done(nil)
		time.Sleep(time.Minute) // nothing runs, nothing is to be told
		p.Close()
		expect(t, "log", out.String(), `[verify] Creating the cluster…
[verify] Still running: Waiting for the node to be Ready; Creating the cluster 15 s
[verify] Still running: Waiting for the node to be Ready; Creating the cluster 30 s
[verify] Creating the cluster: done (31.0 s)
`)
	})
}

// What is waited for may be a long list of pods: the steps and their times stay in sight.
func TestALongWaitIsToldInShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Console{})
		done := p.StepWithin("Starting deployment/api", "Started", 0, time.Minute)
		p.Waiting("deployment/api: " + strings.Repeat("api-7d9f: ContainerCreating; ", 20))
		time.Sleep(16 * time.Second)
		done(nil)
		p.Close()
		if lines := strings.Split(out.String(), "\n"); len(lines[1]) > 200 || !strings.HasSuffix(lines[1], "…; Starting deployment/api 15 s of 60 s at most") {
			t.Errorf("%s", out.String())
		}
	})
}

func TestProgressTellsWhatAStepUsuallyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := NewProgress(&out, Console{})
		p.Begin("Verifying an image")
		done := p.StepWithin("Creating the cluster", "Created", 19500*time.Millisecond, time.Minute)
		time.Sleep(31 * time.Second)
		done(nil)
		p.Close()
		expect(t, "log", out.String(), `[verify] Verifying an image
[verify] Creating the cluster…
[verify] Still running: Creating the cluster 15 s of about 20 s
[verify] Still running: Creating the cluster 30 s of 60 s at most
[verify] Created (31.0 s)
`)
	})
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		p := NewProgress(s, Console{Live: true, Width: 60})
		build := p.StepTo("Building", "Build OK")
		cluster := p.Step("Creating the cluster")
		p.Waiting("its node")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expect(t, "live line", s.seen(), `[verify] | Waiting for its node; Building 2 s, Creating …`)
		if s.draws > 20 {
			t.Errorf("drawn %d times in 2 s", s.draws)
		}
		build(nil)
		expect(t, "after a step", s.seen(), "[verify] Build OK (2.0 s)\n")
		fmt.Fprint(p, "half a ")
		time.Sleep(redraw)
		synctest.Wait()
		expect(t, "while a line is written", s.seen(), "[verify] Build OK (2.0 s)\n[verify] / Creating the cluster 2 s")
		fmt.Fprint(p, "line of kind\nand")
		expect(t, "after a line", s.seen(), "[verify] Build OK (2.0 s)\nhalf a line of kind\n")
		time.Sleep(redraw)
		p.Close()
		expect(t, "after Close", s.seen(), "[verify] Build OK (2.0 s)\nhalf a line of kind\nand\n")
		// An interrupted run cleans up after Close.
		cluster(context.Canceled)
		p.Step("Removing the cluster")(nil)
		expect(t, "after the end", s.seen(), `[verify] Build OK (2.0 s)
half a line of kind
and
[verify] Creating the cluster: stopped (2.2 s)
[verify] Removing the cluster…
[verify] Removing the cluster: done (<0.1 s)
`)
	})
}

func TestProgressFromManyGoroutines(t *testing.T) {
	s := &screen{}
	p := NewProgress(s, Console{Live: true, Width: 40})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			done := p.Step(fmt.Sprint("step ", i))
			p.Waiting(fmt.Sprint("thing ", i))
			fmt.Fprintf(p, "line %d\n", i)
			p.Note("note")
			done(nil)
		})
	}
	wg.Wait()
	p.Close()
	for _, l := range strings.Split(strings.TrimSuffix(s.seen(), "\n"), "\n") {
		if !strings.HasPrefix(l, "[verify] step ") && l != "[verify] note" && !strings.HasPrefix(l, "line ") {
			t.Errorf("a mangled line: %q", l)
		}
	}
	if n := len(s.lines); n != 60 {
		t.Errorf("%d lines of 60", n)
	}
}
