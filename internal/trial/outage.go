package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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

// Outages starts the workload without its first dependency, and then takes that away in several
// ways, in a namespace with everything in it once more.
var Outages = Trial{
	ID:       "outages",
	Sections: []evidence.Section{evidence.SectionOutages},
	Doing:    "Taking DEPENDENCY away", Done: "DEPENDENCY taken away and given back",
	Needs:  NeedReady | NeedAgent,
	Asked:  dependent,
	Within: func(l Limits) time.Duration { return Look + 4*l.outage() + l.Jobs },
	Parts:  true,
	Rights: outageRights,
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		result, err := b.takeAway(ctx, "outage", func(s *OutageSpec) { s.Without, s.Kinds = true, briefOutages })
		return func(e *evidence.Evidence) { addOutages(e, wholeOutages(ctx, err, result.Outages)) }, err
	},
}

// Frozen does so in a further namespace, where the dependency does not answer for long.
var Frozen = Trial{
	ID:       "frozen",
	Sections: []evidence.Section{evidence.SectionOutages, evidence.SectionOutageTermination},
	Doing:    "Freezing DEPENDENCY", Done: "DEPENDENCY frozen and thawed",
	Needs:  NeedReady | NeedAgent,
	Asked:  dependent,
	Within: func(l Limits) time.Duration { return Look + 3*l.outage() + l.Jobs },
	Parts:  true,
	Rights: frozenRights,
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		result, err := b.takeAway(ctx, "frozen", func(s *OutageSpec) {
			s.Kinds, s.Brief = longOutages, !b.Wants(evidence.SectionOutages)
		})
		if o := result.Outages; o != nil {
			for i := range o.Trials {
				o.Trials[i].Pod = &o.Pod
			}
		}
		cut := ctx.Err() != nil
		return func(e *evidence.Evidence) {
			addOutages(e, wholeOutages(ctx, err, result.Outages))
			if !cut {
				e.OutageTermination = result.Termination
			}
		}, err
	},
}

func dependent(c contract.Contract, _ corev1.Container) bool { return len(c.Dependencies) > 0 }

func (l Limits) outage() time.Duration { return l.Start + l.End + time.Minute }

// wholeOutages leaves out the outage, or the start, with which the context ended.
func wholeOutages(ctx context.Context, err error, o *evidence.Outages) *evidence.Outages {
	switch {
	case o == nil, err == nil, ctx.Err() == nil:
		return o
	case len(o.Trials) == 0:
		return nil
	}
	o.Trials = o.Trials[:len(o.Trials)-1]
	return o
}

// addOutages puts the trials of both namespaces together, the brief ones first.
func addOutages(e *evidence.Evidence, o *evidence.Outages) {
	switch {
	case o == nil:
	case e.Outages == nil:
		e.Outages = o
	case o.Without != nil:
		o.Trials = append(o.Trials, e.Outages.Trials...)
		e.Outages = o
	default:
		e.Outages.Trials = append(e.Outages.Trials, o.Trials...)
	}
}

// takeAway takes the dependency away in a namespace of its own.
func (b *TestBed) takeAway(ctx context.Context, suffix string, choose func(*OutageSpec)) (OutageResult, error) {
	there, s, err := b.Elsewhere(ctx, suffix)
	if err != nil {
		return OutageResult{}, err
	}
	defer there.End(ctx)
	there.Trial = b.Trial
	choose(&s)
	result, err := there.outages(ctx, s)
	return result, ofTheTrial(err, there.Namespace)
}

// ofTheTrial is an error that ends this trial alone. What the API server took once is not wrong:
// it is the trial's own copy of it that is refused.
func ofTheTrial(err error, namespace string) error {
	if wrong := (*workload.ManifestError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("in namespace %s: %s", namespace, strings.Join(wrong.Problems, "; "))
	}
	return err
}

// OutageSpec says what is taken from what.
type OutageSpec struct {
	// Dependency is the controller that goes away, Objects are all but it and the workload,
	// Workload is the object under test: placed in the bench's namespace, with nothing applied.
	Dependency workload.Controller
	Others     []workload.Controller // further dependencies, which stay
	Objects    []workload.Object
	Jobs       []workload.Controller // that run to their end as soon as the dependency is there
	Workload   workload.Object
	Services   []string // those that lead to the dependency
	// Front is podproof's proxy in front of the dependency, nil where it cannot be, and Unproxied why
	// not.
	Front     *workload.Front
	Unproxied string

	// Without tells that the workload is started before its dependency is there.
	Without bool
	// Start is how long a start next to the dependency takes. A process that has not come up
	// yet cannot say that it is ready.
	Start time.Duration
	// Kinds are the outages to try, in this order; see evidence.Outage.
	Kinds []string
	// Brief ends an outage as soon as a pod was stopped in it.
	Brief bool
}

// OutageResult is what was seen.
type OutageResult struct {
	Outages *evidence.Outages
	// Termination is a pod that was deleted while the dependency was frozen, nil when that
	// could not be tried.
	Termination *evidence.Termination
}

// outages starts the workload next to its dependency, or without it at first, and then takes
// that away in several ways, while the agent asks the workload all the time.
func (b *TestBed) outages(ctx context.Context, s OutageSpec) (OutageResult, error) {
	began := time.Now()
	o := &outager{TestBed: b, OutageSpec: s, dep: &dependency{b, s.Dependency, s.Services, s.Unproxied},
		out: OutageResult{Outages: &evidence.Outages{Dependency: s.Dependency.String(), Unproxied: s.Unproxied}}}
	if s.Front != nil {
		o.proxy = &proxied{TestBed: b, controller: s.Dependency, front: s.Front}
	}
	err := o.run(ctx)
	for _, uid := range b.Observer.UIDs(podsOf(b.Subject)) {
		o.out.Outages.Pod = b.podEvidence(ctx, uid) // the newest is the last
	}
	o.out.Outages.Seconds = time.Since(began).Seconds()
	return o.out, err
}

type outager struct {
	*TestBed
	OutageSpec
	proxy *proxied // nil where the dependency is taken away on its node
	dep   *dependency
	out   OutageResult
}

func (o *outager) run(ctx context.Context) error {
	start := o.startBeside
	if o.Without {
		start = o.startWithout
	}
	if err := start(ctx); err != nil {
		return err
	}
	if w := o.out.Outages.Without; w != nil && !w.Recovered {
		return nil // what can be said of later outages follows from that
	}
	trials := o.ways()
	for _, kind := range o.Kinds {
		t := trials[kind]
		t.kind = kind
		if o.Brief {
			t.noticed, t.lasts = false, 0
		}
		e, err := o.try(ctx, t)
		o.out.Outages.Trials = append(o.out.Outages.Trials, e)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil: // it is told by the trial; the next one begins with what it needs
			err = o.awaitReady(ctx, o.Dependency, dependencyWithin)
		}
		if err != nil {
			return err
		}
		if _, err := o.readyPod(); err != nil {
			return nil // it did not come back, so nothing more can be taken from it
		}
	}
	return nil
}

// ways are those in which the dependency goes, by the kind of outage.
func (o *outager) ways() map[string]away {
	if o.proxy != nil {
		return o.proxy.ways(o.patience())
	}
	return o.dep.ways(o.patience())
}

// ways are those on its node.
func (d *dependency) ways(patience time.Duration) map[string]away {
	return map[string]away{
		evidence.OutageDisconnected: {fault: d.disconnect},
		evidence.OutageRestarted:    {fault: d.restart},
		evidence.OutageRefused:      {fault: d.refuse, heal: d.back(d.accept), noticed: true},
		evidence.OutageFrozen:       {fault: d.freeze, heal: d.back(d.thaw), lasts: patience, noticed: true, stops: true},
		evidence.OutageSlow200ms:    {fault: d.slow}, evidence.OutageSlow2s: {fault: d.slow},
	}
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
