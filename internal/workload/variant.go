package workload

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scaled returns a copy of an object with another number of replicas. A DaemonSet and a Pod
// have none.
func Scaled(o Object, replicas int64) Object {
	c := Object{o.DeepCopy(), o.Source}
	if slices.Contains(scaled, o.GetKind()) {
		// It has a spec, or it would not be a controller.
		_ = unstructured.SetNestedField(c.Object, replicas, "spec", "replicas")
	}
	return c
}

// Freezable returns a copy of an object that is as it is for whoever uses it while its
// processes stand still: the kubelet does not restart it for that, and a Service still
// leads to it.
func Freezable(o Object) Object {
	if o.GetKind() == "Service" {
		c := Object{o.DeepCopy(), o.Source}
		_ = unstructured.SetNestedField(c.Object, true, "spec", "publishNotReadyAddresses")
		return c
	}
	return withContainers(o, func(c map[string]any) { delete(c, "livenessProbe") })
}

// SmallRequests are what a container of a trial requests, so that a dozen of them fit a
// small node beside the workload: a trial is about the process, not about the room that it
// reserves. Limits stay as they are, and no request may be above its limit.
func SmallRequests(limits corev1.ResourceList) corev1.ResourceList {
	requests := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("10m"),
		corev1.ResourceMemory: resource.MustParse("16Mi"),
	}
	for name, request := range requests {
		if limit, ok := limits[name]; ok && limit.Cmp(request) < 0 {
			requests[name] = limit
		}
	}
	return requests
}

// Frugal returns a copy of a controller whose containers make small requests.
func Frugal(o Object) Object {
	return withContainers(o, func(c map[string]any) {
		resources, _ := c["resources"].(map[string]any)
		if resources == nil {
			resources = map[string]any{}
		}
		limits := corev1.ResourceList{}
		declared, _ := resources["limits"].(map[string]any)
		for name, v := range declared {
			if q, err := resource.ParseQuantity(fmt.Sprint(v)); err == nil {
				limits[corev1.ResourceName(name)] = q
			}
		}
		requests := map[string]any{}
		for name, q := range SmallRequests(limits) {
			requests[string(name)] = q.String()
		}
		resources["requests"] = requests
		c["resources"] = resources
	})
}

// withContainers returns a copy of an object in which every container was changed.
func withContainers(o Object, change func(map[string]any)) Object {
	c := Object{o.DeepCopy(), o.Source}
	path := podSpecPath(o.GetKind())
	if path == nil {
		return c
	}
	for _, field := range []string{"initContainers", "containers"} {
		at := append(slices.Clone(path), field)
		cs, there, _ := unstructured.NestedSlice(c.Object, at...)
		if !there {
			continue
		}
		for _, one := range cs {
			if m, ok := one.(map[string]any); ok {
				change(m)
			}
		}
		_ = unstructured.SetNestedSlice(c.Object, cs, at...)
	}
	return c
}

// Apart takes from a pod that a trial makes beside the workload's what would keep it from their
// node: rules about other pods, which it is none of, and ports of the node, which they hold.
// What it asks of the node itself stays.
func Apart(spec *corev1.PodSpec) {
	spec.TopologySpreadConstraints = nil
	if spec.Affinity != nil {
		spec.Affinity = &corev1.Affinity{NodeAffinity: spec.Affinity.NodeAffinity}
	}
	spec.HostNetwork = false
	for _, cs := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range cs {
			for p := range cs[i].Ports {
				cs[i].Ports[p].HostPort = 0
			}
		}
	}
}
