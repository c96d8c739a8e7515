package pipeline

import (
	"context"
	"slices"

	"podproof.dev/podproof/internal/collect/pod"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// outages makes a namespace with everything in it once more, and takes the first
// dependency away there.
func (r *run) outages(ctx context.Context) error {
	ns := r.namespace() + "-outage"
	observer, err := r.makeNamespace(ctx, ns)
	if err != nil {
		return err
	}
	s, err := r.outageSpec(ns)
	if err != nil {
		return err
	}
	placed, err := workload.Runners([]workload.Object{s.Workload})
	if err != nil {
		return err
	}
	b := *r.bench
	b.Namespace, b.Observer, b.Subject = ns, observer, placed[0]
	result, err := pod.Outages(ctx, &b, s)
	r.set(func(e *evidence.Evidence) { e.Outages, e.OutageTermination = result.Outages, result.Termination })
	if !r.Keep { // the clean-up waits for its end, and tells what goes wrong with it
		_ = r.applier.EndNamespace(ctx, ns)
	}
	return err
}

func (r *run) outageSpec(ns string) (pod.OutageSpec, error) {
	signal, err := r.stopSignal()
	if err != nil {
		return pod.OutageSpec{}, err
	}
	s := pod.OutageSpec{Port: r.contract.HTTP.Port, Health: r.contract.HTTP.Health, Ready: r.readyPath(),
		Query: route(r.contract.HTTP.Query), StopSignal: signal, Within: r.contract.Startup.Within.Std(),
		StopOnly: !r.needs(evidence.SectionOutages)}
	named := map[string]bool{}
	for _, d := range r.contract.Dependencies {
		named[d] = true
	}
	objects := r.placedIn(ns)
	runners, err := workload.Runners(objects)
	if err != nil {
		return s, err
	}
	for _, x := range runners {
		switch name := x.String(); {
		case name == r.contract.Dependencies[0]:
			x.Object = workload.Freezable(x.Object)
			s.Dependency = x
		case named[name]:
			s.Others = append(s.Others, x)
		}
	}
	services, err := workload.Services(objects, s.Dependency)
	if err != nil {
		return s, err
	}
	for _, v := range services {
		if v.Spec.ClusterIP != "None" {
			s.Services = append(s.Services, v.Name)
		}
	}
	for _, o := range objects {
		switch name := o.String(); {
		case r.isSubject(o):
			s.Workload = workload.Impatient(workload.Scaled(o, 1))
		case name == r.contract.Dependencies[0]:
		case o.GetKind() == "Service" && slices.Contains(s.Services, o.GetName()):
			s.Objects = append(s.Objects, workload.Freezable(o))
		default:
			s.Objects = append(s.Objects, o)
		}
	}
	return s, nil
}
