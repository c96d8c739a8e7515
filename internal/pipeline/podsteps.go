package pipeline

import (
	"context"
	"fmt"
	"maps"
	"time"

	"podproof.dev/podproof/internal/collect/pod"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// placed are the manifests' objects as they go into the cluster, with the images known so far.
func (r *run) placed() []workload.Object { return r.placedIn(r.namespace()) }

func (r *run) placedIn(namespace string) []workload.Object {
	r.mu.Lock()
	images := maps.Clone(r.images)
	r.mu.Unlock()
	objects := workload.Place(r.objects, workload.Placement{Run: r.lease.ID, Namespace: namespace, Images: images})
	if own := workload.NamespaceOf(r.objects); own != "" {
		// A name such as postgres.shop.svc must not lead out of the run, to a team's real database.
		objects = workload.Relocated(objects, own, namespace)
	}
	return objects
}

// dependencies applies everything but the workload, and waits for what the contract names.
func (r *run) dependencies(ctx context.Context) error {
	var others []workload.Object
	for _, o := range r.placed() {
		if !r.isSubject(o) {
			others = append(others, o)
		}
	}
	if err := r.applier.Apply(ctx, others); err != nil {
		return err
	}
	for _, d := range r.contract.Dependencies {
		o, err := contract.ParseObject(d)
		if err != nil {
			return err
		}
		runner, _ := workload.Find(r.runners, o)
		dep, err := pod.Dependency(ctx, r.observer, d, runner)
		r.set(func(e *evidence.Evidence) { e.Dependencies = append(e.Dependencies, dep) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) isSubject(o workload.Object) bool {
	return o.GetKind() == r.subject.GetKind() && o.GetName() == r.subject.GetName()
}

// placedSubject is the workload as it goes into the cluster.
func (r *run) placedSubject() (workload.Runner, error) {
	for _, o := range r.placed() {
		if r.isSubject(o) {
			rs, err := workload.Runners([]workload.Object{o})
			if err != nil {
				return workload.Runner{}, err
			}
			return rs[0], nil
		}
	}
	return workload.Runner{}, fmt.Errorf("the manifests hold no %s", r.contract.Workload)
}

func (r *run) admission(ctx context.Context) error {
	subject, err := r.placedSubject()
	if err != nil {
		return err
	}
	a, err := r.applier.Admission(ctx, r.namespace(), subject)
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Admission = a })
	return nil
}

// startsPerCPU bounds how many trial pods start at once.
const startsPerCPU = 3

// patience is how long a pod may take to become Ready: half as long again as the contract
// gives it. One that is late is known to be late, and by how much, and the rest can be tried.
func (r *run) patience() time.Duration {
	const most = 30 * time.Second
	within := r.contract.Startup.Within.Std()
	return within + min(within/2, most)
}

// startup applies the workload, watches it start, and sets up the bench for the trials.
func (r *run) startup(ctx context.Context) error {
	subject, err := r.placedSubject()
	if err != nil {
		return err
	}
	if r.kind.Single() { // of several nodes, one's pressure figures count the others as strangers
		r.gauge = pod.StartGauge(ctx, r.kind, r.kind.Evidence("").Node)
	}
	r.bench = &pod.Bench{Run: r.lease.ID, Namespace: r.namespace(), Applier: r.applier, Observer: r.observer,
		REST: r.kind.REST(), Node: r.kind, Subject: subject, Container: r.container.Name, Redact: r.redact,
		AgentNamespace: r.namespace(), Gate: pod.NewGate(startsPerCPU*max(1, r.info.CPUs), r.gauge.Starved)}
	r.set(func(e *evidence.Evidence) {
		e.Workload = &evidence.Workload{Kind: r.subject.GetKind(), Name: r.subject.GetName(), Namespace: r.namespace(),
			Replicas: r.subject.Replicas, Container: r.container.Name, Template: subject.Template, ImageReplaced: maps.Clone(r.images), Secrets: r.secrets}
	})
	s, err := pod.Startup(ctx, r.bench, []workload.Object{subject.Object}, r.patience())
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Startup = s })
	return nil
}

func (r *run) health(ctx context.Context) error {
	services, err := workload.Services(r.objects, r.subject)
	if err != nil {
		return err
	}
	h, err := pod.Health(ctx, r.bench, services, r.contract.HTTP.Port, r.contract.HTTP.Health)
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Health = h })
	return nil
}

func (r *run) identity(ctx context.Context) error {
	id, err := pod.Identity(ctx, r.bench)
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Identity = id })
	return nil
}

func (r *run) termination(ctx context.Context) error {
	cfg, err := r.archive.ConfigFile()
	if err != nil {
		return err
	}
	t, err := pod.Termination(ctx, r.bench, cfg.Config.StopSignal, r.patience())
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.Termination = t })
	return nil
}

func (r *run) requiredEnv(ctx context.Context) error {
	cfg, err := r.archive.ConfigFile()
	if err != nil {
		return err
	}
	env, err := pod.RequiredEnv(ctx, r.bench, r.contract.Env.Required, cfg.Config.Env, r.contract.Startup.Within.Std())
	if err != nil {
		return err
	}
	r.set(func(e *evidence.Evidence) { e.RequiredEnv = env })
	return nil
}
