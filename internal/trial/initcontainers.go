package trial

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/workload"
)

const (
	// initWithin bounds the init containers of a trial's pod, which may migrate a database.
	initWithin = 3 * time.Minute
	// initTries is how often a pod is made whose init container fails: the workload's own pods
	// have theirs started again, a trial's pod has not.
	initTries = 3
	// removedWithin bounds the removal of a pod that has ended.
	removedWithin = 30 * time.Second
)

// initialized waits until a pod's init containers have ended, its container under test has
// started, or nothing will come of it.
func (b *TestBed) initialized(ctx context.Context, uid string) error {
	return b.within(ctx, initWithin, uid, func(o *workload.Observed) (bool, string) {
		return isInitialized(o.Pod) || b.began(o.Pod) || workload.Hopeless(o) != "", workload.Summary(o.Pod)
	})
}

func isInitialized(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodInitialized && c.Status == corev1.ConditionTrue
	})
}

// began tells whether the container under test has started.
func (b *TestBed) began(p *corev1.Pod) bool {
	return workload.Running(p, b.Container) != nil || workload.Terminated(p, b.Container) != nil
}

// failedInit is the init container that failed, and for which the container under test did not
// start; nil where none did.
func failedInit(p *corev1.Pod) *corev1.ContainerStatus {
	for i, s := range p.Status.InitContainerStatuses {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 && !isInitialized(p) {
			return &p.Status.InitContainerStatuses[i]
		}
	}
	return nil
}

// initFailed says which init container of a pod failed, with the last lines of its log; empty
// where none did.
func (b *TestBed) initFailed(ctx context.Context, uid string) string {
	e := b.Observer.Evidence(uid, b.Container)
	s := failedInit(&corev1.Pod{Status: e.Status})
	if s == nil {
		return ""
	}
	const lastLines = 3
	// The end of a container is often seen before its log.
	_ = b.within(ctx, told, uid, func(o *workload.Observed) (bool, string) { return o.Said(s.Name, ""), "" })
	log := b.Observer.Evidence(uid, s.Name).Log
	var said []string
	for _, l := range log[max(0, len(log)-lastLines):] {
		said = append(said, l.Text)
	}
	return fmt.Sprintf("init container %s of pod %s ended with exit code %d, so that the container under test did not start; its log ends with: %s",
		s.Name, e.Name, s.State.Terminated.ExitCode, strings.Join(said, " / "))
}

// discard removes a pod that has ended, and waits until its name is free.
func (b *TestBed) discard(ctx context.Context, p *corev1.Pod) error {
	if err := b.Applier.Unfinalize(ctx, b.Namespace, p.Name); err != nil {
		return err
	}
	if err := b.remove(ctx, p.Name); err != nil {
		return err
	}
	return b.within(ctx, removedWithin, string(p.UID), func(o *workload.Observed) (bool, string) {
		return !o.Gone.IsZero(), workload.Summary(o.Pod)
	})
}
