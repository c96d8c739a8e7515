package workload

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// scaled are the kinds that have a number of replicas.
var scaled = []string{"Deployment", "StatefulSet"}

// autoscalers are the kinds that change a number of replicas, with the field that bounds it
// below and what that is by default (autoscaling/v2; https://keda.sh/docs/latest/reference/scaledobject-spec).
var autoscalers = map[string]struct {
	field     string
	byDefault int64
}{
	"HorizontalPodAutoscaler": {"minReplicas", 1},
	"ScaledObject":            {"minReplicaCount", 0},
}

// Autoscaled returns the objects with as many replicas as their autoscalers would keep at least.
func Autoscaled(objects []Object) []Object {
	out := slices.Clone(objects)
	for _, a := range objects {
		scaler, ok := autoscalers[a.GetKind()]
		if !ok {
			continue
		}
		least, found, _ := unstructured.NestedInt64(a.Object, "spec", scaler.field)
		if !found {
			least = scaler.byDefault
		}
		for i, o := range out {
			if replicas(o) < least && scaledBy(a) == o.String() && slices.Contains(scaled, o.GetKind()) {
				out[i] = Scaled(o, least)
			}
		}
	}
	return out
}

// scaledBy is the object that an autoscaler scales: "deployment/api".
func scaledBy(a Object) string {
	kind, _, _ := unstructured.NestedString(a.Object, "spec", "scaleTargetRef", "kind")
	name, _, _ := unstructured.NestedString(a.Object, "spec", "scaleTargetRef", "name")
	if kind == "" {
		kind = "Deployment"
	}
	return strings.ToLower(kind) + "/" + name
}

func replicas(o Object) int64 {
	n, found, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if !found {
		return 1
	}
	return n
}

// Started returns the objects in which the named ones ("deployment/api") have one replica at
// least: what has none is no pod to look at, and waits for somebody to scale it.
func Started(objects []Object, names ...string) []Object {
	out := slices.Clone(objects)
	for i, o := range out {
		if replicas(o) == 0 && slices.Contains(names, o.String()) && slices.Contains(scaled, o.GetKind()) {
			out[i] = Scaled(o, 1)
		}
	}
	return out
}

// autoscalerNote says what an autoscaler that is left out would have done.
func autoscalerNote(a Object, objects []Object) string {
	for _, o := range objects {
		if o.String() == scaledBy(a) && slices.Contains(scaled, o.GetKind()) {
			return fmt.Sprintf("it would undo podproof's scale-down; %s runs with replicas: %d", o, replicas(o))
		}
	}
	return "it would undo podproof's scale-down"
}
