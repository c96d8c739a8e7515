package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// step is one thing to do. It starts when the steps it comes after have ended well.
type step struct {
	id    string
	after []string
	// behind are steps that it must not disturb: it waits for their end, well or not.
	behind []string
	// last is a step that waits for all of the run so.
	last bool
	// name and ended are for a person: "Creating the cluster", "Cluster ready".
	// A step without a name is not told.
	name, ended string
	// sections are the parts of the evidence that stay empty when it fails.
	sections []evidence.Section
	// within is how long it may take; see run.bounds. Zero leaves it to the run's own limit.
	within time.Duration
	// usual is how long it takes where all is well; zero is not known.
	usual time.Duration
	run   func(context.Context) error
}

// Teller tells a person what a run is at.
type Teller interface {
	StepTo(name, ended string) (done func(error))
	// StepWithin is a StepTo that usually takes so long, and may take so long at most; zero is not known,
	// and no limit of its own.
	StepWithin(name, ended string, usual, most time.Duration) (done func(error))
	// Begin tells what is begun.
	Begin(text string)
	Waiting(what string)
	Note(text string)
}

// outcome is what became of a graph of steps.
type outcome struct {
	steps   []evidence.Step
	missing map[evidence.Section]string
	// fatal is the first error that ended all: the user's input was wrong, or the context ended.
	fatal error
	// cut tells that the context's end left steps undone.
	cut bool
	// going are the steps under way, among them those that conduct went on without.
	going *sync.WaitGroup
}

// errBlocked marks a step that was not tried because one before it had failed.
type errBlocked struct{ cause error }

func (e errBlocked) Error() string { return e.cause.Error() }
func (e errBlocked) Unwrap() error { return e.cause }

// conduct runs steps side by side, each as soon as those it comes after have ended. A step
// that fails leaves the sections of its own and of all that come after it missing, with its
// error as the reason; the rest goes on. stops tells which errors end everything.
func conduct(ctx context.Context, began time.Time, steps []step, tell Teller, stops func(error) bool) outcome {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ends := map[string]chan struct{}{}
	errs := map[string]error{}
	for _, s := range steps {
		ends[s.id] = make(chan struct{})
	}
	out := outcome{missing: map[evidence.Section]string{}, going: &sync.WaitGroup{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range steps {
		wg.Go(func() {
			defer close(ends[s.id])
			var err error
			var waited []string
			for _, a := range s.after {
				end, ok := ends[a]
				if !ok {
					continue // this run does without that step
				}
				<-end
				waited = append(waited, a)
				mu.Lock()
				if e := errs[a]; e != nil && err == nil {
					err = errBlocked{unblocked(e)}
				}
				mu.Unlock()
			}
			for _, b := range s.behind {
				if end, ok := ends[b]; ok {
					<-end
					waited = append(waited, b)
				}
			}
			if ctx.Err() != nil {
				err = errBlocked{untried(context.Cause(ctx))}
			}
			var record *evidence.Step
			if err == nil {
				record, err = perform(ctx, began, s, tell, out.going)
			}
			mu.Lock()
			defer mu.Unlock()
			if record != nil {
				record.After = waited
				out.steps = append(out.steps, *record)
			}
			if err == nil {
				return
			}
			errs[s.id] = err
			out.cut = out.cut || ctx.Err() != nil
			for _, section := range s.sections {
				out.missing[section] = err.Error()
			}
			var blocked errBlocked
			if out.fatal == nil && !errors.As(err, &blocked) && stops(err) {
				out.fatal = err
				cancel(err)
			}
		})
	}
	wg.Wait()
	return out
}

// unblocked is the error at the root of a chain of blocked steps.
func unblocked(err error) error {
	var b errBlocked
	if errors.As(err, &b) {
		return b.cause
	}
	return err
}
