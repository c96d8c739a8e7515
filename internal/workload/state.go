package workload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// changes are what differs between two states of a pod.
func changes(was, is *corev1.Pod) []evidence.Mark {
	var out []evidence.Mark
	if was.DeletionTimestamp == nil && is.DeletionTimestamp != nil {
		out = append(out, evidence.DeletionRequested)
	}
	for _, c := range is.Status.Conditions {
		if condition(was, c.Type) != c.Status {
			out = append(out, evidence.ConditionIs(c.Type, c.Status))
		}
	}
	for _, s := range is.Status.ContainerStatuses {
		before := status(was, s.Name)
		switch now := evidence.ContainerIs(s.Name, s.State); {
		case evidence.ContainerIs(s.Name, before.State) != now:
			out = append(out, now)
		case before.RestartCount != s.RestartCount:
			out = append(out, evidence.Seen("", "", "", fmt.Sprintf("container %s: restart %d", s.Name, s.RestartCount)))
		}
	}
	return out
}

func condition(p *corev1.Pod, t corev1.PodConditionType) corev1.ConditionStatus {
	for _, c := range p.Status.Conditions {
		if c.Type == t {
			return c.Status
		}
	}
	return ""
}

func status(p *corev1.Pod, container string) corev1.ContainerStatus {
	for _, s := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
		if s.Name == container {
			return s
		}
	}
	return corev1.ContainerStatus{}
}

// IsReady tells whether a pod is Ready and stays so: a pod on its way out does not count.
func IsReady(p *corev1.Pod) bool {
	return p.DeletionTimestamp == nil && condition(p, corev1.PodReady) == corev1.ConditionTrue
}

// Terminated is the final state of a container, nil while it runs.
func Terminated(p *corev1.Pod, container string) *corev1.ContainerStateTerminated {
	return status(p, container).State.Terminated
}

// LastTerminated is the end of the container's instance before this one, nil without one.
func LastTerminated(p *corev1.Pod, container string) *corev1.ContainerStateTerminated {
	return status(p, container).LastTerminationState.Terminated
}

// Restarts is how often the kubelet has started a container again.
func Restarts(p *corev1.Pod, container string) int32 { return status(p, container).RestartCount }

// Running is the running state of a container, nil when it does not run.
func Running(p *corev1.Pod, container string) *corev1.ContainerStateRunning {
	return status(p, container).State.Running
}

// ContainerID is the runtime's ID of a container, without "containerd://".
func ContainerID(p *corev1.Pod, container string) string {
	_, id, _ := strings.Cut(status(p, container).ContainerID, "://")
	return id
}

// Ephemeral is the state of a container that was added to a running pod.
func Ephemeral(p *corev1.Pod, name string) corev1.ContainerState {
	for _, s := range p.Status.EphemeralContainerStatuses {
		if s.Name == name {
			return s.State
		}
	}
	return corev1.ContainerState{}
}

// NeverStarts says why a container in that state will not run, empty where it may.
func NeverStarts(s corev1.ContainerState) string {
	switch {
	case s.Waiting != nil && hopeless[s.Waiting.Reason] != "" && !passing(s.Waiting.Message):
		return fmt.Sprintf("%s (%s): %s", hopeless[s.Waiting.Reason], s.Waiting.Reason, s.Waiting.Message)
	case s.Terminated != nil:
		return strings.TrimSpace(fmt.Sprintf("it ended with exit code %d. %s", s.Terminated.ExitCode, s.Terminated.Message))
	}
	return ""
}

// hopeless are the reasons of a waiting container that time alone does not mend.
var hopeless = map[string]string{
	"CreateContainerConfigError": "the container cannot be made from its specification",
	"CreateContainerError":       "the container runtime cannot make the container",
	"RunContainerError":          "the container runtime cannot start the container",
	"ErrImageNeverPull":          "the image is not on the node",
	"ErrImagePull":               "the image cannot be pulled",
	"ImagePullBackOff":           "the image cannot be pulled",
	"InvalidImageName":           "the image's name is wrong",
	"CrashLoopBackOff":           "the process ends again and again",
}

// roomWithin is how long a pod may be unschedulable: others that end make room.
const roomWithin = 15 * time.Second

// Hopeless says in words why a pod cannot become Ready any more, and "" while it may.
func Hopeless(o *Observed) string {
	p := o.Pod
	for _, c := range p.Status.Conditions {
		unscheduled := c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable
		if unscheduled && time.Since(c.LastTransitionTime.Time) > roomWithin {
			return fmt.Sprintf("pod %s cannot be scheduled: %s", p.Name, c.Message)
		}
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := s.State.Waiting; w != nil {
			if why := hopeless[w.Reason]; why != "" && !passing(w.Message) {
				return fmt.Sprintf("pod %s, container %s: %s (%s): %s", p.Name, s.Name, why, w.Reason, o.messageOf(w))
			}
		}
		for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
			if t != nil && t.Reason == "OOMKilled" {
				return fmt.Sprintf("pod %s, container %s: killed because it used more memory than its limit (OOMKilled)", p.Name, s.Name)
			}
		}
	}
	if p.Status.Phase == corev1.PodFailed {
		return fmt.Sprintf("pod %s has failed: %s", p.Name, Summary(p))
	}
	return ""
}

// passing tells a kubelet that has not yet been sent the Secrets and ConfigMaps of a pod
// from one that was told there are none (pkg/kubelet/util/manager/watch_based_manager.go):
// it tries again by itself. So it does where containerd knew an image by a name that another run
// has just taken off it, and has not yet turned to the name that this run gave it
// (containerd, internal/cri/server/container_create.go).
func passing(message string) bool {
	for _, s := range []string{"failed to sync secret cache", "failed to sync configmap cache", "failed to get image from containerd"} {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}

// messageOf prefers the event that explains a waiting container over the kubelet's short message.
// One that only repeats the reason ("Error: ErrImagePull") explains nothing.
func (o *Observed) messageOf(w *corev1.ContainerStateWaiting) string {
	for _, e := range slices.Backward(o.events) {
		if e.Type == corev1.EventTypeWarning && e.Reason != "BackOff" && e.Reason != "Unhealthy" && hopeless[strings.TrimPrefix(e.Message, "Error: ")] == "" {
			return e.Message
		}
	}
	return w.Message
}

// Summary puts a pod's state into a few words.
func Summary(p *corev1.Pod) string {
	if len(p.Status.ContainerStatuses) == 0 {
		return fmt.Sprintf("pod %s is %s", p.Name, p.Status.Phase)
	}
	var parts []string
	for _, s := range p.Status.ContainerStatuses {
		t := s.Name + " " + evidence.StateWords(s.State)
		if s.State.Running != nil && !s.Ready {
			t += ", not ready"
		}
		if s.RestartCount > 0 {
			t += fmt.Sprintf(", %d restarts", s.RestartCount)
		}
		parts = append(parts, t)
	}
	return fmt.Sprintf("pod %s: %s", p.Name, strings.Join(parts, "; "))
}
