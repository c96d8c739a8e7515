package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/check"
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
// Ready and its query is answered again. Its error is told by the outage as well.
func (o *outager) try(ctx context.Context, a away) (e evidence.Outage, err error) {
	e = evidence.Outage{Kind: a.kind, Fault: evidence.FaultNode}
	if o.proxy != nil {
		e.Fault = evidence.FaultProxy
	}
	p, err := o.readyOf(o.own)
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
	load, err := o.ask(ctx, p.Status.PodIP)
	if err != nil {
		return e, err
	}
	defer load.quit()
	if o.out.Outages.Unreachable == "" { // else no connection could be
		if e.Connected, _, err = o.await(ctx, connectedWithin, true); err != nil {
			return e, err
		}
	}
	if first := len(o.out.Outages.Trials) == 0; first && o.mayBypass && e.Connected != nil && !*e.Connected {
		return e, errBypassed
	}
	if o.proxy != nil {
		if err := o.proxy.start(ctx); err != nil {
			return e, err
		}
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
	switch err := a.fault(ctx); {
	case errors.Is(err, errUnfit):
		e.Unfit = err.Error()
		return e, nil
	case err != nil:
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
	if o.out.Outages.Unreachable == "" {
		if err := o.comeBack(ctx, load, &e, before); err != nil {
			return e, err
		}
	}
	e.Requests, err = load.over(ctx)
	for _, p := range o.Observer.Pods(o.own) {
		e.Restarts = o.status(p).RestartCount - before
	}
	if o.proxy != nil && err == nil {
		e.Passage, err = o.proxy.over(ctx)
	}
	return e, err
}

// endure lets the outage last, and sees when the pod is not Ready any more.
func (o *outager) endure(ctx context.Context, a away, stopped *ending, e *evidence.Outage) error {
	g, gctx := errgroup.WithContext(ctx)
	if stopped != nil {
		g.Go(surviving(func() error {
			t, err := stopped.end(gctx)
			o.out.Termination = t
			return err
		}))
	}
	g.Go(surviving(func() error {
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
		rest := a.lasts - time.Since(e.Away)
		if a.noticed {
			rest = max(shortOutage, rest)
		}
		return o.watch(gctx, rest, func(p *corev1.Pod) bool {
			unready(p)
			return false
		})
	}))
	return g.Wait()
}

// readyToStop is a pod of a trial's own that is Ready, to be stopped during an outage.
func (o *outager) readyToStop(ctx context.Context) (*ending, error) {
	e, err := o.ending(ctx, stopInOutage+o.suffix)
	if err != nil {
		return nil, err
	}
	if err := e.awaitReady(ctx, o.Patience); err != nil {
		e.release(ctx)
		return nil, err
	}
	return e, nil
}

// watch looks at the workload's pod, now and after each change, until done says true or
// the time is over, which is no error.
func (o *outager) watch(ctx context.Context, limit time.Duration, done func(*corev1.Pod) bool) error {
	return o.Observer.Within(ctx, limit, o.own, func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() {
				return done(p.Pod), workload.Summary(p.Pod), nil
			}
		}
		return false, fmt.Sprintf("%s has no pod here", o.Subject), nil
	})
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
	return min(max(evidence.ProbeBudget(liveness)*3/2, check.HangsAfter+3*time.Second), 45*time.Second)
}
