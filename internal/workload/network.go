package workload

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Policies are the names of a namespace's network policies that select pods with one of the sets of
// labels: what those say and ask for is cut, but for what some policy allows. There are none where
// one may not ask for them.
func (a *Applier) Policies(ctx context.Context, namespace string, sets ...map[string]string) ([]string, error) {
	list, err := a.Client.NetworkingV1().NetworkPolicies(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the network policies of namespace %s: %w", namespace, err)
	}
	var out []string
	for _, p := range list.Items {
		s, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			return nil, fmt.Errorf("reading the selector of networkpolicy/%s: %w", p.Name, err)
		}
		if slices.ContainsFunc(sets, func(set map[string]string) bool { return s.Matches(labels.Set(set)) }) {
			out = append(out, p.Name)
		}
	}
	return out, nil
}

// OpenNetwork lets the pods of a run talk to each other and to the cluster's DNS, whatever else a
// namespace's policies deny: what one policy allows, no other takes away.
func (a *Applier) OpenNetwork(ctx context.Context, namespace, run string) error {
	ours := metav1.LabelSelector{MatchLabels: map[string]string{RunLabel: run}}
	each := []networkingv1.NetworkPolicyPeer{{PodSelector: &ours}}
	udp, tcp, dns := corev1.ProtocolUDP, corev1.ProtocolTCP, intstr.FromInt32(53)
	p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "podproof-" + run, Namespace: namespace, Labels: ours.MatchLabels},
		Spec: networkingv1.NetworkPolicySpec{PodSelector: ours, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: each}},
			Egress: []networkingv1.NetworkPolicyEgressRule{{To: each},
				{Ports: []networkingv1.NetworkPolicyPort{{Protocol: &udp, Port: &dns}, {Protocol: &tcp, Port: &dns}}}}}}
	a.Own(p)
	_, err := a.Client.NetworkingV1().NetworkPolicies(namespace).Create(ctx, p, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return fmt.Errorf("creating networkpolicy/%s in namespace %s, for --open-network: %w", p.Name, namespace, err)
	}
	return nil
}
