package check

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// otherContainers notes how those of a pod ended that run beside the container under test: a
// rollout waits for them, too. Native sidecars are init containers that are always restarted.
func (j *Judgement) otherContainers(t evidence.Termination, container string) {
	sidecars := slices.Clone(t.Pod.Status.ContainerStatuses)
	for _, c := range t.Pod.Spec.InitContainers {
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			continue
		}
		for _, s := range t.Pod.Status.InitContainerStatuses {
			if s.Name == c.Name {
				sidecars = append(sidecars, s)
			}
		}
	}
	for _, s := range sidecars {
		if s.Name == container {
			continue
		}
		if words := sidecarEnd(t, s); words != "" {
			j.note("container "+s.Name, "%s", words)
		}
	}
}

// sidecarEnd says what is wrong about a container's end, empty where nothing is.
func sidecarEnd(t evidence.Termination, s corev1.ContainerStatus) string {
	const waits = "every rollout, drain and scale-down waits for it"
	last := s.State.Terminated
	switch {
	case s.State.Running != nil:
		return fmt.Sprintf("it still ran when the container under test had ended, %s after the deletion: %s", seconds(t.Seconds), waits)
	case last == nil:
		return ""
	case last.ExitCode == 137 && last.Reason != "OOMKilled":
		// Both times are the kubelet's, in whole seconds.
		after := t.Seconds + last.FinishedAt.Sub(t.Last.FinishedAt.Time).Seconds()
		if after < float64(t.GraceSeconds)-2 {
			return fmt.Sprintf("it ended with %s, %.0f s after the deletion, before the grace period of %d s was over", exitWords(*last), after, t.GraceSeconds)
		}
		return fmt.Sprintf("it was killed after %.0f s, at the end of the grace period: it ignores the stop signal, and %s", after, waits)
	case last.ExitCode != 0:
		return fmt.Sprintf("it ended with %s", exitWords(*last))
	}
	return ""
}
