package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// dependencies applies everything but the workload, and waits for what the contract names, and
// then for the Jobs of the manifests: a migration needs the database, and the workload needs it.
func (r *run) dependencies(ctx context.Context) error {
	began := time.Now()
	err := r.startDependencies(ctx)
	if why := r.disturbed(began, trial.Trial{}); err != nil && why != nil && ctx.Err() == nil {
		return why
	}
	return err
}

func (r *run) startDependencies(ctx context.Context) error {
	objects, jobs := withoutJobs(r.placed())
	others := slices.DeleteFunc(objects, r.subject.Is)
	if err := r.place.applier.Apply(ctx, others); err != nil {
		return err
	}
	for _, d := range r.subject.Contract.InCluster() {
		o, err := contract.ParseObject(d)
		if err != nil {
			return err
		}
		controller, _ := workload.Find(r.subject.Controllers, o)
		dep, err := trial.Dependency(ctx, r.place.observer, d, controller)
		r.set(func(e *evidence.Evidence) { e.Dependencies = append(e.Dependencies, dep) })
		if err != nil {
			return err
		}
		services, err := workload.Services(others, controller)
		if err != nil {
			return err
		}
		by, nodes, err := r.looker(ctx)
		if err != nil {
			return err
		}
		for _, node := range nodes { // each learns of it by itself
			trial.AwaitServices(ctx, r.place.applier.Client, by, node, services)
		}
	}
	waited, err := workload.Jobs(jobs)
	if err != nil {
		return err
	}
	done, err := trial.Jobs(ctx, r.place.applier, r.place.observer, waited)
	r.set(func(e *evidence.Evidence) { e.Dependencies = append(e.Dependencies, done...) })
	return err
}

// looker is who tells what a node sees of the whole machine, and the nodes' names: their own agent, or
// podproof's pod where none may be touched, whose node has no name here. There may be no nodes.
func (r *run) looker(ctx context.Context) (trial.Node, []string, error) {
	if r.place.Nodes() == nil {
		return r.agentBed().AgentNode(), []string{""}, nil
	}
	nodes, err := r.nodes(ctx)
	return r.place.Nodes(), nodes, err
}

// withoutJobs takes the Jobs that run out of the objects.
func withoutJobs(objects []workload.Object) (others, jobs []workload.Object) {
	for _, o := range objects {
		if workload.RunsToEnd(o) {
			jobs = append(jobs, o)
		} else {
			others = append(others, o)
		}
	}
	return others, jobs
}

// placedSubject is the workload as it goes into the cluster.
func (r *run) placedSubject() (workload.Controller, error) { return r.subjectOf(r.placed()) }

// shippedSubject is the workload as it is shipped, with the run's images. What is said of its
// manifest is said of this one.
func (r *run) shippedSubject() (workload.Controller, error) {
	return r.subjectOf(r.shippedIn(r.namespace()))
}

func (r *run) subjectOf(objects []workload.Object) (workload.Controller, error) {
	for _, o := range objects {
		if r.subject.Is(o) {
			rs, err := workload.Controllers([]workload.Object{o})
			if err != nil {
				return workload.Controller{}, err
			}
			return rs[0], nil
		}
	}
	return workload.Controller{}, fmt.Errorf("the manifests hold no %s", r.subject.Contract.Workload)
}

func (r *run) admission(ctx context.Context) error {
	subject, err := r.shippedSubject()
	if err != nil {
		return err
	}
	a, err := r.place.applier.Admission(ctx, r.namespace(), subject)
	if err != nil {
		return err
	}
	if len(a.Altered) > 0 {
		r.Tell.Note("This cluster changes the pods on their way in, and what is found out is true of them as they are then: " + strings.Join(a.Altered, "; "))
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Admission = a })
	return nil
}

// startsPerCPU bounds how many trial pods start at once.
const startsPerCPU = 3

// patience is how long a pod may take to become Ready: half as long again as the contract
// gives it. One that is late is known to be late, and by how much, and the rest can be tried.
func (r *run) patience() time.Duration {
	const most = 30 * time.Second
	within := r.plan.Contract.Startup.Within.Std()
	return within + min(within/2, most)
}

// startup applies the workload, watches it start, and sets up the bench for the trials.
func (r *run) startup(ctx context.Context) error {
	subject, err := r.placedSubject()
	if err != nil {
		return err
	}
	shipped, err := r.shippedSubject()
	if err != nil {
		return err
	}
	image, err := r.image.ConfigFile()
	if err != nil {
		return err
	}
	services, err := workload.Services(r.subject.Objects, r.subject.Workload)
	if err != nil {
		return err
	}
	by, nodes, err := r.looker(ctx)
	if err != nil {
		return err
	}
	taken, err := r.taken(r.placedIn(r.namespace()))
	if err != nil {
		return err
	}
	var sampler *trial.Sampler
	if len(nodes) > 0 {
		sampler = trial.StartSampler(ctx, by, nodes...)
	}
	r.bench = &trial.TestBed{Run: r.ledger.ID, Namespace: r.namespace(), Applier: r.place.applier, Observer: r.place.observer,
		REST: r.place.REST(), Subject: subject, Container: r.subject.Container.Name, Asked: r.asked(), Redact: r.subject.Redact,
		Contract: r.subject.Contract, StopSignal: image.Config.StopSignal, ImageUser: image.Config.User, ImageEnv: image.Config.Env, Services: services, Manifests: r.subject.Objects, Patience: r.patience(), Least: workload.Least(r.plan.Left, r.plan.Workload.Object), Demands: r.place.demands,
		Wants: func(s evidence.Section) bool { return r.needs(s) }, Taken: taken,
		AgentNamespace: r.namespace(), ProxyImage: r.AgentImage, Sampler: sampler, Limiter: trial.NewLimiter(startsPerCPU*max(1, r.info.CPUs), sampler.Starved)}
	if r.Namespace == "" {
		r.bench.Elsewhere = r.elsewhere
	}
	if nodes := r.place.Nodes(); nodes != nil {
		r.bench.Node = trial.Guarded{Node: nodes}
	} else {
		r.bench.AgentImage = r.AgentImage
	}
	r.seen(ctx, func(e *evidence.Evidence) {
		e.Workload = &evidence.Workload{Kind: r.subject.Workload.GetKind(), Name: r.subject.Workload.GetName(), Namespace: r.namespace(), Source: r.subject.Source(),
			Replicas: r.subject.Workload.Replicas, DeclaredReplicas: r.subject.Declared, LeftOut: r.subject.LeftOut(), Container: r.subject.Container.Name, Template: shipped.Template, ImageReplaced: r.place.replaced(), Secrets: r.subject.Secrets}
	})
	began := time.Now()
	s, err := trial.Startup(ctx, r.bench, []workload.Object{subject.Object}, r.patience())
	if why := r.disturbed(began, trial.Trial{}); why != nil && ctx.Err() == nil {
		return why
	}
	if err != nil {
		return err
	}
	if err := r.isWhatRuns(s.Pods); err != nil {
		return err
	}
	if !s.Ready && len(r.saw.e.Cluster.Policies) > 0 {
		return r.errCutOff()
	}
	r.bench.StartTook = time.Duration(s.Seconds * float64(time.Second))
	s.WithinDerived = r.Options.Contract.Startup.Within == 0
	r.seen(ctx, func(e *evidence.Evidence) { e.Startup = s })
	return nil
}
