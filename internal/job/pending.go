package job

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"podproof.dev/podproof/internal/workload"
)

func state(p corev1.Pod) (s corev1.ContainerState) {
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == Container {
			s = c.State
		}
	}
	return s
}

func started(p corev1.Pod) bool {
	s := state(p)
	return s.Running != nil || s.Terminated != nil || p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
}

// pending says why a pod does not run yet; empty where it is only on its way.
func (f *Follower) pending(ctx context.Context, p corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("Pending: no node takes pod/%s: %s", p.Name, c.Message)
		}
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := s.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return fmt.Sprintf("Pending: pod/%s: %s: %s", p.Name, w.Reason, w.Message)
		}
	}
	return f.events(ctx, "Pod", string(p.UID))
}

// neverStarts says why a pod will not run, as of an image that cannot be pulled; empty where it may.
func neverStarts(p corev1.Pod) string {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if why := workload.NeverStarts(s.State); why != "" && s.State.Waiting != nil {
			return fmt.Sprintf("pod/%s does not start, container %s: %s", p.Name, s.Name, why)
		}
	}
	return ""
}

// events are the last warning about an object, which may be hidden from whoever asks.
func (f *Follower) events(ctx context.Context, kind, uid string) string {
	list, err := f.Client.CoreV1().Events(f.Job.Namespace).List(ctx, metav1.ListOptions{FieldSelector: fields.Set{"involvedObject.uid": uid}.String()})
	if err != nil {
		return ""
	}
	var last *corev1.Event
	for i, e := range list.Items {
		if e.Type == corev1.EventTypeWarning && string(e.InvolvedObject.UID) == uid && (last == nil || !e.LastTimestamp.Before(&last.LastTimestamp)) {
			last = &list.Items[i]
		}
	}
	if last == nil {
		return ""
	}
	return fmt.Sprintf("Pending: %s/%s: %s: %s", strings.ToLower(kind), last.InvolvedObject.Name, last.Reason, last.Message)
}
