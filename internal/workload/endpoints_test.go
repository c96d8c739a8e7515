package workload

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRerouted(t *testing.T) {
	slice := func(es ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{discoveryv1.LabelServiceName: "api"}}, Endpoints: es}
	}
	pod := func(name string, ready, serving, terminating bool) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: name},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating}}
	}
	plain := discoveryv1.Endpoint{Addresses: []string{"10.0.0.7"}}
	for _, c := range []struct {
		name    string
		was, is *discoveryv1.EndpointSlice
		want    []string
	}{
		{"first seen", nil, slice(pod("a", true, true, false), plain), []string{"service/api, pod a: ready", "service/api, 10.0.0.7: not ready"}},
		{"nothing changed", slice(pod("a", true, true, false)), slice(pod("a", true, true, false)), nil},
		{"on its way out", slice(pod("a", true, true, false)), slice(pod("a", false, true, true)), []string{"service/api, pod a: terminating, still serving"}},
		{"and not serving", slice(pod("a", false, true, true)), slice(pod("a", false, false, true)), []string{"service/api, pod a: terminating, not serving"}},
		{"gone", slice(pod("a", false, false, true)), slice(), []string{"service/api, pod a: no endpoint any more"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := words(rerouted(c.was, c.is)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
