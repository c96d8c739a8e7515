package cluster

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTakesPods(t *testing.T) {
	condition := func(s corev1.ConditionStatus, message string) []corev1.NodeCondition {
		return []corev1.NodeCondition{
			{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
			{Type: corev1.NodeReady, Status: s, Message: message},
		}
	}
	for _, c := range []struct {
		name       string
		taints     []string
		conditions []corev1.NodeCondition
		want       bool
		says       string
	}{
		{name: "ready", conditions: condition(corev1.ConditionTrue, ""), want: true},
		{name: "ready, with a taint of another kind", taints: []string{"dedicated"}, conditions: condition(corev1.ConditionTrue, ""), want: true},
		{name: "ready, still tainted", taints: []string{corev1.TaintNodeNotReady}, conditions: condition(corev1.ConditionTrue, ""), says: "taint node.kubernetes.io/not-ready"},
		{name: "not ready", conditions: condition(corev1.ConditionFalse, "cni plugin not initialized"), says: "cni plugin not initialized"},
		{name: "unknown", conditions: condition(corev1.ConditionUnknown, "the kubelet stopped posting"), says: "stopped posting"},
		{name: "silent", says: "has not said"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}, Status: corev1.NodeStatus{Conditions: c.conditions}}
			for _, key := range c.taints {
				n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key})
			}
			got, why := takesPods(n)
			if got != c.want {
				t.Errorf("takes pods: %t (%s)", got, why)
			}
			if !c.want && !(strings.Contains(why, c.says) && strings.Contains(why, "worker")) {
				t.Errorf("it says %q, want the node's name and %q", why, c.says)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	yes, no := true, false
	endpoint := func(ready *bool) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{Conditions: discoveryv1.EndpointConditions{Ready: ready}}
	}
	for _, c := range []struct {
		name      string
		endpoints []discoveryv1.Endpoint
		want      bool
	}{
		{"no endpoint", nil, false},
		{"none ready", []discoveryv1.Endpoint{endpoint(&no), endpoint(nil)}, false},
		{"one ready", []discoveryv1.Endpoint{endpoint(&no), endpoint(&yes)}, true},
	} {
		if got := answers(&discoveryv1.EndpointSlice{Endpoints: c.endpoints}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
