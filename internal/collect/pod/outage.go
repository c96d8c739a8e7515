package pod

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// withoutFor is how long a container runs without its dependency, at least, before that is
	// brought up.
	withoutFor = 5 * time.Second
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

// The names of the streams of an outage's requests.
const (
	StreamHealth = "health"
	StreamReady  = "ready"
	StreamQuery  = "query"
)

// OutageSpec says what is taken from what.
type OutageSpec struct {
	// Dependency is the runner that goes away, Objects are all but it and the workload,
	// Workload is the object under test: placed in the bench's namespace, with nothing applied.
	Dependency workload.Runner
	Others     []workload.Runner // further dependencies, which stay
	Objects    []workload.Object
	Workload   workload.Object
	Services   []string // those that lead to the dependency and have a cluster address

	Port          int
	Health, Ready string
	Query         *Route // one that asks the dependency; nil where none is known
	StopSignal    string
	Within        time.Duration // that a start may take
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

// Outages starts the workload next to its dependency, or without it at first, and then takes
// that away in several ways, while the agent asks the workload all the time.
func Outages(ctx context.Context, b *Bench, s OutageSpec) (OutageResult, error) {
	began := time.Now()
	o := &outager{Bench: b, OutageSpec: s, dep: &dependency{b, s.Dependency, s.Services},
		out: OutageResult{Outages: &evidence.Outages{Dependency: s.Dependency.String()}}}
	err := o.run(ctx)
	for _, uid := range uids(b.Observer, podsOf(b.Subject)) {
		o.out.Outages.Pod = b.podEvidence(ctx, uid) // the newest is the last
	}
	o.out.Outages.Seconds = time.Since(began).Seconds()
	return o.out, err
}

type outager struct {
	*Bench
	OutageSpec
	dep *dependency
	out OutageResult
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
	trials := map[string]away{
		"disconnected": {fault: o.dep.disconnect},
		"restarted":    {fault: o.dep.restart},
		"refused":      {fault: o.dep.refuse, heal: o.dep.accept, noticed: true},
		"frozen":       {fault: o.dep.freeze, heal: o.dep.thaw, lasts: o.patience(), noticed: true, stops: true},
	}
	for _, kind := range o.Kinds {
		t := trials[kind]
		t.kind, t.noticed = kind, t.noticed && !o.Brief
		e, err := o.try(ctx, t)
		o.out.Outages.Trials = append(o.out.Outages.Trials, e)
		if err != nil {
			return err
		}
		if _, err := o.readyPod(); err != nil {
			return nil // it did not come back, so nothing more can be taken from it
		}
	}
	return nil
}

// startBeside applies everything, and waits until the workload is Ready. That it is not in
// time is told by the first outage.
func (o *outager) startBeside(ctx context.Context) error {
	if err := o.Applier.Apply(ctx, append([]workload.Object{o.Dependency.Object, o.Workload}, o.Objects...)); err != nil {
		return err
	}
	for _, r := range append([]workload.Runner{o.Dependency}, o.Others...) {
		if err := AwaitReady(ctx, o.Observer, r); err != nil {
			return fmt.Errorf("%s did not become ready: %w", r, err)
		}
	}
	return o.watch(ctx, o.recovery(1), workload.IsReady)
}

// startWithout applies everything with the dependency at no replicas, and brings that up
// when the workload has run for a while.
func (o *outager) startWithout(ctx context.Context) error {
	objects := append([]workload.Object{workload.Scaled(o.Dependency.Object, 0)}, o.Objects...)
	if err := o.Applier.Apply(ctx, append(objects, o.Workload)); err != nil {
		return err
	}
	for _, r := range o.Others {
		if err := AwaitReady(ctx, o.Observer, r); err != nil {
			return fmt.Errorf("%s did not become ready: %w", r, err)
		}
	}
	w := &evidence.StartWithout{}
	err := o.watch(ctx, startWithin, func(p *corev1.Pod) bool {
		st := o.status(p)
		if w.Began.IsZero() && (st.State.Running != nil || st.State.Terminated != nil || st.RestartCount > 0) {
			w.Began = time.Now()
		}
		return !w.Began.IsZero()
	})
	if err != nil {
		return err
	}
	if w.Began.IsZero() {
		return fmt.Errorf("the container of %s did not start within %s", o.Subject, startWithin)
	}
	// Whether it is Ready at any moment of this time is what is watched for.
	look := func(p *corev1.Pod) {
		w.BecameReady = w.BecameReady || workload.IsReady(p)
		st := o.status(p)
		for _, ended := range []*corev1.ContainerStateTerminated{st.State.Terminated, st.LastTerminationState.Terminated} {
			if ended != nil {
				w.Exits, w.LastExit = max(1, st.RestartCount), ended.ExitCode
				break
			}
		}
	}
	err = o.watch(ctx, max(withoutFor, o.Start*3/2), func(p *corev1.Pod) bool {
		look(p)
		return false
	})
	if err != nil {
		return err
	}
	for _, p := range pods(o.Observer, podsOf(o.Subject)) {
		err := o.within(ctx, firstProbe, string(p.UID), func(seen *workload.Observed) (bool, string) {
			look(seen.Pod)
			return w.BecameReady || w.Exits > 0 || seen.Heard("Unhealthy"), workload.Summary(seen.Pod)
		})
		if err != nil {
			return err
		}
	}
	w.Waited = time.Since(w.Began).Seconds()
	if err := o.Applier.Apply(ctx, []workload.Object{workload.Scaled(o.Dependency.Object, 1)}); err != nil {
		return err
	}
	if err := AwaitReady(ctx, o.Observer, o.Dependency); err != nil {
		return fmt.Errorf("%s did not become ready: %w", o.Dependency, err)
	}
	w.Up = time.Now()
	err = o.watch(ctx, o.recovery(w.Exits), func(p *corev1.Pod) bool {
		w.Recovered = workload.IsReady(p)
		return w.Recovered
	})
	w.After = time.Since(w.Up).Seconds()
	o.out.Outages.Without = w
	return err
}
