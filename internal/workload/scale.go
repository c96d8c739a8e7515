package workload

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// scaled are the kinds that have a number of replicas.
var scaled = []string{"Deployment", "StatefulSet"}

// autoscaler is a kind that changes a number of replicas, with the field that bounds it below and what
// that is by default.
type autoscaler struct {
	field     string
	byDefault int64
}

// autoscalers are those kinds, by the kind and its group (autoscaling/v2;
// https://keda.sh/docs/latest/reference/scaledobject-spec).
var autoscalers = map[string]autoscaler{
	"HorizontalPodAutoscaler.autoscaling": {"minReplicas", 1},
	"ScaledObject.keda.sh":                {"minReplicaCount", 0},
}

func autoscalerOf(o Object) (autoscaler, bool) {
	a, ok := autoscalers[o.GetKind()+"."+o.GroupVersionKind().Group]
	return a, ok
}

// least is how many replicas an autoscaler keeps at least.
func (a autoscaler) least(o Object) int64 {
	if n, found, _ := unstructured.NestedInt64(o.Object, "spec", a.field); found {
		return n
	}
	return a.byDefault
}

// Least is how many replicas of an object an autoscaler keeps at least that is left out; 0 where none does.
func Least(left []LeftOut, of Object) int32 {
	var most int64
	for _, l := range left {
		for _, o := range l.Objects {
			if a, ok := autoscalerOf(o); ok && scaledBy(o) == of.String() {
				most = max(most, a.least(o))
			}
		}
	}
	return int32(most)
}

// disturbers are kinds that would start or restart pods by themselves, by kind and group, with what
// they do (https://keda.sh/docs/latest/concepts/scaling-jobs; autoscaler/vertical-pod-autoscaler).
var disturbers = map[string]string{
	"CronJob.batch":                            "it would fire in the middle of a trial",
	"ScaledJob.keda.sh":                        "it would start Jobs in the middle of a trial",
	"VerticalPodAutoscaler.autoscaling.k8s.io": "it would replace pods in the middle of a trial, with other resources",
}

// Autoscaled returns the objects with as many replicas as their autoscalers would keep at least.
func Autoscaled(objects []Object) []Object {
	out := slices.Clone(objects)
	for _, a := range objects {
		scaler, ok := autoscalerOf(a)
		if !ok {
			continue
		}
		least := scaler.least(a)
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
