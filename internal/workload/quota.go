package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Says are the quotas and ranges in a line each, for a person.
func (d Demands) Says() []string {
	var out []string
	for _, q := range d.quotas {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
			hard, used := q.Spec.Hard[name], q.Status.Used[name]
			parts = append(parts, fmt.Sprintf("%s %s of %s used", name, used.String(), hard.String()))
		}
		out = append(out, "resourcequota/"+q.Name+": "+strings.Join(parts, ", "))
	}
	for _, i := range d.ranges {
		var parts []string
		for _, x := range []struct {
			name string
			list corev1.ResourceList
		}{{"min", i.Min}, {"max", i.Max}, {"limit by default", i.Default}, {"request by default", i.DefaultRequest}, {"limit at most times the request", i.MaxLimitRequestRatio}} {
			for _, name := range slices.Sorted(maps.Keys(x.list)) {
				q := x.list[name]
				parts = append(parts, fmt.Sprintf("%s %s %s", name, x.name, q.String()))
			}
		}
		out = append(out, "limitrange, of each container: "+strings.Join(parts, ", "))
	}
	return out
}

// Share are pods alike, as a namespace counts them.
type Share struct {
	Pod  corev1.Pod
	Many int32
}

// Short says of which quotas the pods take more than is left, when they are there all at once. A quota
// of some pods alone (scopes) is left to the API server.
func (d Demands) Short(pods []Share) []string {
	asks := corev1.ResourceList{}
	for _, s := range pods {
		for name, q := range chargedFor(s.Pod.Spec) {
			q.Mul(int64(s.Many))
			sum := asks[name]
			sum.Add(q)
			asks[name] = sum
		}
	}
	var out []string
	for _, q := range d.quotas {
		if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
			ask, left := asks[name], q.Spec.Hard[name].DeepCopy()
			left.Sub(q.Status.Used[name])
			if !ask.IsZero() && ask.Cmp(left) > 0 {
				out = append(out, fmt.Sprintf("resourcequota/%s leaves %s of %s, and the run's pods take %s at once", q.Name, left.String(), name, ask.String()))
			}
		}
	}
	return out
}

// chargedFor is what a quota counts of a pod: the sum of its containers, or its largest init container
// (pkg/quota/v1/evaluator/core/pods.go).
func chargedFor(spec corev1.PodSpec) corev1.ResourceList {
	one := *resource.NewQuantity(1, resource.DecimalSI)
	out := corev1.ResourceList{"pods": one, "count/pods": one}
	for prefix, of := range map[string]func(corev1.Container) corev1.ResourceList{
		"requests.": func(c corev1.Container) corev1.ResourceList { return c.Resources.Requests },
		"limits.":   func(c corev1.Container) corev1.ResourceList { return c.Resources.Limits },
	} {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			var sum, most resource.Quantity
			for _, c := range spec.Containers {
				sum.Add(of(c)[name])
			}
			for _, c := range spec.InitContainers {
				if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
					sum.Add(of(c)[name])
				} else if q := of(c)[name]; q.Cmp(most) > 0 {
					most = q
				}
			}
			if most.Cmp(sum) > 0 {
				sum = most
			}
			out[corev1.ResourceName(prefix)+name] = sum
			if prefix == "requests." {
				out[name] = sum
			}
		}
	}
	return out
}
