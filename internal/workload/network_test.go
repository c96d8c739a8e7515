package workload

import (
	"errors"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func policy(name string, selects map[string]string) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Spec: networkingv1.NetworkPolicySpec{PodSelector: metav1.LabelSelector{MatchLabels: selects}}}
}

func TestPoliciesThatConcernTheRun(t *testing.T) {
	client := fake.NewClientset(policy("all", nil), policy("ours", map[string]string{"app": "api"}), policy("others", map[string]string{"app": "bank"}))
	a := &Applier{Client: client}
	got, err := a.Policies(t.Context(), "shop", map[string]string{RunLabel: "r1"}, map[string]string{"app": "api", RunLabel: "r1"})
	if slices.Sort(got); err != nil || !slices.Equal(got, []string{"all", "ours"}) {
		t.Errorf("got %q (%v)", got, err)
	}
	var refusal error = apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	client.PrependReactor("list", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refusal })
	if got, err := a.Policies(t.Context(), "shop", nil); err != nil || got != nil {
		t.Errorf("of what one may not ask for: %q (%v)", got, err)
	}
	refusal = errors.New("connection refused")
	if _, err := a.Policies(t.Context(), "shop", nil); err == nil {
		t.Error("an API server that is away has no policies")
	}
}

func TestAnOpenNetworkIsOpenForTheRunAlone(t *testing.T) {
	a := &Applier{Client: fake.NewClientset(), owner: &metav1.OwnerReference{Name: "podproof-r1"}}
	if err := a.OpenNetwork(t.Context(), "shop", "r1"); err != nil {
		t.Fatal(err)
	}
	p, err := a.Client.NetworkingV1().NetworkPolicies("shop").Get(t.Context(), "podproof-r1", metav1.GetOptions{})
	if err != nil || len(p.OwnerReferences) != 1 || p.Labels[RunLabel] != "r1" {
		t.Fatalf("got %+v (%v)", p, err)
	}
	ours := map[string]string{RunLabel: "r1"}
	s := p.Spec
	if s.PodSelector.MatchLabels[RunLabel] != "r1" || len(s.Ingress) != 1 || len(s.Ingress[0].From) != 1 || s.Ingress[0].From[0].PodSelector.MatchLabels[RunLabel] != ours[RunLabel] || s.Ingress[0].From[0].NamespaceSelector != nil {
		t.Errorf("it lets in %+v", s.Ingress)
	}
	if len(s.Egress) != 2 || s.Egress[0].To[0].PodSelector.MatchLabels[RunLabel] != "r1" || len(s.Egress[1].Ports) != 2 || s.Egress[1].Ports[0].Port.IntVal != 53 {
		t.Errorf("it lets out %+v", s.Egress)
	}
	if err := a.OpenNetwork(t.Context(), "shop", "r1"); err == nil || !strings.Contains(err.Error(), "creating networkpolicy/podproof-r1 in namespace shop, for --open-network") {
		t.Errorf("the error is %v", err)
	}
}
