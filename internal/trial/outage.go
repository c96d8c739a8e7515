package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// withoutFor is how long a container runs without its dependency, at least, before that is
	// brought up.
	withoutFor = 5 * time.Second
	// dependencyWithin bounds the start of a dependency in a trial's namespace. Its image is on
	// the node by then.
	dependencyWithin = 2 * time.Minute
	// firstProbe is how much longer it runs where no probe has said yes or no by then: on a busy
	// node the first one may come late.
	firstProbe = 20 * time.Second
	// outageEvery is the time between two requests of a stream, in milliseconds.
	outageEvery = 250
	// shortOutage is how long an outage goes on when the readiness probe has noticed it.
	shortOutage = 2 * time.Second
	// probeMargin is what the kubelet and the API server may take to report a probe's result.
	probeMargin = 3 * time.Second
)

// The kinds of outages: those that are over soon, one after the other, and the one that takes as
// long as all of them, beside them. See evidence.Outage.
var (
	briefOutages = []string{evidence.OutageDisconnected, evidence.OutageRestarted, evidence.OutageRefused}
	longOutages  = []string{evidence.OutageFrozen}
	slowOutages  = []string{evidence.OutageSlow200ms, evidence.OutageSlow2s}
)

// Outages starts the workload without each of its dependencies, and then takes that away in several
// ways.
var Outages = Trial{
	ID:       "outages",
	Sections: []evidence.Section{evidence.SectionOutages},
	Doing:    "Taking DEPENDENCY away", Done: "DEPENDENCY taken away and given back",
	Needs:   NeedReady | NeedAgent,
	usually: usually{own: 25 * time.Second, starts: 1},
	Asked:   dependent, Watches: true, TakesAway: true,
	Within: func(l Limits) time.Duration { return Look + 4*l.outage() + l.Jobs },
	Parts:  true,
	Rights: outageRights("outages"),
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		return b.takeAway(ctx, OutageSpec{Without: true, Kinds: briefOutages, fills: []evidence.Section{evidence.SectionOutages}}, func(e *evidence.Taken, r OutageResult) {
			e.Outages = joined(e.Outages, r.Outages)
		})
	},
}

// Frozen has each dependency not answer for long, with another pod of the workload's, beside it.
var Frozen = Trial{
	ID:       "frozen",
	Sections: []evidence.Section{evidence.SectionOutages, evidence.SectionOutageTermination},
	Doing:    "Freezing DEPENDENCY", Done: "DEPENDENCY frozen and thawed",
	Needs:   NeedReady | NeedAgent,
	usually: usually{own: 46 * time.Second, starts: 1},
	Asked:   dependent, Watches: true, TakesAway: true,
	Within: func(l Limits) time.Duration { return Look + 3*l.outage() + l.Jobs },
	Parts:  true,
	Rights: frozenRights,
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		fills := []evidence.Section{evidence.SectionOutages, evidence.SectionOutageTermination}
		return b.takeAway(ctx, OutageSpec{Kinds: longOutages, Brief: !b.Wants(evidence.SectionOutages), fills: fills}, func(e *evidence.Taken, r OutageResult) {
			if r.Outages != nil {
				for i := range r.Outages.Trials {
					r.Outages.Trials[i].Pod = &r.Outages.Pod
				}
			}
			e.Outages = joined(e.Outages, r.Outages)
			if !r.cut {
				e.Termination = r.Termination
			}
		})
	},
}

func dependent(c contract.Contract, _ corev1.Container) bool { return len(c.Dependencies) > 0 }

func (l Limits) outage() time.Duration { return l.Start + l.End + time.Minute }

// joined are the outages of two trials together, the brief ones first.
func joined(had, more *evidence.Outages) *evidence.Outages {
	switch {
	case more == nil:
		return had
	case had == nil:
		return more
	case more.Without != nil:
		more.Trials = append(more.Trials, had.Trials...)
		return more
	}
	had.Trials = append(had.Trials, more.Trials...)
	return had
}

// Taken is a dependency that trials take away.
type Taken struct {
	// Name is what the contract calls it, "statefulset/postgres".
	Name string
	// Optional tells that the workload promises to do without it: that it comes back then shows in its
	// connections alone.
	Optional bool
	// Controller makes its pods; nil where it is outside of the cluster.
	Controller *workload.Controller
	// Front is how podproof's proxy stands in for it, nil where it cannot, and Unproxied why not.
	Front     *workload.Front
	Unproxied string
}

// OutageSpec says how dependencies are taken away.
type OutageSpec struct {
	// Without tells that the workload is started before its dependency is there.
	Without bool
	// Kinds are the outages to try, in this order; see evidence.Outage.
	Kinds []string
	// Brief ends an outage as soon as a pod was stopped in it.
	Brief bool
	// fills are the trial's sections.
	fills []evidence.Section
}

// OutageResult is what was seen of one dependency.
type OutageResult struct {
	Outages *evidence.Outages
	// Termination is a pod that was deleted while the dependency was frozen, nil when that
	// could not be tried.
	Termination *evidence.Termination
	// cut tells that the context ended in the middle.
	cut bool
}

// takeAway takes each dependency away, all at the same time, and what goes wrong with one leaves the
// others. The error is the first one's; those of the further ones are written with what was seen of them.
func (b *TestBed) takeAway(ctx context.Context, s OutageSpec, write func(*evidence.Taken, OutageResult)) (Seen, error) {
	results, errs := make([]OutageResult, len(b.Taken)), make([]error, len(b.Taken))
	var g errgroup.Group
	for i, d := range b.Taken {
		g.Go(func() error {
			errs[i] = surviving(func() (err error) {
				results[i], err = b.takeOne(ctx, i, d, s)
				return err
			})()
			results[i].whole(ctx, errs[i])
			return nil
		})
	}
	_ = g.Wait()
	see := func(e *evidence.Evidence) {
		for i, d := range b.Taken {
			if i == 0 {
				first := evidence.Taken{Dependency: d.Name, Outages: e.Outages, Slow: e.Slow, Termination: e.OutageTermination}
				write(&first, results[0])
				e.Outages, e.Slow, e.OutageTermination = first.Outages, first.Slow, first.Termination
				continue
			}
			t := e.Also(d.Name)
			write(t, results[i])
			for _, section := range s.fills {
				t.Miss(section, errs[i])
			}
		}
	}
	if len(errs) == 0 {
		return see, nil
	}
	if ctx.Err() != nil && errs[0] == nil {
		return see, errors.Join(errs...)
	}
	return see, errs[0]
}

// whole leaves out the outage, or the start, with which the context ended.
func (r *OutageResult) whole(ctx context.Context, err error) {
	r.cut = ctx.Err() != nil
	switch o := r.Outages; {
	case o == nil, err == nil, !r.cut:
	case len(o.Trials) == 0:
		r.Outages = nil
	default:
		o.Trials = o.Trials[:len(o.Trials)-1]
	}
}

// takeOne takes one dependency away: by podproof's proxy, or, where that cannot stand in for it, by
// what is done to its processes in a namespace with everything in it once more.
func (b *TestBed) takeOne(ctx context.Context, i int, d Taken, s OutageSpec) (OutageResult, error) {
	if d.Front != nil {
		r, err := b.byProxy(ctx, i, d, s)
		if !errors.Is(err, errBypassed) {
			return r, err
		}
		d.Unproxied = errBypassed.Error()
	}
	if d.Controller == nil {
		return OutageResult{}, fmt.Errorf("%s is outside of the cluster, and podproof's proxy cannot stand in for it: %s", d.Name, d.Unproxied)
	}
	return b.byNode(ctx, i, d, s)
}

// outages starts the workload next to its dependency, or without it at first, and then takes
// that away in several ways, while the agent asks the workload all the time.
func (o *outager) outages(ctx context.Context) (OutageResult, error) {
	began := time.Now()
	err := o.run(ctx)
	for _, uid := range o.Observer.UIDs(o.own) {
		o.out.Outages.Pod = o.podEvidence(ctx, uid) // the newest is the last
	}
	o.out.Outages.Seconds = time.Since(began).Seconds()
	return o.out, err
}

// setting is where a workload and its dependency are, and how the latter goes.
type setting interface {
	// prepare makes what is there before the workload is, the dependency among it unless it is
	// started without that.
	prepare(ctx context.Context, without bool) error
	// begin starts the workload.
	begin(ctx context.Context) error
	// bringUp gives a workload that was started without it the dependency.
	bringUp(ctx context.Context) error
	// there waits until the dependency is as it was, after an outage that went wrong.
	there(ctx context.Context) error
	// ways are those in which the dependency goes, by the kind of outage. The longest takes this long.
	ways(patience time.Duration) map[string]away
	// await waits for a connection of the workload to the dependency, as connected.go has it.
	await(ctx context.Context, limit time.Duration, was bool) (has *bool, at time.Time, err error)
}

type outager struct {
	*TestBed
	OutageSpec
	setting
	// own matches the workload's pods there.
	own      func(*corev1.Pod) bool
	proxy    *proxied // nil where the dependency is taken away on its node
	optional bool     // see Taken
	// mayBypass tells that a workload which does not come through the proxy can be tried otherwise.
	mayBypass bool
	out       OutageResult
}

func (o *outager) run(ctx context.Context) error {
	start := o.startBeside
	if o.Without {
		start = o.startWithout
	}
	if err := start(ctx); err != nil {
		return err
	}
	if w := o.out.Outages.Without; w != nil && !w.Recovered && o.out.Outages.Unreachable == "" {
		return nil // what can be said of later outages follows from that
	}
	trials := o.ways(o.patience())
	for _, kind := range o.Kinds {
		t, known := trials[kind]
		if !known {
			continue
		}
		t.kind = kind
		if o.Brief {
			t.noticed, t.lasts = false, 0
		}
		e, err := o.try(ctx, t)
		o.out.Outages.Trials = append(o.out.Outages.Trials, e)
		switch {
		case ctx.Err() != nil:
			if over := (*workload.WaitError)(nil); errors.As(err, &over) { // it says what was waited for
				return over
			}
			return context.Cause(ctx)
		case errors.Is(err, errBypassed):
			return err
		case err != nil: // it is told by the trial; the next one begins with what it needs
			err = o.there(ctx)
		}
		if err != nil {
			return err
		}
		if _, err := o.readyOf(o.own); err == nil {
			continue
		}
		if back, err := o.readyAgain(ctx, e); !back {
			return err // it did not come back, so nothing more can be taken from it
		}
	}
	return nil
}

// awaitReady waits for a controller for a time of its own.
func (b *TestBed) awaitReady(ctx context.Context, r workload.Controller, within time.Duration) error {
	limited, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%s did not become Ready within %s", r, within))
	defer cancel()
	err := AwaitReady(limited, b.Observer, r)
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%w: %w", context.Cause(limited), err)
	}
	return fmt.Errorf("%s did not become Ready: %w", r, err)
}
