package pipeline

import (
	"context"
	"slices"
	"time"

	"podproof.dev/podproof/internal/collect/pod"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// The kinds of outages: those that are over soon, one after the other, and the one that
// takes as long as all of them, beside them. See evidence.Outage.
var (
	briefOutages = []string{"disconnected", "restarted", "refused"}
	longOutages  = []string{"frozen"}
)

// endWithin bounds the requests with which a namespace begins to end, also after Ctrl-C.
const endWithin = 5 * time.Second

// outages starts the workload without its first dependency, and then takes that away, in a
// namespace with everything in it once more.
func (r *run) outages(ctx context.Context) error {
	result, err := r.takeAway(ctx, r.namespace()+"-outage", func(s *pod.OutageSpec) { s.Without, s.Kinds = true, briefOutages })
	r.set(func(e *evidence.Evidence) { addOutages(e, result.Outages) })
	return err
}

// frozen does so in a further namespace, where the dependency does not answer for long.
func (r *run) frozen(ctx context.Context) error {
	result, err := r.takeAway(ctx, r.namespace()+"-frozen", func(s *pod.OutageSpec) {
		s.Kinds, s.Brief = longOutages, !r.needs(evidence.SectionOutages)
	})
	if o := result.Outages; o != nil {
		for i := range o.Trials {
			o.Trials[i].Pod = &o.Pod
		}
	}
	r.set(func(e *evidence.Evidence) { addOutages(e, result.Outages); e.OutageTermination = result.Termination })
	return err
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

func (r *run) takeAway(ctx context.Context, ns string, choose func(*pod.OutageSpec)) (pod.OutageResult, error) {
	observer, err := r.makeNamespace(ctx, ns)
	if err != nil {
		return pod.OutageResult{}, err
	}
	s, err := r.outageSpec(ns)
	if err != nil {
		return pod.OutageResult{}, err
	}
	choose(&s)
	placed, err := workload.Runners([]workload.Object{s.Workload})
	if err != nil {
		return pod.OutageResult{}, err
	}
	b := *r.bench
	b.Namespace, b.Observer, b.Subject = ns, observer, placed[0]
	result, err := pod.Outages(ctx, &b, s)
	if !r.Keep { // the clean-up waits for its end, and tells what goes wrong with it
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer cancel()
		_ = r.applier.EndNamespace(ending, ns)
	}
	return result, err
}

func (r *run) outageSpec(ns string) (pod.OutageSpec, error) {
	signal, err := r.stopSignal()
	if err != nil {
		return pod.OutageSpec{}, err
	}
	s := pod.OutageSpec{Port: r.contract.HTTP.Port, Health: r.contract.HTTP.Health, Ready: r.readyPath(),
		Query: route(r.contract.HTTP.Query), StopSignal: signal, Within: r.patience(),
		Start: time.Duration(r.e.Startup.Seconds * float64(time.Second))}
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
			x.Object = workload.Frugal(workload.Freezable(x.Object))
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
			s.Workload = workload.Frugal(workload.Impatient(workload.Scaled(o, 1)))
		case name == r.contract.Dependencies[0]:
		case o.GetKind() == "Service" && slices.Contains(s.Services, o.GetName()):
			s.Objects = append(s.Objects, workload.Freezable(o))
		default:
			s.Objects = append(s.Objects, workload.Frugal(o))
		}
	}
	return s, nil
}
