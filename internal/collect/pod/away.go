package pod

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// away is one way in which the dependency goes.
type away struct {
	kind  string
	fault func(context.Context) error
	// heal gives the dependency back; nil where it comes back by itself.
	heal  func(context.Context) error
	lasts time.Duration // at least
	// noticed tells that the readiness probe must see it.
	noticed bool
	// stops tells that a pod is stopped meanwhile.
	stops bool
}

// try takes the dependency away under load, gives it back, and waits until the workload is
// Ready and its query is answered again.
func (o *outager) try(ctx context.Context, a away) (e evidence.Outage, err error) {
	e = evidence.Outage{Kind: a.kind}
	p, err := o.readyPod()
	if err != nil {
		e.Problem = err.Error()
		return e, nil
	}
	defer func() {
		if err != nil { // what was seen until then is no whole outage
			e.Problem = err.Error()
		}
	}()
	var stopped *ending
	if a.stops {
		if stopped, err = o.readyToStop(ctx); err != nil {
			return e, err
		}
		defer stopped.release(ctx)
	}
	load, err := o.StartLoad(ctx, o.plan(p.Status.PodIP))
	if err != nil {
		return e, err
	}
	defer load.cancel()
	err = load.Begin(ctx, func(_ int, rs []evidence.Request) bool { return len(streamsOf(rs)) == len(o.plan("").Streams) })
	if err != nil {
		return e, err
	}
	if err := o.awaitQuery(ctx, load); err != nil {
		return e, err
	}
	before := o.status(p).RestartCount
	healed := false
	heal := func(ctx context.Context) error {
		if healed || a.heal == nil {
			return nil
		}
		healed = true
		return a.heal(ctx)
	}
	// Whatever happens, the dependency does not stay away.
	defer func() { err = errors.Join(err, heal(context.WithoutCancel(ctx))) }()

	e.Began = time.Now()
	if err := a.fault(ctx); err != nil {
		e.Problem = err.Error()
		_, err = load.Stop(ctx)
		return e, err
	}
	e.Away = time.Now()
	if err := o.endure(ctx, a, stopped, &e); err != nil {
		return e, err
	}
	e.Healed = time.Now() // from here on a success may be the dependency's again
	if err := heal(ctx); err != nil {
		return e, err
	}
	if err := o.comeBack(ctx, load, &e, before); err != nil {
		return e, err
	}
	e.Requests, err = load.Stop(ctx)
	for _, p := range pods(o.Observer, podsOf(o.Subject)) {
		e.Restarts = o.status(p).RestartCount - before
	}
	return e, err
}

// firstQuery is how long a query may take to succeed before anything is taken away: a pool may
// still have connections that the outage before it ended.
const firstQuery = 5 * time.Second

// awaitQuery waits until a query has succeeded. One that does not in time is evidence.
func (o *outager) awaitQuery(ctx context.Context, load *Load) error {
	if o.Query == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, firstQuery)
	defer cancel()
	err := load.Until(limited, func(_ int, rs []evidence.Request) bool { return slices.ContainsFunc(rs, succeeded(StreamQuery)) })
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// succeeded matches the requests of a stream that were answered with success.
func succeeded(stream string) func(evidence.Request) bool {
	return func(r evidence.Request) bool {
		return r.Stream == stream && r.Failure == "" && r.Status >= 200 && r.Status < 300
	}
}

// endure lets the outage last, and sees when the pod is not Ready any more.
func (o *outager) endure(ctx context.Context, a away, stopped *ending, e *evidence.Outage) error {
	g, gctx := errgroup.WithContext(ctx)
	if stopped != nil {
		g.Go(func() error {
			t, err := stopped.end(gctx)
			o.out.Termination = t
			return err
		})
	}
	g.Go(func() error {
		limit := o.budget()
		if !a.noticed {
			limit = 0 // it may be over before a probe asks
		}
		unready := func(p *corev1.Pod) bool {
			if !workload.IsReady(p) && e.Unready.IsZero() {
				e.Unready = time.Now()
			}
			return !e.Unready.IsZero()
		}
		if err := o.watch(gctx, limit, unready); err != nil {
			return err
		}
		rest := time.Duration(0)
		if a.noticed {
			rest = max(shortOutage, a.lasts-time.Since(e.Away))
		}
		return o.watch(gctx, rest, func(p *corev1.Pod) bool {
			unready(p)
			return false
		})
	})
	return g.Wait()
}

// comeBack waits until the workload is Ready and answers again. What it did not do in time
// is the evidence. Before is how often the container had been restarted before the outage.
func (o *outager) comeBack(ctx context.Context, load *Load, e *evidence.Outage, before int32) error {
	exits := int32(0)
	for _, p := range pods(o.Observer, podsOf(o.Subject)) {
		s := o.status(p)
		exits = s.RestartCount - before
		if s.State.Running == nil {
			exits++
		}
	}
	limit := o.recovery(exits)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	asked := StreamReady
	if o.Query != nil {
		asked = StreamQuery
	}
	err := load.Until(limited, func(_ int, rs []evidence.Request) bool {
		return slices.ContainsFunc(rs, func(r evidence.Request) bool { return r.Start.After(e.Healed) && succeeded(asked)(r) })
	})
	if err != nil && limited.Err() == nil {
		return err
	}
	err = o.watch(limited, limit, func(p *corev1.Pod) bool {
		if !workload.IsReady(p) {
			if e.Unready.IsZero() {
				e.Unready = time.Now()
			}
			return false
		}
		if !e.Unready.IsZero() {
			e.Ready = time.Now()
		}
		return true
	})
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// readyToStop is a pod of a trial's own that is Ready, to be stopped during an outage.
func (o *outager) readyToStop(ctx context.Context) (*ending, error) {
	e, err := o.ending(ctx, "stop-in-outage", o.StopSignal)
	if err != nil {
		return nil, err
	}
	if err := e.awaitReady(ctx, o.Within); err != nil {
		e.release(ctx)
		return nil, err
	}
	return e, nil
}

// watch looks at the workload's pod, now and after each change, until done says true or
// the time is over, which is no error.
func (o *outager) watch(ctx context.Context, limit time.Duration, done func(*corev1.Pod) bool) error {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := o.Observer.Wait(wait, podsOf(o.Subject), func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() {
				return done(p.Pod), workload.Summary(p.Pod), nil
			}
		}
		return false, fmt.Sprintf("%s has no pod", o.Subject), nil
	})
	var over *workload.WaitError
	if errors.As(err, &over) && ctx.Err() == nil {
		return nil
	}
	return err
}

// status is that of the container under test.
func (o *outager) status(p *corev1.Pod) corev1.ContainerStatus {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == o.Container {
			return s
		}
	}
	return corev1.ContainerStatus{}
}

// budget is the time within which the readiness probe must have noticed an outage.
func (o *outager) budget() time.Duration {
	readiness, _ := workload.Probes(o.Subject.Template, o.Container)
	return evidence.ProbeBudget(readiness) + probeMargin
}

// patience is how long an outage lasts that the liveness probe must survive: half as long
// again as it takes to give up on a process, and long enough to tell a request that hangs.
func (o *outager) patience() time.Duration {
	_, liveness := workload.Probes(o.Subject.Template, o.Container)
	return min(max(evidence.ProbeBudget(liveness)*3/2, evidence.HangsAfter+3*time.Second), 45*time.Second)
}

// recovery is how long the workload is given to be Ready again: what a start may take, and
// more where its container has ended, which the kubelet starts again after 10 s, then 20 s,
// and so on.
func (o *outager) recovery(exits int32) time.Duration {
	if exits > 0 {
		return o.Within + max(30*time.Second, 10*time.Second<<min(exits, 4))
	}
	return o.Within + probeMargin
}

// plan asks the pod for its health, its readiness, and what it knows from its dependency.
func (o *outager) plan(ip string) agent.Plan {
	ask := func(name, method, path string) agent.Stream {
		return agent.Stream{Name: name, Address: net.JoinHostPort(ip, strconv.Itoa(o.Port)), Method: method, Path: path,
			Every: outageEvery, Timeout: int(requestTimeout.Milliseconds())}
	}
	p := agent.Plan{Streams: []agent.Stream{ask(StreamHealth, "GET", o.Health), ask(StreamReady, "GET", o.Ready)}}
	if q := o.Query; q != nil {
		s := ask(StreamQuery, q.Method, q.Path)
		s.Header, s.Body = q.Header, q.Body
		p.Streams = append(p.Streams, s)
	}
	return p
}
