package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/contract"
)

// The labels on everything that podproof creates.
const (
	RunLabel   = "podproof.dev/run"
	TrialLabel = "podproof.dev/trial"
	// Finalizer keeps a deleted pod's final status readable until podproof has read it.
	Finalizer = "podproof.dev/evidence"
)

// Rewrite says how objects are changed on their way into the cluster.
type Rewrite struct {
	Run       string
	Namespace string
	// Images maps the manifests' images to those that run instead.
	Images map[string]string
	// Pulled leaves it to the manifests when the kubelet pulls them; else they are on the nodes.
	Pulled bool
	// Stays tells that the namespace does, and may have objects of others: pods carry the run's
	// label there, too, and the claims of a StatefulSet go with it.
	Stays bool
}

// NamespaceOf is the one namespace that the manifests ask for, or "" when they name none
// or several.
func NamespaceOf(objects []Object) string {
	seen := map[string]bool{}
	for _, o := range objects {
		if ns := o.GetNamespace(); ns != "" {
			seen[ns] = true
		}
	}
	if names := slices.Collect(maps.Keys(seen)); len(names) == 1 {
		return names[0]
	}
	return ""
}

// Rewritten returns copies of the objects that carry the run's label, lie in its namespace and
// run the images of the placement. Namespaces are left out, since podproof makes its own, and
// so are network policies.
func Rewritten(objects []Object, p Rewrite) []Object {
	var out []Object
	for _, o := range objects {
		if o.GetKind() == "Namespace" || isNetworkPolicy(o) {
			continue
		}
		c := Object{o.DeepCopy(), o.Source}
		c.SetNamespace(p.Namespace) // Apply takes it off what belongs to the whole cluster
		labels := c.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[RunLabel] = p.Run
		c.SetLabels(labels)
		if path := podSpecPath(c.GetKind()); path != nil {
			p.replaceImages(c.Unstructured, path)
			p.tie(c, path)
		}
		out = append(out, c)
	}
	return out
}

// isNetworkPolicy tells a network policy, which would shut out podproof's own pods: one that
// admits the workload's by their labels has no place for those of the trials, which must have
// none of them, and for the agent. Those of a network plugin's own count, too.
func isNetworkPolicy(o Object) bool { return strings.HasSuffix(o.GetKind(), "NetworkPolicy") }

// tie has what controllers make go with them, and be known for the run's.
func (p Rewrite) tie(o Object, spec []string) {
	if !p.Stays {
		return
	}
	// What has something else in these places is refused by the API server, which names it.
	if len(spec) > 1 {
		_ = unstructured.SetNestedField(o.Object, p.Run, append(slices.Clone(spec[:len(spec)-1]), "metadata", "labels", RunLabel)...)
	}
	if o.GetKind() == "StatefulSet" {
		_ = unstructured.SetNestedField(o.Object, "Delete", "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
	}
}

func podSpecPath(kind string) []string {
	switch kind {
	case "Pod":
		return []string{"spec"}
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		return []string{"spec", "template", "spec"}
	case "CronJob":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}
	}
	return nil
}

func (p Rewrite) replaceImages(o *unstructured.Unstructured, path []string) {
	for _, list := range []string{"initContainers", "containers"} {
		cs, found, err := unstructured.NestedSlice(o.Object, append(slices.Clone(path), list)...)
		if err != nil || !found {
			continue
		}
		for _, c := range cs {
			m, ok := c.(map[string]any)
			if !ok {
				continue
			}
			image, _ := m["image"].(string)
			to, ok := Substitute(p.Images, image)
			if ok {
				m["image"] = to
			}
			if ok && !p.Pulled { // it is in the node's containerd; ":latest" would mean Always, and a registry
				m["imagePullPolicy"] = string(corev1.PullNever)
			}
		}
		// The slice was a deep copy of well-formed content, so setting it cannot fail.
		_ = unstructured.SetNestedSlice(o.Object, cs, append(slices.Clone(path), list)...)
	}
}

// Substitute looks an image up as Docker names it: "postgres:16" is "docker.io/library/postgres:16".
func Substitute(images map[string]string, image string) (string, bool) {
	for from, to := range images {
		if contract.SameImage(from, image) {
			return to, true
		}
	}
	return "", false
}

// Images are the images that the controllers' pods use, each once.
func Images(controllers []Controller) []string {
	var out []string
	for _, r := range controllers {
		for _, c := range append(slices.Clone(r.Template.Spec.InitContainers), r.Template.Spec.Containers...) {
			if !slices.Contains(out, c.Image) {
				out = append(out, c.Image)
			}
		}
	}
	return out
}

// ParseSetImage reads OLD=NEW, as `kustomize edit set image` takes it.
func ParseSetImage(args []string) (map[string]string, error) {
	out := map[string]string{}
	for _, a := range args {
		from, to, ok := strings.Cut(a, "=")
		if !ok || from == "" || to == "" {
			return nil, fmt.Errorf("--set-image %q: write it as OLD=NEW, for example postgres:16-alpine=registry.example/postgres:16", a)
		}
		out[from] = to
	}
	return out, nil
}
