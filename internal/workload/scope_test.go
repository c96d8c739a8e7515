package workload

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// server is an API server with a few kinds that takes every object, and tells what it took.
func server(objects ...runtime.Object) (*Applier, *[]string) {
	m := meta.NewDefaultRESTMapper(nil)
	for _, k := range []string{"ConfigMap", "Service"} {
		m.Add(schema.GroupVersionKind{Version: "v1", Kind: k}, meta.RESTScopeNamespace)
	}
	m.Add(schema.GroupVersionKind{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "PriorityLevelConfiguration"}, meta.RESTScopeRoot)
	m.Add(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, meta.RESTScopeRoot)
	m.Add(schema.GroupVersionKind{Group: "x.example", Version: "v1", Kind: "Policy"}, meta.RESTScopeRoot)
	dyn := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{definitionsResource: "CustomResourceDefinitionList"}, objects...)
	var took []string
	dyn.PrependReactor("patch", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		p := a.(clienttesting.PatchAction)
		took = append(took, strings.Trim(p.GetNamespace()+"/"+p.GetResource().Resource+"/"+p.GetName(), "/"))
		return true, &unstructured.Unstructured{Object: map[string]any{}}, nil
	})
	dyn.PrependWatchReactor("customresourcedefinitions", func(a clienttesting.Action) (bool, watch.Interface, error) {
		name, _ := a.(clienttesting.WatchAction).GetWatchRestrictions().Fields.RequiresExactMatch("metadata.name")
		took = append(took, "waited for "+name)
		return true, watching(defined(name, accepted, installing), defined(name, accepted, established)), nil
	})
	return &Applier{Client: fake.NewClientset(), dynamic: dyn, mapper: m}, &took
}

const mixed = `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}
---
{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, metadata: {name: shop-priority}}
---
{apiVersion: x.example/v1, kind: Policy, metadata: {name: p}}
---
{apiVersion: monitoring.example/v1, kind: ServiceMonitor, metadata: {name: m}}
---
{apiVersion: y.example/v1, kind: Thing, metadata: {name: t}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.y.example}
spec:
  group: y.example
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

// Which kinds belong to the whole cluster is the API server's to say: no list knows them all.
func TestScopesAreAskedOfTheCluster(t *testing.T) {
	a, _ := server()
	got, err := a.Scopes(parse(t, mixed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"m.yaml:5 prioritylevelconfiguration/shop-priority", "m.yaml:7 policy/p", "m.yaml:13 customresourcedefinition/things.y.example"}, names(got.Wide)); diff != "" {
		t.Errorf("of the whole cluster (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"m.yaml:9 servicemonitor/m"}, names(got.Unknown)); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	var wrong *ManifestError
	if _, err := a.Scopes(parse(t, "{apiVersion: batch/v1, kind: Job, metadata: {name: j}}")); !errors.As(err, &wrong) {
		t.Errorf("a kind of Kubernetes' own that the cluster does not have: %v", err)
	}
}

func TestNothingIsAppliedOverAnObjectOfSomebodyElses(t *testing.T) {
	there := func(labels map[string]any) runtime.Object {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": "c", "namespace": "shop", "labels": labels}}}
	}
	object := parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}")
	for _, c := range []struct {
		name   string
		onlyOf string
		labels map[string]any
		took   bool
	}{
		{"a team's", "r1", nil, false},
		{"another run's", "r1", map[string]any{RunLabel: "r2"}, false},
		{"the run's", "r1", map[string]any{RunLabel: "r1"}, true},
		{"in a cluster of our own", "", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, took := server(there(c.labels))
			a.OnlyOf = c.onlyOf
			err := a.Apply(t.Context(), object)
			if (err == nil) != c.took || (len(*took) > 0) != c.took {
				t.Errorf("applied %v, %v", *took, err)
			}
			if err != nil && !strings.Contains(err.Error(), "m.yaml:1: configmap/c exists in the cluster already") {
				t.Error(err)
			}
		})
	}
}

// A removal is arranged for before the namespace is made, and must not meet one that was there.
func TestANamespaceOfSomebodyElsesIsNeitherUsedNorRemoved(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a"}}})
	a := &Applier{Client: client, OnlyOf: "r1"}
	for what, do := range map[string]func(context.Context) error{
		"making":   func(ctx context.Context) error { return a.CreateNamespace(ctx, "shop", "r1") },
		"removing": func(ctx context.Context) error { return a.DeleteNamespace(ctx, "shop", "r1") },
	} {
		if err := do(t.Context()); err == nil || !strings.Contains(err.Error(), "namespace shop is not of run r1") {
			t.Errorf("%s it: %v", what, err)
		}
	}
	for _, action := range client.Actions() {
		switch action.GetVerb() {
		case "delete", "delete-collection", "patch", "update":
			t.Errorf("it was touched: %s %s", action.GetVerb(), action.GetResource().Resource)
		}
	}
}

// Names are asked for in a dry run, and nothing is made.
func TestNamesThatAreTaken(t *testing.T) {
	live := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c", "namespace": "shop"}}}
	a, _ := server(live)
	dyn := a.dynamic.(*dynamicfake.FakeDynamicClient)
	dyn.PrependReactor("create", "*", func(x clienttesting.Action) (bool, runtime.Object, error) {
		c := x.(clienttesting.CreateActionImpl)
		if !slices.Equal(c.CreateOptions.DryRun, []string{metav1.DryRunAll}) {
			t.Errorf("%+v would be made", c.Object)
		}
		return false, nil, nil
	})
	got, err := a.Taken(t.Context(), parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: c, namespace: shop}}\n---\n{apiVersion: no/v1, kind: Thing, metadata: {name: c}}\n"))
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "m.yaml:1: configmap/c exists in the cluster already") {
		t.Errorf("taken are %q (%v)", got, err)
	}
	dyn.PrependReactor("create", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "c", nil)
	})
	if got, err := a.Taken(t.Context(), parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}}")); err != nil || len(got) != 0 {
		t.Errorf("what is refused for another reason is told when it is made: %q, %v", got, err)
	}
}

func TestPresenceInTheCluster(t *testing.T) {
	level := func(shares int64) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "x.example/v1", "kind": "Policy", "metadata": map[string]any{"name": "fast", "uid": "u"},
			"spec": map[string]any{"type": "Limited", "limited": map[string]any{"shares": shares, "lendable": int64(0)}, "list": []any{"a", map[string]any{"b": "c", "d": "e"}}}, "status": map[string]any{}}}
	}
	for _, c := range []struct {
		name, spec string
		refuse     error
		want       Presence
	}{
		{"not there", "", nil, Absent},
		{"the same, with what Kubernetes adds", `{type: Limited, limited: {shares: 5}, list: [a, {b: c}]}`, nil, Present},
		{"another value", `{type: Limited, limited: {shares: 7}}`, nil, Other},
		{"a field that it does not have", `{type: Limited, exempt: {}}`, nil, Other},
		{"another kind of value", `{type: {}}`, nil, Other},
		{"a shorter list", `{list: [a]}`, nil, Other},
		{"another item", `{list: [a, {b: x}]}`, nil, Other},
		{"one may not look", `{}`, apierrors.NewForbidden(schema.GroupResource{}, "fast", nil), Unseen},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "fast"
			if c.spec == "" {
				name, c.spec = "slow", "{}"
			}
			a, _ := server(level(5))
			if c.refuse != nil {
				a.dynamic.(*dynamicfake.FakeDynamicClient).PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.refuse })
			}
			got, err := a.Presence(t.Context(), parse(t, "{apiVersion: x.example/v1, kind: Policy, metadata: {name: "+name+"}, spec: "+c.spec+"}")[0])
			if got != c.want || err != nil {
				t.Errorf("got %d, want %d (%v)", got, c.want, err)
			}
		})
	}
	a, _ := server()
	a.dynamic.(*dynamicfake.FakeDynamicClient).PrependReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("connection refused")
	})
	if _, err := a.Presence(t.Context(), parse(t, "{apiVersion: x.example/v1, kind: Policy, metadata: {name: fast}}")[0]); err == nil || !strings.Contains(err.Error(), "asking for policy/fast: connection refused") {
		t.Errorf("the error is %v", err)
	}
}
