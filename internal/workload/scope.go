package workload

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Scopes are the manifests' objects, sorted by how far they reach in a cluster.
type Scopes struct {
	// Wide belong to the whole cluster. Namespaces are not among them: podproof makes its own.
	Wide []Object
	// Unknown are custom resources of which the cluster has no definition.
	Unknown []Object
}

// Scopes asks the API server which of the objects belong to the whole cluster; of the kinds
// that the objects themselves define, their definitions say it. A kind of Kubernetes' own that
// the cluster does not have is a ManifestError.
func (a *Applier) Scopes(objects []Object) (Scopes, error) {
	a.defined = definitions(objects)
	var out Scopes
	var problems []string
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			continue
		}
		m, err := a.mapping(o)
		switch {
		case meta.IsNoMatchError(err) && !isCustom(o):
			problems = append(problems, unknownKind(o))
		case meta.IsNoMatchError(err):
			out.Unknown = append(out.Unknown, o)
		case err != nil:
			return out, err
		case m.Scope.Name() != meta.RESTScopeNameNamespace:
			out.Wide = append(out.Wide, o)
		}
	}
	if len(problems) > 0 {
		return out, &ManifestError{problems}
	}
	return out, nil
}

// Presence is whether the cluster has an object of the manifests.
type Presence int

// What is known of it. Other is one of the same name that says something else.
const (
	Absent Presence = iota
	Present
	Other
	Unseen // one may not look
)

// Presence looks for an object that belongs to the whole cluster.
func (a *Applier) Presence(ctx context.Context, o Object) (Presence, error) {
	m, err := a.mapping(o)
	if err != nil {
		return Unseen, err
	}
	live, err := a.dynamic.Resource(m.Resource).Get(ctx, o.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return Absent, nil
	case apierrors.IsForbidden(err):
		return Unseen, nil
	case err != nil:
		return Unseen, fmt.Errorf("asking for %s: %w", o, err)
	}
	for field, want := range o.Object {
		if field != "metadata" && !within(want, live.Object[field]) {
			return Other, nil
		}
	}
	return Present, nil
}

// within tells whether a live value has all that a manifest says: Kubernetes adds what it leaves out.
func within(want, live any) bool {
	switch w := want.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		for k, v := range w {
			ok = ok && within(v, l[k])
		}
		return ok
	case []any:
		l, ok := live.([]any)
		ok = ok && len(l) == len(w)
		for i := 0; ok && i < len(w); i++ {
			ok = within(w[i], l[i])
		}
		return ok
	}
	return reflect.DeepEqual(want, live)
}

func unknownKind(o Object) string {
	gvk := o.GroupVersionKind()
	return fmt.Sprintf("%s: %s: this cluster has no kind %s in %s", o.Source, o, gvk.Kind, gvk.GroupVersion())
}

// mapping is how the API server is asked for objects of a kind. The error is a meta.NoMatchError
// where it has no such kind.
func (a *Applier) mapping(o Object) (*meta.RESTMapping, error) {
	gvk := o.GroupVersionKind()
	if d, ok := a.defined[gvk.GroupKind()]; ok {
		return d.mapping(gvk), nil
	}
	m, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil && !meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("applying %s: asking the API server for its kinds: %w", o, err)
	}
	return m, err
}
