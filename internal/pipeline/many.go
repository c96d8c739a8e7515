package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// runsPerCPU is how many contracts are verified at once for each processor: a run mostly waits.
const runsPerCPU = 2

// VerifyAll verifies several contracts in one cluster, which is made once, as are the images on its
// nodes. Each has namespaces, a time and a result of its own; parallel of them run at once, and as many
// as the machine has room for where that is zero. done gets what Verify would return of each, as soon
// as it is known, one at a time. The error is that of a session which could not begin: wrong input of
// one of them, with its file, or a cluster that is not there.
func VerifyAll(ctx context.Context, all []Options, parallel int, done func(i int, r Result, err error)) error {
	s := &session{deeds: map[string]*deed{}}
	s.ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	for _, o := range all {
		r := newRun(o)
		r.session = s
		s.runs = append(s.runs, r)
	}
	if err := s.each((*run).read); err != nil {
		return err
	}
	if err := s.fit(); err != nil {
		return err
	}
	s.tellUnused()
	defer s.first().close()
	if err := s.open(ctx); err != nil {
		return err
	}
	defer func() { // as of a run by itself
		if p := recover(); p != nil {
			_ = s.clean.run()
			panic(p)
		}
	}()
	s.conduct(ctx, parallel, done)
	if s.ledger == nil { // all are answered
		return nil
	}
	tell := s.first().Tell
	ended := tell.StepTo("Removing what the contracts shared", "Removed what the contracts shared")
	err := s.close(ctx)
	ended(err)
	if err != nil {
		tell.Note("Cleaning up left something behind; the next run, or `podproof clean`, tries again: " + err.Error())
	}
	return nil
}

// conduct does the runs, in their order.
func (s *session) conduct(ctx context.Context, parallel int, done func(int, Result, error)) {
	slots := make(chan struct{}, s.width(parallel))
	var one sync.Mutex
	var all sync.WaitGroup
	for i, r := range s.runs {
		var err error
		if r.answer != nil {
			one.Lock()
			done(i, *r.answer, nil)
			one.Unlock()
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), r.clean.run())
			one.Lock()
			done(i, Result{}, err)
			one.Unlock()
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			var result Result
			err := protect("verify", func() (err error) { result, err = r.within(ctx); return err })
			one.Lock()
			defer one.Unlock()
			done(i, result, err)
		})
	}
	all.Wait()
}

// width is how many run at once: one where they have but one namespace, as their objects have the same names.
func (s *session) width(asked int) int {
	first := s.first()
	switch {
	case first.Namespace != "":
		return 1
	case asked > 0:
		return asked
	}
	return runsPerCPU * max(1, first.info.CPUs)
}

// within does one run of a session in its own time, which begins now.
func (r *run) within(ctx context.Context) (Result, error) {
	if r.Timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, r.Timeout, &Stopped{By: fmt.Sprintf("--timeout of %s", r.Timeout)})
		defer cancel()
		ctx = limited
	}
	defer r.cleanAfterPanic()
	r.saw.mu.Lock()
	r.saw.began = time.Now()
	r.saw.mu.Unlock()
	r.expire()
	return r.carryOut(ctx)
}

// tellUnused tells of images of --set-image that no object of any contract uses.
func (s *session) tellUnused() {
	var unused []string
	for i, r := range s.runs {
		of := r.unusedImages()
		if i == 0 {
			unused = of
		}
		unused = slices.DeleteFunc(unused, func(old string) bool { return !slices.Contains(of, old) })
	}
	for _, old := range unused {
		s.first().Tell.Note(fmt.Sprintf("--set-image %s=…: no object of any contract's manifests uses that image", old))
	}
}

// noteUnused does so for a run by itself.
func (r *run) noteUnused() {
	if r.session != nil {
		return
	}
	for _, old := range r.unusedImages() {
		r.Tell.Note(fmt.Sprintf("--set-image %s=…: no object of the manifests uses that image; they use %s", old, strings.Join(r.plan.Images(), ", ")))
	}
}
