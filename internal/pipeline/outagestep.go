package pipeline

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// endWithin bounds the requests with which a namespace begins to end, also after Ctrl-C.
const endWithin = 5 * time.Second

// taken are the dependencies that trials take away, in the contract's order.
func (r *run) taken(objects []workload.Object) ([]trial.Taken, error) {
	controllers, err := workload.Controllers(objects)
	if err != nil {
		return nil, err
	}
	var out []trial.Taken
	for _, d := range r.subject.Contract.Dependencies {
		t := trial.Taken{Name: d.String(), Optional: d.Optional}
		if d.External() {
			t.Front, err = frontOfHost(objects, d.Host)
		} else {
			c := controllers[slices.IndexFunc(controllers, func(c workload.Controller) bool { return c.String() == d.Object })] // it is one of them, see subject
			t.Controller = &c
			t.Front, err = workload.FrontOf(objects, c, r.subject.Workload)
		}
		if err != nil {
			t.Unproxied = err.Error()
		}
		out = append(out, t)
	}
	return out, nil
}

func frontOfHost(objects []workload.Object, address string) (*workload.Front, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the port of %s is no number: %w", address, err)
	}
	return workload.FrontOfHost(objects, host, int32(n))
}

// elsewhere is the bench of a namespace of a trial's own, and what goes into it.
func (r *run) elsewhere(ctx context.Context, suffix, dependency string) (*trial.TestBed, trial.Copy, error) {
	ns := r.namespace() + "-" + suffix
	observer, err := r.makeNamespace(ctx, ns)
	if err != nil {
		return nil, trial.Copy{}, err
	}
	c, err := r.copied(ns, dependency)
	if err != nil {
		return nil, c, err
	}
	placed, err := workload.Controllers([]workload.Object{c.Workload})
	if err != nil {
		return nil, c, err
	}
	b := *r.bench
	b.Namespace, b.Observer, b.Subject = ns, observer, placed[0]
	b.End = func(ctx context.Context) {
		if r.Keep {
			return
		}
		// The clean-up waits for its end, and tells what goes wrong with it.
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer cancel()
		_ = r.place.applier.EndNamespace(ending, ns, r.ledger.ID)
	}
	return &b, c, nil
}

// takable is a dependency as it is taken away: as many pods are waited for as are applied.
func takable(d workload.Controller) workload.Controller {
	d.Replicas = max(1, d.Replicas)
	d.Object = workload.Scaled(workload.Frugal(workload.Freezable(d.Object)), int64(d.Replicas))
	return d
}

// copied is everything once more, for a namespace in which one dependency goes away.
func (r *run) copied(ns, dependency string) (s trial.Copy, err error) {
	objects, jobs := withoutJobs(r.placedIn(ns))
	for i := range jobs {
		jobs[i] = workload.Frugal(jobs[i])
	}
	if s.Jobs, err = workload.Jobs(jobs); err != nil {
		return s, err
	}
	controllers, err := workload.Controllers(objects)
	if err != nil {
		return s, err
	}
	for _, x := range controllers {
		switch name := x.String(); {
		case name == dependency:
			s.Dependency = takable(x)
		case slices.Contains(r.subject.Contract.InCluster(), name):
			s.Others = append(s.Others, x)
		}
	}
	services, err := workload.Services(objects, s.Dependency)
	if err != nil {
		return s, err
	}
	for _, v := range services {
		s.Services = append(s.Services, v.Name)
	}
	for _, o := range objects {
		switch name := o.String(); {
		case r.subject.Is(o):
			s.Workload = workload.Frugal(workload.Impatient(workload.Scaled(o, 1)))
		case name == dependency:
		case o.GetKind() == "Service" && slices.Contains(s.Services, o.GetName()):
			s.Objects = append(s.Objects, workload.Freezable(o))
		default:
			s.Objects = append(s.Objects, workload.Frugal(o))
		}
	}
	return s, nil
}
