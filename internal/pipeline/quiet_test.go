package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/trial"
)

// paced is a node that tells each second of one more: s was short of CPU, and q was quiet. It says no more
// after its last one where that is an x.
type paced string

func (n paced) Stream(ctx context.Context, _ string, out io.Writer, _ string, _ ...string) error {
	waited, busy, idle := 0, 0, 0
	for _, second := range "q" + n { // of the first line nothing follows yet
		switch second {
		case 'x':
			return nil
		case 's':
			waited, busy, idle = waited+900_000, busy+140, idle+60
		default:
			idle += 200
		}
		if _, err := fmt.Fprintf(out, "%d.000000 %d %d 0 %d 0\n", time.Now().Unix(), waited, busy, idle); err != nil {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestTheTrialsWaitForAQuietMachine(t *testing.T) {
	const (
		start = 3500 * time.Millisecond // that the workload takes
		short = "The machine is short of CPU: in the last 2 s other programs had 70 % of it, and some process waited for it for 90 % of the time. Trials that are judged by time may stay undecided"
		waits = short + "; waiting up to 10s for quiet (--patience)"
		still = "The machine is still short of CPU: in the last 2 s other programs had 70 % of it, and some process waited for it for 90 % of the time; for verdicts on what takes time end other work on it, run fewer at once, or wait longer with --patience"
	)
	waiting := []string{"Waiting for quiet", "Waited for quiet"}
	interrupted := errors.New("interrupted")
	for name, c := range map[string]struct {
		node    paced
		hurried bool
		stop    time.Duration // of the run
		took    time.Duration
		noted   []string
		told    []string
	}{
		"quiet":                       {node: "qqqqqqqqqq"},
		"short of CPU, then quiet":    {node: "sssssqqqqq", took: 3500 * time.Millisecond, noted: []string{waits}, told: waiting},
		"a moment's quiet is none":    {node: "sssqsqsqqq", took: 5500 * time.Millisecond, noted: []string{waits}, told: waiting},
		"to the bound":                {node: "ssssssssssssssssssssssss", took: 10 * time.Second, noted: []string{waits, still}, told: waiting},
		"a moment's burst":            {node: "qqsqqqqqqq"},
		"a burst that is over":        {node: "ssqqqqqqqq"},
		"the samples end":             {node: "ssssx", took: 1500 * time.Millisecond, noted: []string{waits, still}, told: waiting},
		"no sample":                   {node: "x"},
		"one sample":                  {node: "sx"},
		"the run is interrupted":      {node: "ssssssssssssssssssssssss", stop: start + 2*time.Second, took: 2 * time.Second, noted: []string{waits}, told: []string{"Waiting for quiet", "interrupted"}},
		"nobody is to wait":           {node: "ssssssssss", hurried: true, noted: []string{short + ": for verdicts on what takes time end other work on it, run fewer at once, or wait longer with --patience"}},
		"nobody is to wait, in quiet": {node: "qqqqqqqqqq", hurried: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, tell := whole(t), &notes{}
			synctest.Test(t, func(t *testing.T) {
				ctx, end := context.WithCancelCause(t.Context())
				defer end(nil)
				if c.stop > 0 {
					time.AfterFunc(c.stop, func() { end(interrupted) })
				}
				r.ledger, r.Tell, r.QuietWithin = &ledger.Ledger{ID: "x"}, tell, 10*time.Second
				if c.hurried {
					r.QuietWithin = 0
				}
				r.bench = &trial.TestBed{Sampler: trial.StartSampler(ctx, c.node, "n1")}
				defer r.bench.Sampler.Stop()
				time.Sleep(start)
				began, tried := time.Now(), time.Time{}
				out := conduct(ctx, began, []step{
					{id: quietStep, run: r.awaitQuiet},
					{id: "termination", behind: []string{quietStep}, run: func(context.Context) error { tried = time.Now(); return nil }},
				}, tell, never)
				if c.stop > 0 {
					if !out.cut || !tried.IsZero() || time.Since(began) != c.took {
						t.Errorf("cut off: %t after %s", out.cut, time.Since(began))
					}
				} else if took := tried.Sub(began); took != c.took {
					t.Errorf("the trials began after %s, want %s", took, c.took)
				}
				if diff := cmp.Diff(c.noted, tell.noted); diff != "" {
					t.Errorf("noted (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(c.told, tell.lines); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				var seconds float64
				steps := r.result(out).Evidence.Steps
				i := slices.IndexFunc(steps, func(s evidence.Step) bool { return s.Name == quietStep })
				if i >= 0 {
					seconds = steps[i].Seconds
				}
				if i >= 0 != (c.took > 0) || seconds != c.took.Seconds() {
					t.Errorf("the steps are %+v", steps)
				}
			})
		})
	}
}

// What the run itself builds and reads outside of the nodes is no load that waiting ends.
func TestARunsOwnWorkIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := &notes{}
		r := &run{Options: Options{Tell: tell, QuietWithin: time.Second}}
		r.bench = &trial.TestBed{Sampler: trial.StartSampler(t.Context(), paced("ssssssssssss"), "n1")}
		defer r.bench.Sampler.Stop()
		rebuilt := make(chan struct{})
		go r.work.counted(func(context.Context) error { <-rebuilt; return errBroken })(t.Context())
		look := func(want int) {
			t.Helper()
			if err := r.awaitQuiet(t.Context()); err != nil || len(tell.noted) != want {
				t.Errorf("noted %q (%v)", tell.noted, err)
			}
		}
		time.Sleep(3500 * time.Millisecond)
		look(0)
		close(rebuilt)
		time.Sleep(2 * time.Second)
		look(0) // one whole second is sampled since
		time.Sleep(time.Second)
		look(2)
	})
	r := whole(t)
	known := map[string]bool{}
	for _, s := range r.steps() {
		known[s.id] = true
	}
	for _, id := range working {
		if !known[id] {
			t.Errorf("there is no step %s", id)
		}
	}
}

// Nothing is waited for with several contracts, nor where no trial is made; and every trial comes behind it.
func TestWhoWaitsForQuiet(t *testing.T) {
	steps := whole(t).steps()
	for _, tr := range trial.List {
		if i := slices.IndexFunc(steps, func(s step) bool { return s.id == tr.ID }); i < 0 || !slices.Contains(steps[i].behind, quietStep) {
			t.Errorf("%s does not wait", tr.ID)
		}
	}
	several, start := whole(t), whole(t, "startup/ready")
	several.session = &session{}
	several.session.runs = []*run{several, several}
	for name, r := range map[string]*run{"several contracts": several, "the start alone": start} {
		if got := ids(r.steps()); !strings.Contains(got, "startup") || strings.Contains(got, quietStep) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
