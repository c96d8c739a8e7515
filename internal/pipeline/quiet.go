package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/trial"
)

// quietStep is the look at the machine before the trials. Evidence has it where it became a wait.
const quietStep = "wait-for-quiet"

// inARow is how many samples must say the same: one alone may be a moment's burst.
const inARow = 2

// looksForQuiet tells whether the machine is looked at before the trials. With several contracts what the
// others do is load as well, and waiting for its end would make them one after the other.
func (r *run) looksForQuiet() bool {
	return r.session == nil && slices.ContainsFunc(trial.List, func(t trial.Trial) bool { return !t.Last && r.tries(t) })
}

// awaitQuiet says that the machine is short of CPU before anything is judged by time, and waits for the end
// of that as long as it may. What is not sampled yet is not waited for: a quiet machine costs no time.
func (r *run) awaitQuiet(ctx context.Context) error {
	const calmer = "for verdicts on what takes time end other work on it, run fewer at once, or wait longer with --patience"
	sampler := r.bench.Sampler
	seen := r.work.apart(sampler.Samples())
	if !lately(seen, true) {
		return nil
	}
	said := fmt.Sprintf("The machine is short of CPU: %s. Trials that are judged by time may stay undecided", shortage(seen))
	if r.QuietWithin == 0 {
		r.Tell.Note(said + ": " + calmer)
		return nil
	}
	r.Tell.Note(fmt.Sprintf("%s; waiting up to %s for quiet (--patience)", said, r.QuietWithin))
	r.saw.mu.Lock()
	r.saw.waited = true
	r.saw.mu.Unlock()
	done := r.Tell.StepWithin("Waiting for quiet", "Waited for quiet", 0, r.QuietWithin)
	bounded, cancel := context.WithTimeout(ctx, r.QuietWithin)
	defer cancel()
	seen = sampler.Await(bounded, func(ps []evidence.Pressure) bool { return lately(ps, false) })
	if ctx.Err() != nil {
		done(context.Cause(ctx))
		return context.Cause(ctx)
	}
	done(nil)
	if lately(seen, false) {
		r.Tell.Begin("The machine is quiet: the trials begin")
	} else {
		r.Tell.Note(fmt.Sprintf("The machine is still short of CPU: %s; %s", shortage(seen), calmer))
	}
	return nil
}

// lately tells whether all of the last samples are short of CPU, or none is.
func lately(ps []evidence.Pressure, starved bool) bool {
	return len(ps) >= inARow && !slices.ContainsFunc(ps[len(ps)-inARow:], func(p evidence.Pressure) bool { return check.Starved(p) != starved })
}

// shortage says what the last samples show.
func shortage(ps []evidence.Pressure) string {
	var waiting, others float64
	for _, p := range ps[len(ps)-inARow:] {
		waiting, others = waiting+p.Waiting, others+p.Others
	}
	return fmt.Sprintf("in the last %d s other programs had %.0f %% of it, and some process waited for it for %.0f %% of the time", inARow, others/inARow*100, waiting/inARow*100)
}

// working are the steps that use CPU outside of the nodes, and that may be under way when the workload has
// started. They are load that no patience ends: to wait for them would do one thing after the other.
var working = []string{"context", "rebuild", "lock-rebuild", "reproduction", "inspect"}

// ownWork knows when one of these is under way.
type ownWork struct {
	mu    sync.Mutex
	going int
	ended time.Time // the last one
}

// counted is a step that is one of them.
func (w *ownWork) counted(run func(context.Context) error) func(context.Context) error {
	add := func(n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.going, w.ended = w.going+n, time.Now()
	}
	return func(ctx context.Context) error {
		add(1)
		defer add(-1)
		return run(ctx)
	}
}

// apart are the samples of the seconds since none of them is under way.
func (w *ownWork) apart(ps []evidence.Pressure) []evidence.Pressure {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.going > 0 {
		return nil
	}
	return slices.DeleteFunc(ps, func(p evidence.Pressure) bool { return p.At.Add(-time.Second).Before(w.ended) })
}
