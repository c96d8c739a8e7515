package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

// node prints lines, and is gone.
type lineNode struct{ lines []string }

func (n lineNode) Stream(_ context.Context, name string, out io.Writer, _ string, _ ...string) error {
	for _, l := range n.lines {
		if _, err := fmt.Fprintln(out, l); err != nil {
			return err
		}
	}
	if len(n.lines) == 0 {
		return errors.New("there is no agent on " + name)
	}
	return nil
}

func TestGauge(t *testing.T) {
	g := StartSampler(t.Context(), lineNode{[]string{
		"1770000000.000000 1000000 1000 10 5000 9000000",
		"1770000001.000000 1900000 1120 20 5070 9400000", // in this second others had 80 + 10 of 200 ticks
		"1770000002.000000 1900000 1120 20 5270 9400000", // and then all stood still
	}}, "n1")
	g.Stop()
	if g.Starved() {
		t.Error("it is starved while all stands still")
	}
	want := []evidence.Pressure{{At: time.Unix(1770000001, 0), Waiting: 0.9, Others: 0.45}, {At: time.Unix(1770000002, 0)}}
	if diff := cmp.Diff(want, g.Samples(), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !check.Starved(want[0]) {
		t.Error("the first second was no starvation")
	}
}

// A kernel without pressure figures, or a node without an agent, has no samples, and holds nothing up.
func TestGaugeOfANodeThatCannotTell(t *testing.T) {
	for name, n := range map[string]lineNode{"no agent": {}, "no /proc/pressure": {[]string{"1770000000.000000 1000 10 5000 9000000", "x"}}} {
		t.Run(name, func(t *testing.T) {
			g := StartSampler(t.Context(), n, "n1")
			g.Stop()
			if g.Starved() || len(g.Samples()) > 0 {
				t.Errorf("it says %v", g.Samples())
			}
		})
	}
}

func TestGate(t *testing.T) {
	short := false
	g := NewLimiter(2, func() bool { return short })
	ended, end := context.WithCancelCause(t.Context())
	end(errors.New("interrupted"))
	full := func() bool {
		leave, err := g.enter(ended)
		if err == nil {
			leave()
		}
		return err != nil && err.Error() == "interrupted"
	}
	enter := func() func() {
		t.Helper()
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	one, two := enter(), enter()
	if !full() {
		t.Error("a third may enter")
	}
	one()
	two()
	short = true
	one = enter()
	if !full() {
		t.Error("a second may enter a starved node")
	}
	one()
	enter()()
	short = false
	enter()
	enter() // what was given back is there again
	var open *Limiter
	if _, err := open.enter(ended); err != nil {
		t.Errorf("no gate is closed: %v", err)
	}
}

// Of a node that does not tell there is nothing to stop, and nothing known.
func TestNoSampler(t *testing.T) {
	var g *Sampler
	g.Stop()
	if g.Samples() != nil || g.Starved() {
		t.Error("it knows something")
	}
}

func TestPressureSince(t *testing.T) {
	at := time.Unix(1770000000, 0)
	for _, c := range []struct {
		name            string
		before, now     reading
		waiting, others float64
	}{
		{"no time has passed", reading{at: at}, reading{at: at, waited: 7}, 0, 0},
		{"more than there is", reading{at: at}, reading{at: at.Add(time.Second), waited: 2_000_000, busy: 100, used: 0}, 1, 1},
		{"its own alone", reading{at: at}, reading{at: at.Add(time.Second), busy: 100, idle: 100, used: 2_000_000}, 0, 0},
		{"stolen", reading{at: at, stolen: 5}, reading{at: at.Add(time.Second), stolen: 55, idle: 50}, 0, 0.5},
	} {
		p := c.now.since(c.before, c.now.used-c.before.used)
		if p.Waiting != c.waiting || p.Others != c.others {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// A turn that is waited for in vain leaves the others theirs.
func TestGateOfAStarvedNodeGivesItsSlotBack(t *testing.T) {
	g := NewLimiter(1, func() bool { return true })
	g.alone <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 5 { // which of the two a select takes is chance
		if _, err := g.enter(ctx); err == nil || len(g.slots) != 0 {
			t.Errorf("%d slots are taken, %v", len(g.slots), err)
		}
	}
}
