package workload

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"

	"podproof.dev/podproof/internal/contract"
)

// LeftOut are objects that do not go into the cluster, and why.
type LeftOut struct {
	Objects []Object
	Why     string
}

// String is a sentence about them.
func (l LeftOut) String() string {
	var names []string
	for _, o := range l.Objects {
		names = append(names, fmt.Sprintf("%s (%s)", o, o.Source))
	}
	return fmt.Sprintf("Left out %s: %s", strings.Join(names, ", "), l.Why)
}

// LeaveOut divides the objects into those that go into the cluster and those that would fire
// or scale in the middle of a trial, shut out podproof's own pods, or that somebody else runs.
// In a cluster of podproof's own, what no manifest defines the kind of is left out, too.
func LeaveOut(objects []Object, own bool) (kept []Object, left []LeftOut) {
	defined := definitions(objects)
	for _, o := range objects {
		why := ""
		_, scales := autoscalerOf(o)
		disturbs := disturbers[o.GetKind()+"."+o.GroupVersionKind().Group]
		_, known := defined[o.GroupVersionKind().GroupKind()]
		switch hook := o.GetAnnotations()[hookAnnotation]; {
		case hook != "" && !outlives(o, hook):
			why = fmt.Sprintf("a Helm hook (%s), which Helm runs, not the cluster", hook)
		case scales:
			why = autoscalerNote(o, objects)
		case disturbs != "":
			why = disturbs
		case isNetworkPolicy(o):
			why = "network policies would block podproof's own pods"
		case own && isCustom(o) && !known:
			why = "no manifest defines the kind (CustomResourceDefinition), so this cluster would not have it"
		}
		if why == "" {
			kept = append(kept, o)
			continue
		}
		if i := slices.IndexFunc(left, func(l LeftOut) bool { return l.Why == why }); i >= 0 {
			left[i].Objects = append(left[i].Objects, o)
		} else {
			left = append(left, LeftOut{[]Object{o}, why})
		}
	}
	return kept, left
}

// hookAnnotation marks what Helm applies at a moment of its own (https://helm.sh/docs/topics/charts_hooks).
const hookAnnotation = "helm.sh/hook"

// outlives tells whether a hook's object is there when the workload starts, as a Secret that is
// made before an installation: it runs nothing, and it is not for a test or a removal alone.
func outlives(o Object, hook string) bool {
	runs := podSpecPath(o.GetKind()) != nil || len(foreignImages(o)) > 0
	installs := strings.Contains(hook, "install") || strings.Contains(hook, "upgrade")
	return !runs && installs
}

// isCustom tells whether an object's group is no part of Kubernetes itself.
func isCustom(o Object) bool {
	group := o.GroupVersionKind().Group
	return !scheme.Scheme.IsGroupRegistered(group) && group != "apiextensions.k8s.io" && group != "apiregistration.k8s.io"
}

// foreignImages are those of a pod template in an object that podproof does not know as one
// that runs pods: an Argo Rollout, a Knative Service, a ReplicaSet.
func foreignImages(o Object) []string {
	if slices.Contains(runnerKinds, o.GetKind()) || o.GetKind() == "Job" || o.GetKind() == "CronJob" {
		return nil
	}
	var out []string
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	for _, c := range containers {
		m, _ := c.(map[string]any)
		if image, ok := m["image"].(string); ok {
			out = append(out, image)
		}
	}
	return out
}

// Foreign says which objects run pods in a way that podproof does not know, of the image where
// one is named, and what to write in their place.
func Foreign(objects []Object, left []LeftOut, image string) []string {
	all := slices.Clone(objects)
	for _, l := range left {
		all = append(all, l.Objects...)
	}
	var out []string
	for _, o := range all {
		images := foreignImages(o)
		if len(images) == 0 || o.GetAnnotations()[hookAnnotation] != "" ||
			image != "" && !slices.ContainsFunc(images, func(i string) bool { return contract.SameImage(i, image) }) {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s: podproof runs a Deployment, StatefulSet, DaemonSet or Pod, and no %s of %s: write its pod template as a Deployment into a file for podproof, and name that in `manifests`",
			o.Source, o, o.GetKind(), o.GetAPIVersion()))
	}
	return out
}

// runnerKinds are the kinds of a Controller.
var runnerKinds = []string{"Deployment", "StatefulSet", "DaemonSet", "Pod"}
