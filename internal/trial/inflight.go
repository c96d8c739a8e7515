package trial

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/runtime"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// slowRequests are under way when the pod is deleted.
	slowRequests = 5
	// stopWithin is how long the kubelet may take to begin with that; a busy one takes seconds.
	stopWithin = 15 * time.Second
	// requestTimeout bounds every request of a load, so that one that hangs is seen to hang.
	requestTimeout = 30 * time.Second
)

// InFlight deletes a pod while requests are under way, sent by the agent straight to the
// pod: some with half of their body, whose rest is sent at several moments after SIGTERM, and
// a steady trickle of quick ones, over new connections and over one that is kept.
var InFlight = Trial{
	ID:       "requests-in-flight",
	Sections: []evidence.Section{evidence.SectionInFlight},
	Doing:    "Stopping a pod with requests in flight", Done: "Pod with requests in flight stopped",
	Needs:   NeedReady | NeedAgent | NeedServing,
	Within:  func(l Limits) time.Duration { return l.Pods(4) + 3*l.Longest },
	usually: usually{own: 5 * time.Second, starts: 1},
	Rights:  looking(endingPods("podproof-requests-in-flight", "podproof-undisturbed-request"), "podproof-requests-in-flight"),
	Run:     sees(terminateInFlight, func(e *evidence.Evidence, t *evidence.Termination) { e.InFlight = t }),
}

func terminateInFlight(ctx context.Context, b *TestBed) (*evidence.Termination, error) {
	e, err := b.ending(ctx, b.Trial)
	if err != nil {
		return nil, err
	}
	defer e.release(ctx)
	if err := e.awaitReady(ctx, b.Patience); err != nil {
		return nil, err
	}
	if !e.t.WasReady {
		return nil, fmt.Errorf("the trial's pod %s did not become Ready, so no request was sent to it: %s", e.name, workload.Summary(e.now))
	}
	if err := e.lookOn(ctx); err != nil {
		return nil, err
	}
	holds := b.holds(e.t.GraceSeconds)
	_, slow := b.Asked.slow("")
	load, err := b.StartLoad(ctx, inFlightPlan(b.Asked, e.now.Status.PodIP, holds, e.signalWithin()))
	if err != nil {
		return nil, err
	}
	defer load.cancel()
	// Every stream has been answered once, and every slow request is under way.
	err = load.Begin(ctx, func(held int, rs []evidence.Request) bool {
		e.t.Held = held
		return len(streamsOf(rs)) >= 3 && (!slow || held >= slowRequests)
	})
	if err != nil {
		return nil, err
	}
	if err := e.delete(ctx); err != nil {
		return nil, err
	}
	exited, cancel := context.WithCancel(ctx)
	defer cancel()
	if slow {
		e.t.HeldFor = slices.Max(holds).Seconds()
	}
	released := make(chan time.Time, 1)
	sent := e.watchSignal(ctx)
	go func() {
		defer runtime.HandleCrash()
		defer close(released)
		if e.awaitSignal(exited, sent, holds[0]) == nil {
			released <- time.Now()
			_ = load.Release() // what goes wrong with the load is told when it is stopped
		}
	}()
	err = e.awaitExit(ctx)
	cancel()
	e.t.Released = <-released // zero when it ended first
	if err != nil {
		return nil, err
	}
	if e.t.Signalled.IsZero() { // the watch may tell of the end before the node tells of the signal
		select {
		case e.t.Signalled = <-sent: // zero where it cannot be known
		case <-time.After(told):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	e.t.Requests, err = load.Stop(ctx)
	if err != nil {
		return nil, err
	}
	if held := givenUpAfter(e.t); held > 0 {
		if e.t.Undisturbed, err = b.undisturbed(ctx, held+time.Second); ctx.Err() != nil {
			return nil, err
		}
	}
	return e.evidence(ctx), nil
}

// watchSignal asks whoever looks on.
func (e *ending) watchSignal(ctx context.Context) <-chan time.Time {
	if e.beside != nil {
		return e.beside.watchSignal(ctx, e.t.Deleted)
	}
	return e.bench.watchSignal(ctx, e.now, e.t.Deleted, e.signalWithin())
}

// signalWithin bounds the time from a deletion to the stop signal: a preStop hook may take the
// grace period, and the kubelet grants two seconds more.
func (e *ending) signalWithin() time.Duration {
	return stopWithin + time.Duration(e.t.GraceSeconds)*time.Second
}

// told is how much later than the kubelet's event the node may tell of the stop signal.
const told = 3 * time.Second

// awaitSignal returns when the process has heard SIGTERM for a time. Where the node does not
// tell when it was sent, the kubelet tells that it begins, and then runs a preStop hook, of
// which a sleep is known.
func (e *ending) awaitSignal(ctx context.Context, sent <-chan time.Time, held time.Duration) error {
	begun := make(chan struct{})
	go func() {
		defer runtime.HandleCrash()
		defer close(begun)
		_ = e.bench.within(ctx, stopWithin, e.uid, func(o *workload.Observed) (bool, string) {
			return o.Heard("Killing"), workload.Summary(o.Pod)
		})
		_ = pause(ctx, e.bench.preStopSleep()+told)
	}()
	enough := begun
	if e.bench.hooked() {
		enough = nil
	}
	select {
	case at, ok := <-sent:
		if ok {
			e.t.Signalled = at
			return pause(ctx, min(held, time.Until(at.Add(held))))
		}
		<-begun
	case <-enough:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := pause(ctx, held)
	select {
	case at, ok := <-sent:
		if ok {
			e.t.Signalled = at
		}
	default:
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hooked tells whether the container has a preStop hook that takes nobody knows how long.
func (b *TestBed) hooked() bool {
	c := b.declared()
	return c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep == nil
}

// preStopSleep is how long a preStop hook of the container sleeps.
func (b *TestBed) preStopSleep() time.Duration {
	c := b.declared()
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
		return 0
	}
	return time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
}

// inFlightPlan has requests that are held, one longer than the other, beside quick ones. The
// stop signal comes within so much time.
func inFlightPlan(a Asked, ip string, holds []time.Duration, signal time.Duration) agent.Plan {
	plan := agent.Plan{Streams: steady(stream(evidence.StreamNew, a.Load, at(ip, a.Load)), 50)}
	asked := stream(evidence.StreamReady, a.Ready, at(ip, a.Ready))
	asked.Every = 50
	plan.Streams = append(plan.Streams, asked)
	for _, held := range holds {
		s, ok := a.slow(ip)
		if !ok {
			break
		}
		s.HoldFor = int((held - holds[0]).Milliseconds())
		s.Timeout = int((requestTimeout + signal + held).Milliseconds())
		plan.Streams = append(plan.Streams, s)
	}
	return plan
}

// steady are a stream of new connections and one over a kept one.
func steady(fresh agent.Stream, every int) []agent.Stream {
	fresh.Name, fresh.Every, fresh.AnyState = evidence.StreamNew, every, true
	kept := fresh
	kept.Name, kept.KeepAlive = evidence.StreamKept, true
	return []agent.Stream{fresh, kept}
}

// streamsOf are the streams that have an answer.
func streamsOf(rs []evidence.Request) map[string]bool {
	names := map[string]bool{}
	for _, r := range rs {
		if r.Failure == "" {
			names[r.Stream] = true
		}
	}
	return names
}
