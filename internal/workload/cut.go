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

// Network are the network policies of a namespace, and the namespace's labels where one may read them.
type Network struct {
	policies []networkingv1.NetworkPolicy
	labels   map[string]string
}

// NetworkOf asks for them; there are none where one may not ask.
func (a *Applier) NetworkOf(ctx context.Context, namespace string) (Network, error) {
	list, err := a.Client.NetworkingV1().NetworkPolicies(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return Network{}, nil
	}
	if err != nil {
		return Network{}, fmt.Errorf("listing the network policies of namespace %s: %w", namespace, err)
	}
	n := Network{policies: list.Items}
	if ns, err := a.Client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); err == nil { // few may
		n.labels = ns.Labels
	}
	return n, nil
}

// dns is the port at which pods ask for names.
const dns = 53

// Cut are the names of the policies that keep one pod of the namespace from another at a TCP port; 0
// is any. What a policy says of addresses, or of namespaces whose labels are not known, counts as
// allowed: what is said to be cut is cut for certain, by a network that keeps policies.
func (n Network) Cut(from, to map[string]string, port int32) []string {
	out := n.closed(networkingv1.PolicyTypeEgress, from, func(p networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return n.allows(r.To, to) && onPort(r.Ports, port)
		})
	})
	if len(out) > 0 {
		return out
	}
	return n.closed(networkingv1.PolicyTypeIngress, to, func(p networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
			return n.allows(r.From, from) && onPort(r.Ports, port)
		})
	})
}

// CutFromDNS are those that keep a pod from the cluster's DNS, which is in another namespace.
func (n Network) CutFromDNS(from map[string]string) []string {
	return n.closed(networkingv1.PolicyTypeEgress, from, func(p networkingv1.NetworkPolicy) bool {
		return slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			outside := len(r.To) == 0 || slices.ContainsFunc(r.To, func(p networkingv1.NetworkPolicyPeer) bool {
				return p.IPBlock != nil || p.NamespaceSelector != nil
			})
			return outside && onPort(r.Ports, dns)
		})
	})
}

// closed are the policies of one direction that select a pod, unless one of them allows it.
func (n Network) closed(direction networkingv1.PolicyType, pod map[string]string, allows func(networkingv1.NetworkPolicy) bool) []string {
	var out []string
	for _, p := range n.policies {
		if !isOf(p, direction) || !selects(&p.Spec.PodSelector, pod) {
			continue
		}
		if allows(p) {
			return nil
		}
		out = append(out, p.Name)
	}
	return out
}

// isOf tells whether a policy is about a direction. One that names none is about what comes in, and
// about what goes out where it has rules for that.
func isOf(p networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if len(p.Spec.PolicyTypes) > 0 {
		return slices.Contains(p.Spec.PolicyTypes, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
}

func (n Network) allows(peers []networkingv1.NetworkPolicyPeer, pod map[string]string) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		here := p.NamespaceSelector == nil || n.labels == nil || selects(p.NamespaceSelector, n.labels)
		return p.IPBlock != nil || here && (p.PodSelector == nil || selects(p.PodSelector, pod))
	})
}

// onPort tells whether ports, which are all where none is named, have one. A name may be any.
func onPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case port != dns && p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP:
			return false
		case port == 0 || p.Port == nil || p.Port.Type == intstr.String:
			return true
		case p.EndPort != nil:
			return p.Port.IntVal <= port && port <= *p.EndPort
		}
		return p.Port.IntVal == port
	})
}

// selects tells whether a selector has a set of labels; one that cannot be read has none.
func selects(s *metav1.LabelSelector, set map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(set))
}
