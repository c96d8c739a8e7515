package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Stopped is the cause of a context that ended a run before its end.
type Stopped struct{ By string } // "--timeout of 7m0s", "SIGTERM"

func (s *Stopped) Error() string { return "stopped by " + s.By }

// untried is why a step was not begun, when the run was ended before.
func untried(cause error) error {
	var s *Stopped
	if errors.As(cause, &s) {
		return fmt.Errorf("stopped before it was tried: %s", s.By)
	}
	return cause
}

// letGo is how long a step that was told to end is waited for. What ignores its context must
// hold up neither the report nor the clean-up.
const letGo = 3 * time.Second

// perform does a step within its time. What it says when it is cut off matters less than why
// it was: the error is then the cause, with what the step saw last.
func perform(ctx context.Context, began time.Time, s step, tell Teller, going *sync.WaitGroup) (*evidence.Step, error) {
	start := time.Now()
	done := func(error) {}
	if s.name != "" {
		done = tell.StepWithin(s.name, s.ended, s.usual, s.within)
	}
	// Its context outlives it, as far as its time goes: what it started, such as a watch, goes on.
	own, end := context.WithCancelCause(ctx)
	timer := time.AfterFunc(cmp.Or(s.within, math.MaxInt64), func() { end(&overdue{s}) })
	defer timer.Stop()
	result := make(chan error, 1)
	going.Go(func() { result <- protect(s.id, func() error { return s.run(own) }) })
	var err error
	select {
	case err = <-result:
	case <-own.Done():
		select {
		case err = <-result:
		case <-time.After(letGo):
			err = errors.New("it did not end when it was asked to")
		}
	}
	if own.Err() != nil { // also when it said nothing of it: what it saw was not taken down
		err = cutOff(context.Cause(own), err)
	}
	done(err)
	record := &evidence.Step{Name: s.id, Started: start.Sub(began).Seconds(), Seconds: time.Since(start).Seconds()}
	if err != nil {
		record.Error = err.Error()
	}
	return record, err
}

// ended waits for the steps that did not end when they were told to, and tells whether they have.
func (o outcome) ended(within time.Duration) bool {
	all := make(chan struct{})
	go func() { o.going.Wait(); close(all) }()
	select {
	case <-all:
		return true
	case <-time.After(within):
		return false
	}
}

// overdue is the cause of the context of a step whose time is over.
type overdue struct{ step step }

func (o *overdue) Error() string {
	return fmt.Sprintf("%s was given up after the %s that it may take", cmp.Or(o.step.name, "the step "+o.step.id), o.step.within)
}

// cutOff says why a step was ended, and what it was at.
func cutOff(cause, said error) error {
	var stopped *Stopped
	var late *overdue
	var waited *workload.WaitError
	if errors.As(cause, &stopped) {
		cause = fmt.Errorf("stopped while it was tried: %s", stopped.By)
	}
	switch {
	case errors.As(said, &waited):
		return fmt.Errorf("%w; last seen: %s", cause, waited.Seen)
	case said == nil, !errors.As(cause, &late):
	case errors.Is(said, late), errors.Is(said, context.Canceled), errors.Is(said, context.DeadlineExceeded):
	default:
		return fmt.Errorf("%w; it was at: %w", cause, said)
	}
	return cause
}

// protect turns a panic into an error, so that what was created is still removed.
func protect(what string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("podproof itself broke at step %q (%v): a bug, please report it", what, p)
		}
	}()
	return f()
}
