package workload

import (
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Impatient returns a copy of a controller whose probes ask every second. Thresholds and
// timeouts stay: an outage of seconds then is what one of minutes is to the manifest's own.
// Only a start is given as long as it had.
func Impatient(o Object) Object {
	return withContainers(o, func(c map[string]any) {
		liveness, readiness := probeIn(c, "livenessProbe"), probeIn(c, "readinessProbe")
		startup := patientStart(probeIn(c, "startupProbe"), liveness)
		if startup != nil {
			c["startupProbe"] = startup
		}
		for _, p := range []map[string]any{readiness, liveness, startup} {
			if p != nil {
				p["periodSeconds"] = int64(1)
				// A readiness probe that begins late would hide a process that says it is ready,
				// a liveness probe one that asks for its database: the outage may be over by then.
				delete(p, "initialDelaySeconds")
			}
		}
	})
}

// ImpatientPod is a pod's specification, likewise.
func ImpatientPod(spec corev1.PodSpec) (corev1.PodSpec, error) {
	p := corev1.Pod{Spec: spec}
	p.APIVersion, p.Kind = "v1", "Pod"
	u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&p)
	if err == nil {
		u = Impatient(Object{Unstructured: &unstructured.Unstructured{Object: u}}).Object
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(u, &p)
	}
	if err != nil {
		return spec, fmt.Errorf("changing the probes of a pod: %w", err)
	}
	return p.Spec, nil
}

// patientStart is the startup probe that gives a start the time which the manifest gives it, in
// attempts of a second each: by its own startup probe, or by the liveness probe's delay. It is
// nil where the manifest gives it none.
func patientStart(startup, liveness map[string]any) map[string]any {
	if startup == nil && number(liveness, "initialDelaySeconds", 0) > 0 {
		startup = maps.Clone(liveness)
	}
	if startup != nil {
		startup["failureThreshold"] = number(startup, "initialDelaySeconds", 0) + number(startup, "failureThreshold", 3)*number(startup, "periodSeconds", 10)
	}
	return startup
}

func probeIn(container map[string]any, name string) map[string]any {
	p, _ := container[name].(map[string]any)
	return p
}

// number is a field of a probe, or Kubernetes' default.
func number(probe map[string]any, field string, byDefault int64) int64 {
	if n, ok := probe[field].(int64); ok {
		return n
	}
	return byDefault
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
