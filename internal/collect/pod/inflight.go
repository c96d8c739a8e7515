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
	// heldFor is how long after the deletion half of their bodies is held back. The
	// process must have heard SIGTERM by then, and it is well within any grace period.
	heldFor = 2 * time.Second
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
// pod: some with half of their body, which is sent two seconds after the deletion, and
// a steady trickle of quick ones, over new connections and over one that is kept. Upload
// is a route that reads a body before it answers, nil where none is known.
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
	load, err := b.StartLoad(ctx, inFlightPlan(net.JoinHostPort(e.now.Status.PodIP, strconv.Itoa(port)), health, ready, upload))
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
	released := make(chan time.Time, 1)
	release := time.AfterFunc(heldFor, func() {
		released <- time.Now()
		_ = load.Release() // what goes wrong with the load is told when it is stopped
	})
	if err := e.awaitExit(ctx); err != nil {
		release.Stop()
		return nil, err
	}
	if !release.Stop() {
		e.t.Released = <-released
	}
	e.t.Requests, err = load.Stop(ctx)
	if err != nil {
		return nil, err
	}
	return e.evidence(ctx), nil
}

func inFlightPlan(address, health, ready string, upload *Route) agent.Plan {
	plan := agent.Plan{Streams: steady(address, "GET", health, 50)}
	asked := plan.Streams[0]
	asked.Name, asked.Path = StreamReady, ready
	plan.Streams = append(plan.Streams, asked)
	for range slowRequests {
		if upload == nil {
			break
		}
		plan.Streams = append(plan.Streams, agent.Stream{Name: StreamSlow, Address: address, Method: upload.Method, Path: upload.Path,
			Header: upload.Header, Body: upload.Body, Hold: true, Count: 1, Timeout: int(requestTimeout.Milliseconds())})
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
