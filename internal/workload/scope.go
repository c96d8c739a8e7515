package workload

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
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
