package pipeline

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/workload"
)

// session is what runs have together that verify several contracts at once: one cluster, and what lies
// on its nodes. What one of them has done there, the others find done.
type session struct {
	// ctx is that of what is shared, which goes on when the run that asked for it first ends.
	ctx  context.Context
	end  context.CancelCauseFunc
	runs []*run
	// ledger and clean have what is shared; each run has its own of the rest.
	ledger *ledger.Ledger
	clean  cleanup
	// cluster is nil until it is prepared.
	cluster cluster.Cluster

	mu    sync.Mutex
	deeds map[string]*deed
	going sync.WaitGroup
	kept  bool // something of a run is worth looking at, and was to be kept
}

// deed is something that is done once for all.
type deed struct {
	over  chan struct{}
	value any
	err   error
}

// shared does something for all runs of a session in the name of the first one that asks, and for a run
// by itself at once. The others wait for it, each as long as it may.
func shared[T any](ctx context.Context, r *run, what string, do func(context.Context) (T, error)) (out T, err error) {
	s := r.session
	if s == nil {
		return do(ctx)
	}
	s.mu.Lock()
	d := s.deeds[what]
	if d == nil {
		d = &deed{over: make(chan struct{})}
		s.deeds[what] = d
		s.going.Go(func() {
			defer close(d.over)
			d.err = protect(what, func() (err error) { d.value, err = do(s.ctx); return err })
		})
	}
	s.mu.Unlock()
	select {
	case <-d.over:
		out, _ = d.value.(T)
		return out, d.err
	case <-ctx.Done():
		return out, context.Cause(ctx)
	}
}

// together is a step that is done once for all runs.
func (r *run) together(what string, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := shared(ctx, r, what, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
		return err
	}
}

// tells tells whether this run says what is done for all of them.
func (r *run) tells() bool { return r.session == nil || r.session.first() == r }

// holder has what is put into the cluster for all runs, and removes it: the session, or a run by itself.
func (r *run) holder() (*ledger.Ledger, *cleanup) {
	if r.session != nil {
		return r.session.ledger, &r.session.clean
	}
	return r.ledger, &r.clean
}

// keeps tells whether what is shared stays.
func (r *run) keeps() bool {
	if r.session == nil {
		return r.Keep
	}
	r.session.mu.Lock()
	defer r.session.mu.Unlock()
	return r.session.kept
}

// stays tells whether what was made is written down as kept.
func (r *run) stays() bool {
	return r.ledger.Made.Kept || r.session != nil && r.place.About().Owned
}

// keptOne has the session keep what is shared, where this run keeps something.
func (r *run) keptOne() {
	if s := r.session; s != nil && r.Keep {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.kept = true
	}
}

// first is the run with which the cluster is prepared: one that needs it, where there is such a one, and
// none that is answered, but where all are.
func (s *session) first() *run {
	open := slices.DeleteFunc(slices.Clone(s.runs), func(r *run) bool { return r.answer != nil })
	if len(open) == 0 {
		return s.runs[0]
	}
	if i := slices.IndexFunc(open, func(r *run) bool { return r.needs(podSections...) }); i >= 0 {
		return open[i]
	}
	return open[0]
}

// open reaches what the runs need, and finds those that are answered. What is wrong with one of them is told before
// anything is made, with the contract's file.
func (s *session) open(ctx context.Context) (err error) {
	first := s.first()
	if !first.pulls() {
		if err := first.reach(ctx); err != nil {
			return err
		}
	}
	for _, r := range s.runs {
		r.engine, r.builder, r.info = first.engine, first.builder, first.info
	}
	if err := s.each(func(r *run) error {
		if r.pulls() { // each sees the nodes that its pods may run on
			return r.reach(ctx)
		}
		return nil
	}); err != nil {
		return err
	}
	first.sweep(ctx)
	if err := s.each(func(r *run) error { return r.found(ctx) }); err != nil {
		return err
	}
	open := 0
	for _, r := range s.runs {
		if known := r.recall(ctx); known != nil {
			answer := r.answered(*known)
			r.answer = &answer
			continue
		}
		open++
	}
	if open == 0 {
		return nil
	}
	first = s.first()
	if s.ledger, err = newLedger(first.Runs, &s.clean); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.clean.run())
		}
	}()
	if err := first.prepare(ctx); err != nil {
		return asInput(err)
	}
	s.cluster = first.place.Cluster
	err = s.each(func(r *run) error { return r.enter(ctx) })
	if err != nil { // nothing is made yet, and the others of them have nothing but their folders
		for _, r := range s.runs {
			err = errors.Join(err, r.clean.run())
		}
	}
	return err
}

// each does something with every run that is not answered. Of wrong input all is told at once, any other error ends it.
func (s *session) each(do func(*run) error) error {
	var wrong []error
	for _, r := range s.runs {
		if r.answer != nil {
			continue
		}
		err := do(r)
		switch input := (*InputError)(nil); {
		case errors.As(err, &input):
			wrong = append(wrong, named(r, input.Err))
		case err != nil:
			return named(r, err)
		}
	}
	if len(wrong) > 0 {
		return &InputError{errors.Join(wrong...)}
	}
	return nil
}

// named says in which contract something is wrong.
func named(r *run, err error) error {
	if file := r.Contract.File(); !strings.HasPrefix(err.Error(), file) {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// fit refuses what cannot be in one cluster with the others: of what belongs to all of a cluster there
// is one of a name, and what decides about the pods of all decides about those of the others.
func (s *session) fit() error {
	type brought struct {
		workload.Object
		by *run
	}
	there := map[string]brought{}
	return s.each(func(r *run) error {
		if r.Existing != "" || !r.needs(podSections...) { // one that is there is not changed at all
			return nil
		}
		for _, o := range r.plan.Objects {
			resource, wide, err := workload.GuessResource(o)
			if err != nil || !wide || o.GetKind() == "Namespace" {
				continue
			}
			if group := resource.Group; group == "admissionregistration.k8s.io" || group == "apiregistration.k8s.io" {
				return &InputError{fmt.Errorf("%s: %s acts on the pods of all contracts that are verified in the same cluster: verify this one by itself", o.Source, o)}
			}
			other, is := there[o.String()]
			if is && o.GetKind() != "ClusterRoleBinding" && !reflect.DeepEqual(o.Object, other.Object.Object) {
				return &InputError{fmt.Errorf("%s: %s belongs to the whole cluster, and %s has another one of that name (%s): verify one of them by itself", o.Source, o, other.by.Contract.File(), other.Source)}
			}
			there[o.String()] = brought{o, r}
		}
		return nil
	})
}

// close removes what was shared. What is still being made is waited for.
func (s *session) close(ctx context.Context) error {
	s.end(errors.New("all contracts are verified"))
	over := make(chan struct{})
	go func() { s.going.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(lateSteps):
		s.clean.unsure()
	}
	s.mu.Lock()
	s.kept = s.kept && ctx.Err() == nil
	kept := s.kept
	s.mu.Unlock()
	err := s.ledger.Record(func(m *ledger.Made) { m.Kept = kept })
	return errors.Join(err, s.clean.run())
}

// newLedger is that of a run or a session, of which nothing stays that could be removed.
func newLedger(runs string, clean *cleanup) (*ledger.Ledger, error) {
	l, err := ledger.New(runs)
	if err != nil {
		return nil, err
	}
	clean.add("removing the run's folder", func(context.Context) error {
		// What could not be removed stays written down, for the next run's sweep.
		return l.Release(clean.failed)
	})
	return l, nil
}

// asInput has a cluster that is not there be wrong input.
func asInput(err error) error {
	if errors.Is(err, cluster.ErrGone) {
		return &InputError{err}
	}
	return err
}
