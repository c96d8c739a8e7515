package trial

import (
	"context"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// ReadOnlyRoot runs a pod of the workload's whose root file system is read-only.
var ReadOnlyRoot = Trial{
	ID:       "read-only-root",
	Sections: []evidence.Section{evidence.SectionReadOnlyRoot},
	Needs:    NeedReady,
	usually:  usually{starts: 1},
	Asked: func(_ contract.Contract, c corev1.Container) bool { // the manifest does not ask for it already
		s := c.SecurityContext
		return s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem
	},
	Within: forPods(2),
	Rights: ownPods("podproof-read-only-root"),
	Run:    sees(tryReadOnlyRoot, func(e *evidence.Evidence, v *evidence.Variant) { e.ReadOnlyRoot = v }),
}

// ArbitraryUID runs a pod of the workload's as OpenShift does: with a random high user ID
// and group 0 (its "restricted" security context constraint).
var ArbitraryUID = Trial{
	ID:       "arbitrary-uid",
	Sections: []evidence.Section{evidence.SectionArbitraryUID},
	Needs:    NeedReady,
	usually:  usually{starts: 1},
	Asked:    func(c contract.Contract, _ corev1.Container) bool { return c.Identity.ArbitraryUID },
	Within:   forPods(2),
	Rights:   ownPods("podproof-arbitrary-uid"),
	Run:      sees(tryArbitraryUID, func(e *evidence.Evidence, v *evidence.Variant) { e.ArbitraryUID = v }),
}

func tryReadOnlyRoot(ctx context.Context, b *TestBed) (*evidence.Variant, error) {
	yes := true
	return b.variant(ctx, func(_ *corev1.PodSpec, c *corev1.SecurityContext) {
		c.ReadOnlyRootFilesystem = &yes
	})
}

func tryArbitraryUID(ctx context.Context, b *TestBed) (*evidence.Variant, error) {
	uid, root, yes := 1_000_000_000+rand.Int64N(1_000_000), int64(0), true
	v, err := b.variant(ctx, func(p *corev1.PodSpec, c *corev1.SecurityContext) {
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
func (b *TestBed) variant(ctx context.Context, change func(*corev1.PodSpec, *corev1.SecurityContext)) (*evidence.Variant, error) {
	p := b.trial("podproof-" + b.Trial)
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
	v := &evidence.Variant{}
	look := func(o *workload.Observed) (over bool, seen string) {
		v.Ready = workload.IsReady(o.Pod)
		return workload.Hopeless(o) != "" || workload.Terminated(o.Pod, b.Container) != nil, workload.Summary(o.Pod)
	}
	err = b.within(ctx, b.Patience, string(p.UID), func(o *workload.Observed) (bool, string) {
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
	v.Seconds = time.Since(firstSeen(b.Observer, string(p.UID))).Seconds()
	v.Pod = b.podEvidence(ctx, string(p.UID))
	_ = b.remove(ctx, p.Name) // the end of its namespace takes what stays
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return v, nil
}

// firstSeen is when a pod first showed on the watch, and now where it did not.
func firstSeen(o *workload.Observer, uid string) time.Time {
	if t := o.Evidence(uid, "").Timeline; len(t) > 0 {
		return t[0].At
	}
	return time.Now()
}
