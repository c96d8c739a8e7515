package workload

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scaled returns a copy of an object with another number of replicas.
func Scaled(o Object, replicas int64) Object {
	c := Object{o.DeepCopy(), o.Source}
	// It has a spec, or it would not be a runner.
	_ = unstructured.SetNestedField(c.Object, replicas, "spec", "replicas")
	return c
}

// Impatient returns a copy of a runner whose probes ask every second. Thresholds and
// timeouts stay: an outage of seconds then is what one of minutes is to the manifest's own.
// Only a start is given as long as it had. A readiness probe that begins late would hide a
// process that says it is ready; one that begins too early does no harm.
func Impatient(o Object) Object {
	return withContainers(o, func(c map[string]any) {
		if p, ok := c["startupProbe"].(map[string]any); ok {
			p["failureThreshold"] = number(p, "initialDelaySeconds", 0) + number(p, "failureThreshold", 3)*number(p, "periodSeconds", 10)
			delete(p, "initialDelaySeconds")
		}
		if p, ok := c["readinessProbe"].(map[string]any); ok {
			delete(p, "initialDelaySeconds")
		}
		for _, probe := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
			if p, ok := c[probe].(map[string]any); ok {
				p["periodSeconds"] = int64(1)
			}
		}
	})
}

// number is a field of a probe, or Kubernetes' default.
func number(probe map[string]any, field string, byDefault int64) int64 {
	if n, ok := probe[field].(int64); ok {
		return n
	}
	return byDefault
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

// Frugal returns a copy of a runner whose containers make small requests.
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

// Relocated returns copies of objects in which names of Services within one namespace,
// such as "postgres.shop.svc", lead to another. It is for ConfigMaps, Secrets and the
// variables of containers, in plain text and in a Secret's base64.
func Relocated(objects []Object, from, to string) []Object {
	if from == to {
		return objects
	}
	replace := strings.NewReplacer("."+from+".svc", "."+to+".svc", "."+from+":", "."+to+":", "."+from+"/", "."+to+"/").Replace
	var out []Object
	for _, o := range objects {
		c := Object{o.DeepCopy(), o.Source}
		switch o.GetKind() {
		case "Secret":
			eachString(c.Object["stringData"], replace)
			eachString(c.Object["data"], func(s string) string {
				plain, err := base64.StdEncoding.DecodeString(s)
				if err != nil {
					return s
				}
				return base64.StdEncoding.EncodeToString([]byte(replace(string(plain))))
			})
		case "ConfigMap":
			eachString(c.Object["data"], replace)
		default:
			if path := podSpecPath(o.GetKind()); path != nil {
				spec, _, _ := unstructured.NestedMap(c.Object, path...)
				eachString(spec, replace)
				_ = unstructured.SetNestedMap(c.Object, spec, path...)
			}
		}
		out = append(out, c)
	}
	return out
}

// eachString changes every string value at and below a node of maps and lists.
func eachString(node any, change func(string) string) {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			if s, ok := v.(string); ok {
				n[k] = change(s)
			} else {
				eachString(v, change)
			}
		}
	case []any:
		for i, v := range n {
			if s, ok := v.(string); ok {
				n[i] = change(s)
			} else {
				eachString(v, change)
			}
		}
	}
}

// Probes are those of a container of a pod template.
func Probes(t corev1.PodTemplateSpec, container string) (readiness, liveness *corev1.Probe) {
	for _, c := range t.Spec.Containers {
		if c.Name == container {
			return c.ReadinessProbe, c.LivenessProbe
		}
	}
	return nil, nil
}
