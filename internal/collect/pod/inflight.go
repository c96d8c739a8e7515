package pod

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Route is one request that the workload answers.
type Route struct {
	Method, Path string
	Header       map[string]string
	Body         string
}

const (
	// slowRequests are under way when the pod is deleted.
	slowRequests = 5
	// heldFor is how long half of their bodies is held back when the kubelet has begun to stop
	// the container, and a preStop hook has slept. The process has heard SIGTERM by then, and
	// it is well within any grace period.
	heldFor = 2 * time.Second
	// stopWithin is how long the kubelet may take to begin with that; a busy one takes seconds.
	stopWithin = 15 * time.Second
	// requestTimeout bounds every request of a load, so that one that hangs is seen to hang.
	requestTimeout = 30 * time.Second
)

// The names of the streams of requests.
const (
	StreamSlow = "slow" // under way when SIGTERM comes
	StreamNew  = "new"  // a new connection for each request
	StreamKept = "kept" // one connection for all requests, as long as the server keeps it
)

// InFlight deletes a pod while requests are under way, sent by the agent straight to the
// pod: some with half of their body, which is sent two seconds after SIGTERM, and a steady
// trickle of quick ones, over new connections and over one that is kept. Upload is a route
// that reads a body before it answers, nil where none is known.
func InFlight(ctx context.Context, b *Bench, port int, health, ready string, upload *Route, stopSignal string, within time.Duration) (*evidence.Termination, error) {
	e, err := b.ending(ctx, "requests-in-flight", stopSignal)
	if err != nil {
		return nil, err
	}
	defer e.release(ctx)
	if err := e.awaitReady(ctx, within); err != nil {
		return nil, err
	}
	if !e.t.WasReady {
		return nil, fmt.Errorf("the trial's pod %s did not become Ready, so no request was sent to it: %s", e.name, workload.Summary(e.now))
	}
	load, err := b.StartLoad(ctx, inFlightPlan(net.JoinHostPort(e.now.Status.PodIP, strconv.Itoa(port)), health, ready, upload, e.signalWithin()))
	if err != nil {
		return nil, err
	}
	defer load.cancel()
	// Every stream has been answered once, and every slow request is under way.
	err = load.Begin(ctx, func(held int, rs []evidence.Request) bool {
		e.t.Held = held
		return len(streamsOf(rs)) >= 3 && (upload == nil || held >= slowRequests)
	})
	if err != nil {
		return nil, err
	}
	if err := e.delete(ctx); err != nil {
		return nil, err
	}
	exited, cancel := context.WithCancel(ctx)
	defer cancel()
	released := make(chan time.Time, 1)
	sent := b.watchSignal(ctx, e.now, e.t.Deleted, e.signalWithin())
	go func() {
		defer close(released)
		if e.awaitSignal(exited, sent) == nil {
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
	return e.evidence(ctx), nil
}

// signalWithin bounds the time from a deletion to the stop signal: a preStop hook may take the
// grace period, and the kubelet grants two seconds more.
func (e *ending) signalWithin() time.Duration {
	return stopWithin + time.Duration(e.t.GraceSeconds)*time.Second
}

// told is how much later than the kubelet's event the node may tell of the stop signal.
const told = 3 * time.Second

// awaitSignal returns when the process has heard SIGTERM for heldFor. Where the node does not
// tell when it was sent, the kubelet tells that it begins, and then runs a preStop hook, of
// which a sleep is known.
func (e *ending) awaitSignal(ctx context.Context, sent <-chan time.Time) error {
	begun := make(chan struct{})
	go func() {
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
			return pause(ctx, min(heldFor, time.Until(at.Add(heldFor))))
		}
		<-begun
	case <-enough:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := pause(ctx, heldFor)
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
func (b *Bench) hooked() bool {
	c := b.declared()
	return c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep == nil
}

// preStopSleep is how long a preStop hook of the container sleeps.
func (b *Bench) preStopSleep() time.Duration {
	c := b.declared()
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
		return 0
	}
	return time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
}

// inFlightPlan has requests that may be held for a while, beside quick ones.
func inFlightPlan(address, health, ready string, upload *Route, held time.Duration) agent.Plan {
	plan := agent.Plan{Streams: steady(address, "GET", health, 50)}
	asked := plan.Streams[0]
	asked.Name, asked.Path = StreamReady, ready
	plan.Streams = append(plan.Streams, asked)
	for range slowRequests {
		if upload == nil {
			break
		}
		plan.Streams = append(plan.Streams, agent.Stream{Name: StreamSlow, Address: address, Method: upload.Method, Path: upload.Path,
			Header: upload.Header, Body: upload.Body, Hold: true, Count: 1, Timeout: int((requestTimeout + held).Milliseconds())})
	}
	return plan
}

// steady are a stream of new connections and one over a kept one.
func steady(address, method, path string, every int) []agent.Stream {
	fresh := agent.Stream{Name: StreamNew, Address: address, Method: method, Path: path, Every: every, Timeout: int(requestTimeout.Milliseconds())}
	kept := fresh
	kept.Name, kept.KeepAlive = StreamKept, true
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
