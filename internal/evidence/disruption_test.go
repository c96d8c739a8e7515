package evidence

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestDisruption(t *testing.T) {
	target := func(s corev1.ConditionStatus) corev1.PodStatus {
		return corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}, {Type: corev1.DisruptionTarget, Status: s, Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting"}}}
	}
	for _, c := range []struct {
		status corev1.PodStatus
		events []Event
		want   string
	}{
		{},
		{status: target(corev1.ConditionFalse)},
		{status: target(corev1.ConditionTrue), want: "taken away by the cluster (EvictionByEvictionAPI: Eviction API: evicting)"},
		{status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory."}, want: "(Evicted: The node was low"},
		{status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded"}},
		{events: []Event{{Reason: "Killing"}, {Reason: "NodeNotReady"}}, want: "on a node that stopped being Ready"},
		{events: []Event{{Reason: "Unhealthy"}}},
	} {
		if got := Disruption(c.status, c.events); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v %+v: %q", c.status, c.events, got)
		}
	}
}
