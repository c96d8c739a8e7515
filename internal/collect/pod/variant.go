package pod

import (
	"context"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// ReadOnlyRoot runs a pod of the workload's whose root file system is read-only.
func ReadOnlyRoot(ctx context.Context, b *Bench, within time.Duration) (*evidence.Variant, error) {
	yes := true
	return b.variant(ctx, "read-only-root", within, func(_ *corev1.PodSpec, c *corev1.SecurityContext) {
		c.ReadOnlyRootFilesystem = &yes
	})
}

// ArbitraryUID runs a pod of the workload's as OpenShift does: with a random high user ID
// and group 0 (its "restricted" security context constraint).
func ArbitraryUID(ctx context.Context, b *Bench, within time.Duration) (*evidence.Variant, error) {
	uid, root, yes := 1_000_000_000+rand.Int64N(1_000_000), int64(0), true
	v, err := b.variant(ctx, "arbitrary-uid", within, func(p *corev1.PodSpec, c *corev1.SecurityContext) {
		c.RunAsUser, c.RunAsGroup, c.RunAsNonRoot = &uid, &root, &yes
		p.SecurityContext = p.SecurityContext.DeepCopy()
		if p.SecurityContext == nil {
			p.SecurityContext = &corev1.PodSecurityContext{}
		}
		p.SecurityContext.FSGroup = &uid
	})
	if v != nil {
		v.UID = uid
	}
	return v, err
}

// settles is how long a container without a probe must run on to count as Ready.
const settles = 5 * time.Second

// variant runs a pod of a trial's own with a changed securityContext, and watches whether
// it becomes Ready.
func (b *Bench) variant(ctx context.Context, name string, within time.Duration, change func(*corev1.PodSpec, *corev1.SecurityContext)) (*evidence.Variant, error) {
	p := b.trial(name, "podproof-"+name)
	for i := range p.Spec.Containers {
		if c := &p.Spec.Containers[i]; c.Name == b.Container {
			if c.SecurityContext == nil {
				c.SecurityContext = &corev1.SecurityContext{}
			}
			change(&p.Spec, c.SecurityContext)
		}
	}
	p, err := b.launch(ctx, p)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	v := &evidence.Variant{}
	look := func(o *workload.Observed) (over bool, seen string) {
		v.Ready = workload.IsReady(o.Pod)
		return workload.Hopeless(o) != "" || workload.Terminated(o.Pod, b.Container) != nil, workload.Summary(o.Pod)
	}
	err = b.within(ctx, within, string(p.UID), func(o *workload.Observed) (bool, string) {
		over, seen := look(o)
		return v.Ready || over, seen
	})
	if err == nil && v.Ready && !b.probed() {
		// The kubelet calls it Ready because it runs. What it cannot do shows a little later.
		err = b.within(ctx, settles, string(p.UID), look)
	}
	if err != nil {
		return nil, err
	}
	v.Seconds = time.Since(began).Seconds()
	v.Pod = b.podEvidence(ctx, string(p.UID))
	return v, b.remove(ctx, p.Name)
}
