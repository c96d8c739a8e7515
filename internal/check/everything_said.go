package check

import (
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// unsaid are the parts of the evidence that no container has said: what the manifests and the
// image declare, what podproof says itself, and what it looked through apart.
var unsaid = set("Spec Template Build Context Rebuild LockRebuild Reproduction Image Cluster Workload Admission Dependencies Missing Steps Run Logs")

// everythingSaid visits each text that came from a container of the workload, with the place
// where it stands: logs, answers, arguments, last words, events. A part that is added to the
// evidence is visited as well, until unsaid names it.
func everythingSaid(e evidence.Evidence, visit func(where, text string)) {
	visitSaid(reflect.ValueOf(e), "", visit)
}

func visitSaid(v reflect.Value, where string, visit func(where, text string)) {
	switch v.Kind() {
	case reflect.String:
		visit(where, v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			visitSaid(v.Elem(), where, visit)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			visitSaid(v.Index(i), where, visit)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			visitSaid(v.MapIndex(k), where, visit)
		}
	case reflect.Struct:
		where = placeSaid(v.Interface(), where)
		if p, ok := v.Interface().(evidence.Process); ok {
			visit(where, strings.Join(p.Command, " "))
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !unsaid[f.Name] {
				visitSaid(v.Field(i), where, visit)
			}
		}
	}
}

// placeSaid says where the texts of a part of the evidence stand, given where the part does.
func placeSaid(v any, where string) string {
	switch v := v.(type) {
	case evidence.Pod:
		return "pod " + v.Name
	case evidence.LogLine:
		return where + ", log"
	case evidence.ContainerLog:
		return where + ", container " + v.Container
	case evidence.Event:
		return where + ", event " + v.Reason
	case corev1.ContainerStateTerminated:
		return where + ", termination message"
	case corev1.ContainerStateWaiting:
		return where + ", waiting message"
	case corev1.PodCondition:
		return where + ", condition " + string(v.Type)
	case evidence.Mark:
		return where + ", timeline"
	case evidence.Response:
		return fmt.Sprintf("answer to %s %s", v.Method, v.Path)
	case evidence.Outage:
		return "outage (" + v.Kind + ")"
	case evidence.Rollout:
		return "rollout (" + v.Kind + ")"
	case evidence.Health:
		return "answer to GET " + v.URL
	case evidence.Request:
		if strings.HasPrefix(where, "answer to ") || v.Stream == "" {
			return where
		}
		return strings.TrimPrefix(where+", ", ", ") + fmt.Sprintf("answer of the stream %s, status %d", v.Stream, v.Status)
	case evidence.Process:
		return fmt.Sprintf("arguments of process %d", v.PID)
	case evidence.Resources:
		return "resources of pod " + v.Pod
	}
	return where
}
