package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Startup applies the workload and watches until its pods are Ready, cannot become so any
// more, or the time is over.
func Startup(ctx context.Context, b *TestBed, objects []workload.Object, within time.Duration) (*evidence.Startup, error) {
	if err := b.Applier.Apply(ctx, objects); err != nil {
		return nil, err
	}
	s := &evidence.Startup{Applied: time.Now()}
	wait, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := AwaitReady(wait, b.Observer, b.Subject)
	s.Seconds = time.Since(s.Applied).Seconds()
	var ran *workload.WaitError
	var why refused
	if errors.As(err, &why) {
		s.Refused = why.Error()
	}
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
	if !s.Ready {
		s.Warnings = b.Observer.Warnings()
	}
	if s.Ready {
		if err := b.awaitWord(ctx); err != nil {
			return nil, err
		}
	}
	for _, uid := range b.Observer.UIDs(podsOf(b.Subject)) {
		s.Pods = append(s.Pods, b.podEvidence(ctx, uid))
	}
	return s, nil
}

// wordWithin is how long the log of a pod that is Ready may take to say what a start is to say: one without a
// probe is Ready before its program has said a word, and a line comes over the API when the kubelet gets to it.
const wordWithin = 10 * time.Second

// awaitWord waits for what the pods are to say of their start. That they say nothing is evidence.
func (b *TestBed) awaitWord(ctx context.Context) error {
	texts := b.Contract.Startup.Logs
	if len(texts) == 0 {
		texts = []string{""}
	}
	return b.Observer.Within(ctx, wordWithin, podsOf(b.Subject), func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			for _, text := range texts {
				if p.Gone.IsZero() && !p.Said(b.Container, text) {
					return false, "what " + p.Pod.Name + " says of its start", nil
				}
			}
		}
		return true, "", nil
	})
}

// readyPod is the newest Ready pod of the workload: in a rollout the older ones go.
func (b *TestBed) readyPod() (*corev1.Pod, error) { return b.readyOf(podsOf(b.Subject)) }

// readyOf is a Ready one of some pods of the workload's.
func (b *TestBed) readyOf(own func(*corev1.Pod) bool) (*corev1.Pod, error) {
	seen := "it has no pods"
	for _, p := range slices.Backward(b.Observer.Pods(own)) {
		if workload.IsReady(p) {
			return p, nil
		}
		seen = workload.Summary(p)
	}
	return nil, fmt.Errorf("no pod of %s is Ready: %s", b.Subject, seen)
}

// runningPod is one pod of the workload whose container runs, a Ready one if there is any.
func (b *TestBed) runningPod() (*corev1.Pod, error) {
	if p, err := b.readyPod(); err == nil {
		return p, nil
	}
	seen := "it has no pods"
	for _, p := range slices.Backward(b.Observer.Pods(podsOf(b.Subject))) {
		if workload.Running(p, b.Container) != nil {
			return p, nil
		}
		seen = workload.Summary(p)
	}
	return nil, fmt.Errorf("no container of %s runs: %s", b.Subject, seen)
}
