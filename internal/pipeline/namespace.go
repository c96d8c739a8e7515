package pipeline

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// mostOthers are named of the pods that a namespace has.
const mostOthers = 3

// inside says what keeps a run from a namespace that is there: pods of others, which its trials
// would disturb, and objects of its names.
func (r *run) inside(ctx context.Context) ([]string, error) {
	if r.Namespace == "" {
		return nil, nil
	}
	pods, err := r.place.applier.Client.CoreV1().Pods(r.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of namespace %s: %w", r.Namespace, err)
	}
	var others []string
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed && !(r.inJob() && r.Job.Has(p)) {
			others = append(others, p.Name)
		}
	}
	var out []string
	if n := len(others); n > 0 && !r.Shared {
		if n > mostOthers {
			others = append(others[:mostOthers], fmt.Sprintf("%d more", n-mostOthers))
		}
		out = append(out, fmt.Sprintf("namespace %s has pods of others (%s), beside which podproof would start and stop its own: take an empty one, or say --shared-namespace", r.Namespace, strings.Join(others, ", ")))
	}
	taken, err := r.place.applier.Taken(ctx, r.shippedIn(r.Namespace))
	return append(out, taken...), err
}

// inJob tells whether the run is part of a Job in the namespace where it makes its objects, so that this
// can own them: nothing is owned across namespaces.
func (r *run) inJob() bool { return r.Job != nil && r.Namespace == r.Job.Namespace }

// removeEarlier removes what an earlier pod of the same Job left, which was killed: its objects have the
// names that this run needs. Kubernetes makes no pod before the one that it takes the place of has ended
// (podReplacementPolicy: Failed).
func (r *run) removeEarlier(ctx context.Context) error {
	if !r.inJob() {
		return nil
	}
	return removeOf(ctx, r.place.applier, *r.Job, r.Tell.Note)
}

// removeOf removes what pods of a Job that have ended left.
func removeOf(ctx context.Context, a *workload.Applier, j workload.InJob, note func(string)) error {
	left, err := a.Leftovers(ctx, j.Namespace)
	if err != nil {
		return err
	}
	for _, l := range left {
		if l.Above != j.UID {
			continue
		}
		if err := a.RemoveLeftover(ctx, l); err != nil {
			return err
		}
		note(fmt.Sprintf("Removed %s, which an earlier pod of this Job left", l))
	}
	return nil
}

// SweepJob removes what a run in a Job has left that was killed. The cluster is the one in Options.
func SweepJob(ctx context.Context, o Options, note func(string)) error {
	c, err := o.Providers[o.Provider].Prepare(ctx, cluster.Spec{Existing: o.Existing, Kubeconfig: o.Kubeconfig})
	if err != nil {
		return err
	}
	a, err := workload.NewApplier(c.REST())
	if err != nil {
		return err
	}
	return removeOf(ctx, a, *o.Job, note)
}

// unfit names the objects of the manifests that belong to the whole cluster and are not there as the
// manifests have them: podproof makes and changes none in a cluster that it did not make.
func (r *run) unfit(ctx context.Context, wide []workload.Object) ([]string, error) {
	const rule = "podproof changes nothing outside of its own namespaces in a cluster that it did not make"
	var out []string
	for _, o := range wide {
		p, err := r.place.applier.Presence(ctx, o)
		if err != nil {
			return nil, err
		}
		switch p {
		case workload.Absent:
			out = append(out, fmt.Sprintf("%s: %s belongs to the whole cluster, which has none of that name: %s", o.Source, o, rule))
		case workload.Other:
			out = append(out, fmt.Sprintf("%s: %s belongs to the whole cluster, and the one that is there says something else: %s", o.Source, o, rule))
		case workload.Present:
			r.Tell.Note(fmt.Sprintf("Left out %s (%s): it belongs to the whole cluster, which has it already", o, o.Source))
		case workload.Unseen:
			r.Tell.Note(fmt.Sprintf("Left out %s (%s): it belongs to the whole cluster, and you may not see whether that has it", o, o.Source))
		}
	}
	return out, nil
}

// network sees whether policies of the namespace cut what the run's pods say to each other, and lifts
// that where it may.
func (r *run) network(ctx context.Context) error {
	if r.Namespace == "" {
		return nil
	}
	if r.OpenNetwork {
		return r.place.applier.OpenNetwork(ctx, r.Namespace, r.ledger.ID)
	}
	any := map[string]string{workload.RunLabel: r.ledger.ID}
	under := maps.Clone(r.plan.Workload.Template.Labels)
	maps.Copy(under, any)
	policies, err := r.place.applier.Policies(ctx, r.Namespace, any, under)
	if len(policies) > 0 {
		r.Tell.Note(fmt.Sprintf("Namespace %s has network policies that select the pods of this run (%s), which they may cut off from each other; --open-network lets them talk", r.Namespace, strings.Join(policies, ", ")))
	}
	r.seen(ctx, func(e *evidence.Evidence) { e.Cluster.Policies = policies })
	return err
}

// errCutOff is that a pod is not Ready where policies may keep it from what it needs: the manifests'
// own, which would allow that, are left out.
func (r *run) errCutOff() error {
	return fmt.Errorf("%s did not become Ready, and namespace %s has network policies that may keep it from its dependencies (%s); --open-network lets the pods of the run talk to each other",
		r.subject.Contract.Workload, r.Namespace, strings.Join(r.saw.e.Cluster.Policies, ", "))
}
