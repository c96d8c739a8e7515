package pipeline

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// redacted is what may be written down of a value: the values of the manifests' Secrets stand
// in more places than in what a container says, as literals of a pod template and in errors.
func redacted[T any](r *run, v T) T {
	if r.plan.Redact == nil {
		return v
	}
	return redact.Everywhere(v, r.plan.Redact)
}

// searched is what all pods that ran the image have written, whether or not a trial kept it.
// It is nil where there was none. The logs of those that have ended are given a time to be read.
func (r *run) searched(ctx context.Context) *evidence.LogSearch {
	image, ok := r.place.replaced()[r.plan.Container.Image]
	if !ok {
		return nil
	}
	var all evidence.LogSearch
	runs := func(p *corev1.Pod) bool {
		return slices.ContainsFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool { return c.Image == image })
	}
	r.place.mu.Lock()
	observers := slices.Clone(r.place.observers)
	r.place.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, trial.LogEnds) // for all of them together
	defer cancel()
	for _, o := range observers {
		_ = o.Within(ctx, trial.LogEnds, runs, func(ps []*workload.Observed) (bool, string, error) {
			open := slices.ContainsFunc(ps, func(p *workload.Observed) bool { return len(p.EndedUnread()) > 0 })
			return !open, "the ends of the logs of the pods that have ended", nil
		})
		s := o.Searched(runs)
		all.Pods += s.Pods
		all.Lines += s.Lines
		all.Found = append(all.Found, s.Found...)
		all.Unread = append(all.Unread, s.Unread...)
	}
	if all.Pods == 0 {
		return nil
	}
	return &all
}
