package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"podproof.dev/podproof/internal/contract"
)

// wrongKind says what is wrong with an object's apiVersion and kind, as far as that is certain;
// it is empty where it is not: a newer Kubernetes may have kinds that client-go does not know.
func wrongKind(o Object) string {
	gvk := o.GroupVersionKind()
	if wrong := removed(gvk); wrong != "" {
		return wrong
	}
	if isCustom(o) || scheme.Scheme.Recognizes(gvk) || !scheme.Scheme.IsGroupRegistered(gvk.Group) {
		return ""
	}
	known := slices.Sorted(maps.Keys(scheme.Scheme.KnownTypes(gvk.GroupVersion())))
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, gvk.Kind) }); i >= 0 {
		return fmt.Sprintf("the kind is %q, and upper and lower case count: write `kind: %s`", gvk.Kind, known[i])
	}
	for _, version := range versionsOf(gvk.Kind) {
		return fmt.Sprintf("there is no %s in %s: write `apiVersion: %s`", gvk.Kind, gvk.GroupVersion(), version)
	}
	if near := contract.Nearest(gvk.Kind, known); near != "" {
		return fmt.Sprintf("there is no kind %s in %s: did you mean %s?", gvk.Kind, gvk.GroupVersion(), near)
	}
	return ""
}

// removed says that Kubernetes has a kind no more; it is empty where that is not certain.
func removed(gvk schema.GroupVersionKind) string {
	to, since := replaced(gvk)
	switch {
	case since == "":
		return ""
	case to.Empty():
		return fmt.Sprintf("Kubernetes %s removed %s of %s without a replacement: remove the object", since, gvk.Kind, gvk.GroupVersion())
	}
	return fmt.Sprintf("Kubernetes %s removed %s of %s: write `apiVersion: %s`", since, gvk.Kind, gvk.GroupVersion(), to.GroupVersion())
}

// oldest is the minor version of the oldest Kubernetes that podproof expects to meet: what was
// removed by then is not served anywhere.
const oldest = 29

// lifecycle is what client-go's types of beta versions know of themselves
// (https://kubernetes.io/docs/reference/using-api/deprecation-guide).
type lifecycle interface {
	APILifecycleRemoved() (major, minor int)
}

// forgotten are removed kinds whose types client-go has no more, and since when Kubernetes has not.
var forgotten = map[schema.GroupVersionKind]string{
	{Group: "extensions", Version: "v1beta1", Kind: "PodSecurityPolicy"}:        "1.16",
	{Group: "policy", Version: "v1beta1", Kind: "PodSecurityPolicy"}:            "1.25",
	{Group: "autoscaling", Version: "v2beta1", Kind: "HorizontalPodAutoscaler"}: "1.25",
	{Group: "autoscaling", Version: "v2beta2", Kind: "HorizontalPodAutoscaler"}: "1.26",
}

// replaced says which kind took the place of one that Kubernetes has removed, and since when.
func replaced(gvk schema.GroupVersionKind) (to schema.GroupVersionKind, since string) {
	if gvk.Version == "v1beta1" && (gvk.Group == "apiextensions.k8s.io" || gvk.Group == "apiregistration.k8s.io") {
		return gvk.GroupKind().WithVersion("v1"), "1.22"
	}
	if since := forgotten[gvk]; since != "" {
		for _, version := range versionsOf(gvk.Kind) {
			return version.WithKind(gvk.Kind), since
		}
		return to, since
	}
	o, err := scheme.Scheme.New(gvk)
	if err != nil {
		return to, ""
	}
	l, ok := o.(lifecycle)
	if !ok {
		return to, ""
	}
	major, minor := l.APILifecycleRemoved()
	if major > 1 || minor > oldest {
		return to, ""
	}
	if r, ok := o.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		to = r.APILifecycleReplacement()
	}
	if to.Empty() {
		for _, version := range versionsOf(gvk.Kind) {
			to = version.WithKind(gvk.Kind)
			break
		}
	}
	return to, fmt.Sprintf("%d.%d", major, minor)
}

// versionsOf are the stable versions that have a kind.
func versionsOf(kind string) []schema.GroupVersion {
	var out []schema.GroupVersion
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Kind == kind && !strings.Contains(gvk.Version, "alpha") && !strings.Contains(gvk.Version, "beta") && gvk.Version != "__internal" {
			out = append(out, gvk.GroupVersion())
		}
	}
	slices.SortFunc(out, func(a, b schema.GroupVersion) int { return strings.Compare(b.String(), a.String()) })
	return out
}
