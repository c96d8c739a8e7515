package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// endWithin bounds the requests with which a namespace begins to end, also after Ctrl-C.
const endWithin = 5 * time.Second

// elsewhere is the bench of a namespace of a trial's own, and what goes into it.
func (r *run) elsewhere(ctx context.Context, suffix string) (*trial.TestBed, trial.OutageSpec, error) {
	if r.Namespace != "" {
		return nil, trial.OutageSpec{}, fmt.Errorf("an outage is tried in a namespace of its own, and --namespace %s is the only one that this run may use", r.Namespace)
	}
	ns := r.namespace() + "-" + suffix
	observer, err := r.makeNamespace(ctx, ns)
	if err != nil {
		return nil, trial.OutageSpec{}, err
	}
	s, err := r.outageSpec(ns)
	if err != nil {
		return nil, s, err
	}
	placed, err := workload.Controllers([]workload.Object{s.Workload})
	if err != nil {
		return nil, s, err
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
	return &b, s, nil
}

// takable is a dependency as it is taken away: as many pods are waited for as are applied.
func takable(d workload.Controller) workload.Controller {
	d.Replicas = max(1, d.Replicas)
	d.Object = workload.Scaled(workload.Frugal(workload.Freezable(d.Object)), int64(d.Replicas))
	return d
}

func (r *run) outageSpec(ns string) (trial.OutageSpec, error) {
	s := trial.OutageSpec{Start: time.Duration(r.saw.e.Startup.Seconds * float64(time.Second))}
	var err error
	named := map[string]bool{}
	for _, d := range r.subject.Contract.Dependencies {
		named[d] = true
	}
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
		case name == r.subject.Contract.Dependencies[0]:
			s.Dependency = takable(x)
		case named[name]:
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
	if s.Front, err = workload.FrontOf(objects, s.Dependency, r.subject.Workload); err != nil {
		s.Unproxied = err.Error()
	}
	for _, o := range objects {
		switch name := o.String(); {
		case r.subject.Is(o):
			s.Workload = workload.Frugal(workload.Impatient(workload.Scaled(o, 1)))
		case name == r.subject.Contract.Dependencies[0]:
		case o.GetKind() == "Service" && slices.Contains(s.Services, o.GetName()):
			s.Objects = append(s.Objects, workload.Freezable(o))
		default:
			s.Objects = append(s.Objects, workload.Frugal(o))
		}
	}
	if s.Front != nil {
		s.Objects = s.Front.Leads(s.Objects)
	}
	return s, nil
}
