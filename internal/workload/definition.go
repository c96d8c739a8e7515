package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// crd is what podproof reads of a CustomResourceDefinition.
type crd struct {
	Spec struct {
		Group string `json:"group"`
		Scope string `json:"scope"`
		Names struct {
			Kind   string `json:"kind"`
			Plural string `json:"plural"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Served bool   `json:"served"`
		} `json:"versions"`
	} `json:"spec"`
}

// definition is a CustomResourceDefinition of the manifests.
type definition struct {
	Object
	kind     schema.GroupKind
	resource schema.GroupResource
	scope    meta.RESTScope
	served   []string // versions
}

func isDefinition(o Object) bool { return o.GetKind() == "CustomResourceDefinition" }

// definitions are those among the objects, by the kind that they define.
func definitions(objects []Object) map[schema.GroupKind]definition {
	out := map[schema.GroupKind]definition{}
	for _, o := range objects {
		if isDefinition(o) {
			d := define(o)
			out[d.kind] = d
		}
	}
	return out
}

func define(o Object) definition {
	var c crd
	_ = convert(o, &c) // what is wrong with it is the API server's to say
	d := definition{Object: o, scope: meta.RESTScopeRoot,
		kind:     schema.GroupKind{Group: c.Spec.Group, Kind: c.Spec.Names.Kind},
		resource: schema.GroupResource{Group: c.Spec.Group, Resource: c.Spec.Names.Plural}}
	if c.Spec.Scope == "Namespaced" {
		d.scope = meta.RESTScopeNamespace
	}
	for _, v := range c.Spec.Versions {
		if v.Served {
			d.served = append(d.served, v.Name)
		}
	}
	return d
}

// mapping is how the API server is asked for objects of the kind. Its discovery knows the kind a
// moment after that is established, and not before, so it is not asked.
func (d definition) mapping(gvk schema.GroupVersionKind) *meta.RESTMapping {
	return &meta.RESTMapping{Resource: d.resource.WithVersion(gvk.Version), GroupVersionKind: gvk, Scope: d.scope}
}

// unserved says that a custom resource has a version which its definition does not serve.
func unserved(o Object, defined map[schema.GroupKind]definition) string {
	gvk := o.GroupVersionKind()
	d, ok := defined[gvk.GroupKind()]
	if !ok || len(d.served) == 0 || slices.Contains(d.served, gvk.Version) {
		return ""
	}
	return fmt.Sprintf("%s (%s) serves %s, and not %s: write a version that it serves in `apiVersion`", d, d.Source, strings.Join(d.served, ", "), gvk.Version)
}

// establishWithin bounds how long the API server may take to serve kinds that were just defined.
const establishWithin = 30 * time.Second

var definitionsResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// established waits until the API server serves the kinds of the definitions, or will not.
func (a *Applier) established(ctx context.Context, definitions []Object) error {
	limited, cancel := context.WithTimeout(ctx, establishWithin)
	defer cancel()
	for _, o := range definitions {
		seen, err := a.establishes(limited, o)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errNames):
			return &ManifestError{[]string{fmt.Sprintf("%s: %s: %v (%s): %s", o.Source, o, err, seen, otherNames(o, definitions))}}
		case limited.Err() != nil:
			return fmt.Errorf("%s: %s: the API server did not serve its kind within %s (%s); the manifest is not at fault: run podproof again", o.Source, o, establishWithin, seen)
		default:
			return fmt.Errorf("%s: %s: %w", o.Source, o, err)
		}
	}
	return nil
}

var errNames = errors.New("the API server does not accept its names")

// establishes waits for one definition, and says its conditions as they were last seen.
func (a *Applier) establishes(ctx context.Context, o Object) (seen string, err error) {
	seen = "it has no conditions yet"
	one := OneObject(a.dynamic, a.dynamic.Resource(definitionsResource), o.GetName())
	_, err = watchtools.UntilWithSync(ctx, one, &unstructured.Unstructured{}, nil, func(e watch.Event) (bool, error) {
		u, ok := e.Object.(*unstructured.Unstructured)
		if !ok {
			return false, nil
		}
		told, err := kstatus.GetObjectWithConditions(u.Object)
		if err != nil {
			return false, err
		}
		if len(told.Status.Conditions) > 0 {
			seen = said(told.Status.Conditions)
		}
		state, err := kstatus.Compute(u)
		switch {
		case err != nil:
			return false, err
		case e.Type == watch.Deleted, state.Status == kstatus.TerminatingStatus: // it is served until its end, but nothing is made of it
			return false, errors.New("somebody removes it while podproof uses it; run podproof again when it is gone")
		case state.Status == kstatus.FailedStatus:
			return false, errNames
		}
		return state.Status == kstatus.CurrentStatus, nil
	})
	return seen, err
}

// said is "NamesAccepted True (NoConflicts: no conflicts found), …".
func said(conditions []kstatus.BasicCondition) string {
	var out []string
	for _, c := range conditions {
		out = append(out, fmt.Sprintf("%s %s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
	}
	return strings.Join(out, ", ")
}

// otherNames says what to change in a definition whose names are taken: within a group, a
// plural, a singular, a kind and a short name each belong to one definition.
func otherNames(o Object, all []Object) string {
	group := define(o).kind.Group
	var others []string
	for _, x := range all {
		if define(x).kind.Group == group && x.GetName() != o.GetName() {
			others = append(others, fmt.Sprintf("%s (%s)", x, x.Source))
		}
	}
	has := "another definition of the group " + group + " has them"
	if len(others) > 0 {
		has += ", of these: " + strings.Join(others, ", ")
	}
	return has + ". Choose others in spec.names, or leave one of the definitions out"
}
