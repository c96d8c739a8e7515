package pod

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Startup applies the workload and watches until its pods are Ready, cannot become so any
// more, or the time is over.
func Startup(ctx context.Context, b *Bench, objects []workload.Object, within time.Duration) (*evidence.Startup, error) {
	if err := b.Applier.Apply(ctx, objects); err != nil {
		return nil, err
	}
	s := &evidence.Startup{Applied: time.Now()}
	wait, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := AwaitReady(wait, b.Observer, b.Subject)
	s.Seconds = time.Since(s.Applied).Seconds()
	var ran *workload.WaitError
	switch {
	case err == nil:
		s.Ready = true
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &ran):
		// The time is over; the pods below say what was seen.
	default:
		s.Impossible = err.Error()
	}
	for _, uid := range uids(b.Observer, podsOf(b.Subject)) {
		s.Pods = append(s.Pods, b.podEvidence(ctx, uid))
	}
	return s, nil
}

// readyPod is one Ready pod of the workload.
func (b *Bench) readyPod() (*corev1.Pod, error) {
	var ready *corev1.Pod
	seen := "it has no pods"
	_ = b.Observer.Wait(context.Background(), podsOf(b.Subject), func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if workload.IsReady(p.Pod) {
				ready = p.Pod
			}
			seen = workload.Summary(p.Pod)
		}
		return true, "", nil
	})
	if ready == nil {
		return nil, fmt.Errorf("no pod of %s is Ready: %s", b.Subject, seen)
	}
	return ready, nil
}

// runningPod is one pod of the workload whose container runs, a Ready one if there is any.
func (b *Bench) runningPod() (*corev1.Pod, error) {
	if p, err := b.readyPod(); err == nil {
		return p, nil
	}
	var running *corev1.Pod
	seen := "it has no pods"
	_ = b.Observer.Wait(context.Background(), podsOf(b.Subject), func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() && workload.Running(p.Pod, b.Container) != nil {
				running = p.Pod
			}
			seen = workload.Summary(p.Pod)
		}
		return true, "", nil
	})
	if running == nil {
		return nil, fmt.Errorf("no container of %s runs: %s", b.Subject, seen)
	}
	return running, nil
}
