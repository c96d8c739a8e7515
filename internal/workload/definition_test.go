package workload

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// The conditions that Kubernetes 1.37 gives a definition (apiextensions-apiserver, naming_controller.go).
var (
	accepted    = crdCondition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
	taken       = crdCondition("NamesAccepted", "False", "KindConflict", `"Thing" is already in use`)
	installing  = crdCondition("Established", "False", "Installing", "the initial names have been accepted")
	notAccepted = crdCondition("Established", "False", "NotAccepted", "not all names are accepted")
	established = crdCondition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
)

func crdCondition(kind, status, reason, message string) map[string]any {
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-01-02T03:04:05Z"}
}

// defined is a definition as the API server has it.
func defined(name string, conditions ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": name}, "status": map[string]any{"conditions": conditions}}}
}

// watching is a watch that tells these states.
func watching(states ...*unstructured.Unstructured) *watch.FakeWatcher {
	w := watch.NewFakeWithChanSize(len(states), false)
	for _, s := range states {
		w.Modify(s)
	}
	return w
}

// A definition and its objects in one manifest: the API server serves the kind a moment later.
func TestObjectsOfAKindWaitForItsDefinition(t *testing.T) {
	a, took := server()
	var objects []Object
	for _, o := range parse(t, mixed) {
		if o.GetKind() == "Thing" || isDefinition(o) {
			o.SetNamespace("run")
			objects = append(objects, o)
		}
	}
	if _, err := a.Scopes(objects); err != nil {
		t.Fatal(err)
	}
	if err := a.Apply(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"customresourcedefinitions/things.y.example", "waited for things.y.example", "run/things/t"}, *took); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The workload itself may ask for its kinds as soon as it starts.
func TestDefinitionsAloneAreWaitedForToo(t *testing.T) {
	a, took := server()
	if err := a.Apply(t.Context(), slices.DeleteFunc(parse(t, mixed), func(o Object) bool { return !isDefinition(o) })); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"customresourcedefinitions/things.y.example", "waited for things.y.example"}, *took); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const rivals = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: items.y.example}
spec: {group: y.example, scope: Namespaced, names: {kind: Thing, plural: items}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.y.example}
spec: {group: y.example, scope: Namespaced, names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}
---
{apiVersion: y.example/v1, kind: Thing, metadata: {name: t, namespace: run}}
`

// A definition that cannot be served ends the wait at once, and what it says is told.
func TestWhatBecomesOfADefinition(t *testing.T) {
	leaving := defined("things.y.example", accepted, established)
	leaving.Object["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-02T03:04:05Z"
	stopped := errors.New("stopped")
	for _, c := range []struct {
		name  string
		there *unstructured.Unstructured  // when it is applied
		watch func() []*watch.FakeWatcher // made in the bubble of the test
		stop  time.Duration               // when the run is stopped
		took  time.Duration               // at least, and less than ten seconds more
		wrong bool                        // the manifests are
		says  []string
	}{
		{name: "it is served", watch: states(defined("things.y.example"), defined("things.y.example", accepted, installing), defined("things.y.example", accepted, established))},
		{name: "it was served already", there: defined("things.y.example", accepted, established), watch: states()},
		{name: "a watch that ends is made again", watch: func() []*watch.FakeWatcher {
			ends := watching()
			ends.Stop()
			return []*watch.FakeWatcher{ends, watching(defined("things.y.example", accepted, established))}
		}},
		{name: "its names are taken", wrong: true, watch: states(defined("things.y.example", taken, notAccepted)), says: []string{
			"m.yaml:6: customresourcedefinition/things.y.example: the API server does not accept its names",
			`(NamesAccepted False (KindConflict: "Thing" is already in use), Established False (NotAccepted: not all names are accepted))`,
			"another definition of the group y.example has them, of these: customresourcedefinition/items.y.example (m.yaml:1). Choose others in spec.names"}},
		{name: "its names were taken when they were changed", wrong: true, watch: states(defined("things.y.example", taken, established)), says: []string{"does not accept its names"}},
		{name: "it is not served in time", took: establishWithin, watch: states(defined("things.y.example", accepted, installing)), says: []string{
			"m.yaml:6: customresourcedefinition/things.y.example: the API server did not serve its kind within 30s",
			"(NamesAccepted True (NoConflicts: no conflicts found), Established False (Installing: the initial names have been accepted))", "run podproof again"}},
		{name: "nothing is said of it", took: establishWithin, watch: states(), says: []string{"within 30s (it has no conditions yet)"}},
		{name: "it is being removed", watch: states(leaving), says: []string{"m.yaml:6: customresourcedefinition/things.y.example: somebody removes it"}},
		{name: "the run is stopped", stop: time.Second, took: time.Second, watch: states(defined("things.y.example", accepted, installing)), says: []string{stopped.Error()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			objects := parse(t, rivals)
			synctest.Test(t, func(t *testing.T) {
				var there []runtime.Object
				if c.there != nil {
					there = append(there, c.there)
				}
				a, took := server(there...)
				left := c.watch()
				a.dynamic.(*dynamicfake.FakeDynamicClient).PrependWatchReactor("customresourcedefinitions", func(a clienttesting.Action) (bool, watch.Interface, error) {
					if name, _ := a.(clienttesting.WatchAction).GetWatchRestrictions().Fields.RequiresExactMatch("metadata.name"); name != "things.y.example" {
						return false, nil, nil
					}
					next := left[0]
					left = left[1:]
					return true, next, nil
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if c.stop > 0 {
					time.AfterFunc(c.stop, func() { cancel(stopped) })
				}
				if _, err := a.Scopes(objects); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				err := a.Apply(ctx, objects)
				if d := time.Since(began); d < c.took || d > c.took+10*time.Second {
					t.Errorf("it took %s, want %s", d, c.took)
				}
				if applied := slices.Contains(*took, "run/things/t"); applied != (err == nil) || (err == nil) != (c.says == nil) {
					t.Fatalf("the custom resource was applied: %t; error: %v", applied, err)
				}
				if wrong := (*ManifestError)(nil); errors.As(err, &wrong) != c.wrong {
					t.Errorf("the manifests are wrong: %t, want %t", !c.wrong, c.wrong)
				}
				for _, want := range c.says {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v, want %q in it", err, want)
					}
				}
			})
		})
	}
}

func states(all ...*unstructured.Unstructured) func() []*watch.FakeWatcher {
	return func() []*watch.FakeWatcher { return []*watch.FakeWatcher{watching(all...)} }
}
