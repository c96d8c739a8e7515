package check

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// overlay is the way out of a rule of the production cluster that this one cannot keep.
const overlay = "give podproof manifests without it (a kustomize overlay for the cluster that it tries them in)"

// schedulingTrouble says which of a pod's rules no node keeps, by the scheduler's message
// (pkg/scheduler/framework/plugins) and the pod's own specification.
func schedulingTrouble(p evidence.Pod, reason, message string) trouble {
	t := trouble{untried: true, seen: fmt.Sprintf("no node takes the pod (%s: %s)", reason, said(message, 300)),
		fix: "Change what the scheduler names (resource requests, host ports, nodeSelector, tolerations, volume claims)"}
	says := func(s string) bool { return strings.Contains(message, s) }
	switch {
	case says("anti-affinity"):
		t.seen += "; the rule is affinity.podAntiAffinity" + keysOf(p, antiAffinityKeys)
		t.fix = "podAntiAffinity lets the replicas share no " + domainOf(p, antiAffinityKeys) + ", and this cluster has too few: make the rule preferredDuringSchedulingIgnoredDuringExecution, or " + overlay + ", or with replicas: 1"
	case says("topology spread"):
		t.seen += "; the rule is topologySpreadConstraints" + keysOf(p, spreadKeys)
		t.fix = "topologySpreadConstraints asks for a " + domainOf(p, spreadKeys) + " that no node here has: make it whenUnsatisfiable: ScheduleAnyway, or " + overlay
	case says("node affinity/selector"):
		t.seen += "; the rule is " + nodeRule(p)
		t.fix = "No node here has the labels that " + nodeRule(p) + " asks for: " + overlay
	case says("untolerated taint"):
		t.fix = "Give the pod the toleration, or " + overlay
	case says("free ports"):
		t.fix = "Another pod has the hostPort on every node: leave hostPort out, or let the Deployment's strategy end an old pod first (maxUnavailable: 1, maxSurge: 0)"
	case says("persistentvolumeclaim"), says("PersistentVolumeClaim"), says("persistent volume"):
		t.seen += "; its claims are " + list(claims(p))
		t.fix = "Nothing here provides a volume for " + list(claims(p)) + ": leave storageClassName out, which takes the cluster's default class, or " + overlay
	case says("Insufficient "):
		t.seen += "; the pod requests " + requests(p)
		t.fix = "No node here has as much free as the pod requests (" + requests(p) + "): give podproof manifests with smaller resources.requests (a kustomize overlay for the cluster that it tries them in), or a cluster with larger nodes"
	}
	t.fix += ". The image itself was not tried."
	return t
}

// antiAffinityKeys and spreadKeys are the topology keys of the rules that must be kept.
func antiAffinityKeys(s corev1.PodSpec) (keys []string) {
	if s.Affinity != nil && s.Affinity.PodAntiAffinity != nil {
		for _, term := range s.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			keys = append(keys, term.TopologyKey)
		}
	}
	return keys
}

func spreadKeys(s corev1.PodSpec) (keys []string) {
	for _, c := range s.TopologySpreadConstraints {
		if c.WhenUnsatisfiable == corev1.DoNotSchedule {
			keys = append(keys, c.TopologyKey)
		}
	}
	return keys
}

func keysOf(p evidence.Pod, keys func(corev1.PodSpec) []string) string {
	if ks := keys(p.Spec); len(ks) > 0 {
		return " (topologyKey " + list(ks) + ")"
	}
	return ""
}

// domainOf says "node" for kubernetes.io/hostname, and the key otherwise.
func domainOf(p evidence.Pod, keys func(corev1.PodSpec) []string) string {
	for _, k := range keys(p.Spec) {
		if k != corev1.LabelHostname {
			return "domain of " + k
		}
	}
	return "node"
}

// nodeRule names what of a pod chooses its nodes.
func nodeRule(p evidence.Pod) string {
	var pairs []string
	for k, v := range p.Spec.NodeSelector {
		pairs = append(pairs, k+": "+v)
	}
	slices.Sort(pairs)
	if len(pairs) == 0 {
		return "affinity.nodeAffinity"
	}
	return "nodeSelector (" + strings.Join(pairs, ", ") + ")"
}

// claims are the PersistentVolumeClaims of a pod.
func claims(p evidence.Pod) (names []string) {
	for _, v := range p.Spec.Volumes {
		if c := v.PersistentVolumeClaim; c != nil {
			names = append(names, "persistentvolumeclaim/"+c.ClaimName)
		}
	}
	if len(names) == 0 {
		return []string{"a claim of the pod"}
	}
	return names
}

// requests are those of all of a pod's containers together: "cpu 6, memory 64Mi".
func requests(p evidence.Pod) string {
	sum := corev1.ResourceList{}
	for _, c := range p.Spec.Containers {
		for name, q := range c.Resources.Requests {
			total := sum[name]
			total.Add(q)
			sum[name] = total
		}
	}
	var parts []string
	for name, q := range sum {
		parts = append(parts, fmt.Sprintf("%s %s", name, q.String()))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		return "what its LimitRange gives it"
	}
	return strings.Join(parts, ", ")
}
