package pipeline

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
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
// It is nil where there was none.
func (r *run) searched() *evidence.LogSearch {
	image, ok := r.place.replaced()[r.plan.Container.Image]
	if !ok {
		return nil
	}
	var all evidence.LogSearch
	for _, o := range r.place.observers {
		s := o.Searched(func(p *corev1.Pod) bool {
			return slices.ContainsFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool { return c.Image == image })
		})
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
