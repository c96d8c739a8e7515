package trial

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/workload"
)

// lookAtOwn looks from beside at a pod that it makes for that, as the workload's own are not to be
// changed. It lets the pod become Ready first, as those are, where they are. The caller removes it,
// also where there is an error, unless it is nil.
func (b *TestBed) lookAtOwn(ctx context.Context) (*beside, *corev1.Pod, error) {
	p, err := b.launch(ctx, b.trial("podproof-"+b.Trial))
	if err != nil {
		return nil, p, err
	}
	limit := settles
	if _, err := b.readyPod(); err == nil {
		limit = b.Patience
	}
	uid := string(p.UID)
	seen := ""
	err = b.within(ctx, limit, uid, func(o *workload.Observed) (bool, string) {
		p, seen = o.Pod, workload.Summary(o.Pod)
		if why := workload.Hopeless(o); why != "" {
			seen = why
			return true, seen
		}
		return workload.IsReady(p) || workload.Terminated(p, b.Container) != nil, seen
	})
	if err != nil {
		return nil, p, err
	}
	if workload.Running(p, b.Container) == nil {
		return nil, p, fmt.Errorf("no container of the trial's own pod runs that could be looked at: %s", seen)
	}
	if !b.probed() { // the kubelet calls it Ready as soon as it runs
		if err := b.awaitListener(ctx, p); err != nil {
			return nil, p, err
		}
	}
	s, err := b.lookInto(ctx, p)
	return s, p, err
}

// discardOwn removes a pod of a trial's, whatever has become of the run.
func (b *TestBed) discardOwn(ctx context.Context, p *corev1.Pod) {
	if p != nil {
		_ = b.remove(context.WithoutCancel(ctx), p.Name) // the end of its namespace takes what stays
	}
}
