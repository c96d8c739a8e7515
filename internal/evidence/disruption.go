package evidence

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// nodeNotReady is the reason of the event with which the control plane gives up a node's pods
// (pkg/controller/nodelifecycle).
const nodeNotReady = "NodeNotReady"

// Disruption says how the cluster took a pod away, or its node from under it, empty where it did not:
// evicted for a drain, for want of room, by a taint, by the kubelet, or on a node that is not heard of.
// https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
func Disruption(s corev1.PodStatus, events []Event) string {
	for _, c := range s.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return fmt.Sprintf("was taken away by the cluster (%s: %s)", c.Reason, c.Message)
		}
	}
	switch s.Reason {
	case "Evicted", "Preempted", "Preempting", "NodeLost", "NodeShutdown":
		return fmt.Sprintf("was taken away by the cluster (%s: %s)", s.Reason, s.Message)
	}
	if slices.ContainsFunc(events, func(e Event) bool { return e.Reason == nodeNotReady }) {
		return "was on a node that stopped being Ready (" + nodeNotReady + ")"
	}
	return ""
}
