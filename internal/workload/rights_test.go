package workload

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/rights/rightstest"
)

const grants = `{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: api}}
---
{apiVersion: v1, kind: Secret, metadata: {name: api}, stringData: {TOKEN: t}, type: Opaque}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: all}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: leader}, rules: [{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, update], resourceNames: [api]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: leader}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: leader}, subjects: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: viewer}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}}
---
{apiVersion: monitoring.example/v1, kind: ServiceMonitor, metadata: {name: m}}
`

func rulesText(rules []rights.Rule) (out []string) {
	for _, r := range rights.Union(rules) {
		out = append(out, r.String())
	}
	return out
}

func TestApplyRightsAreThoseOfTheKinds(t *testing.T) {
	got, err := ApplyRights(parse(t, grants), GuessResource)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"create configmaps", "create secrets", "patch serviceaccounts default", "get, update leases.coordination.k8s.io api",
		"create servicemonitors.monitoring.example", "bind clusterroles.rbac.authorization.k8s.io view",
		"create rolebindings.rbac.authorization.k8s.io", "create roles.rbac.authorization.k8s.io",
		"get clusterroles.rbac.authorization.k8s.io all in the whole cluster",
	}
	slices.Sort(want)
	text := rulesText(got)
	slices.Sort(text)
	if !slices.Equal(want, text) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(text, "\n"), strings.Join(want, "\n"))
	}
}

func TestApplyRightsByTheCluster(t *testing.T) {
	a := &Applier{mapper: testrestmapper.TestOnlyStaticRESTMapper(scheme.Scheme)}
	got, err := ApplyRights(parse(t, grants), a.Resource)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(rulesText(got), "\n"); strings.Contains(text, "servicemonitors") || !strings.Contains(text, "create configmaps") {
		t.Errorf("got\n%s", text)
	}
	broken := errors.New("the API server is away")
	if _, err := ApplyRights(parse(t, grants), func(Object) (schema.GroupResource, bool, error) { return schema.GroupResource{}, false, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	wrong := "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}}\n"
	o := parse(t, wrong)
	o[0].Object["rules"] = "none"
	if _, err := ApplyRights(o, GuessResource); !errors.As(err, new(*ManifestError)) {
		t.Errorf("got %v", err)
	}
}

// What is guessed is what the API server says, for each kind of Kubernetes' own.
func TestResourcesAreGuessed(t *testing.T) {
	m := testrestmapper.TestOnlyStaticRESTMapper(scheme.Scheme)
	n := 0
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version != "v1" || strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Options") || strings.HasSuffix(gvk.Kind, "Review") {
			continue
		}
		mapping, err := m.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			continue
		}
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(gvk)
		resource, wide, err := GuessResource(Object{Unstructured: u})
		if root := mapping.Scope.Name() == meta.RESTScopeNameRoot; err != nil || resource != mapping.Resource.GroupResource() || root && !wide {
			t.Errorf("%s is guessed to be %s, wide %t (%v)", gvk, resource, wide, err)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d kinds were tried", n)
	}
}

// What the code beside the rights asks is what they say.
func TestWhatIsDeclaredIsUsed(t *testing.T) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{RunLabel: "r1"}}}
	trial := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "podproof-termination", Namespace: "shop", Labels: map[string]string{TrialLabel: "termination"}}}
	client := fake.NewClientset(ns, trial)
	var asked rightstest.Recorder
	asked.On(&client.Fake)
	a := &Applier{Client: client, OnlyOf: "r1"}
	o, err := Observe(t.Context(), client, "shop", func(s string) string { return s }, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Stop()
	if err := a.CreateNamespace(t.Context(), "shop-outage", "r1"); err != nil {
		t.Fatal(err)
	}
	if err := a.EndNamespace(t.Context(), "shop", "r1"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Demands(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Leftovers(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Policies(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := a.OpenNetwork(t.Context(), "shop", "r1"); err != nil {
		t.Fatal(err)
	}
	declared := slices.Concat(ObserveRights(), NamespaceRights(), RoomRights(nil), NetworkRights(false), NetworkRights(true))
	for _, r := range rights.Beyond(asked.Used(), declared) {
		t.Errorf("used, and not declared: %s", r)
	}
	used := asked.Used()
	for i := range used {
		used[i].Names = nil
	}
	for _, r := range rights.Beyond(declared, used) {
		switch r.String() {
		case "watch namespaces in the whole cluster": // DeleteNamespace waits for the end so
		case "get pods/log": // of a container that has started
		default:
			t.Errorf("declared, and not used: %s", r)
		}
	}
}

// What is applied in a cluster of somebody else's takes the rights that are declared, and no Secret is read.
func TestWhatIsAppliedIsDeclared(t *testing.T) {
	objects := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: api, namespace: shop}, stringData: {TOKEN: t}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: shop}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: shop}}
`)
	d := dynamicfake.NewSimpleDynamicClient(scheme.Scheme)
	d.PrependReactor("patch", "serviceaccounts", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &unstructured.Unstructured{Object: map[string]any{}}, nil
	})
	var asked rightstest.Recorder
	asked.On(&d.Fake)
	a := ApplierOf(fake.NewClientset(), d, testrestmapper.TestOnlyStaticRESTMapper(scheme.Scheme))
	a.OnlyOf = "r1"
	if err := a.Apply(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	declared, err := ApplyRights(objects, a.Resource)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"create secrets", "patch serviceaccounts default", "create deployments.apps"}
	if got, said := rulesText(asked.Used()), rulesText(declared); !slices.Equal(got, want) || !slices.Equal(said, want) {
		t.Errorf("asked %q, declared %q", got, said)
	}
}

func TestVariables(t *testing.T) {
	objects := parse(t, `{apiVersion: v1, kind: Secret, metadata: {name: api}, data: {B: YQ==, A: YQ==}, stringData: {A: a, C: c}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: api}, data: {MODE: m}, binaryData: {LOGO: YQ==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, type: kubernetes.io/service-account-token}
`)
	for _, c := range []struct {
		kind, name, want string
		known            bool
	}{
		{"Secret", "api", "A B C", true},
		{"ConfigMap", "api", "MODE", true},
		{"Secret", "token", "", false},
		{"Secret", "none", "", false},
		{"ConfigMap", "token", "", false},
	} {
		if got, known := Variables(objects, c.kind, c.name); strings.Join(got, " ") != c.want || known != c.known {
			t.Errorf("%s/%s: %q, known: %t", c.kind, c.name, got, known)
		}
	}
}

// A cluster is only asked for what the manifests ask of it.
func TestRoom(t *testing.T) {
	pod := "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {PRIORITYcontainers: [{name: c, image: i}]}}\n"
	for _, c := range []struct {
		name, manifests string
		want            []string
	}{
		{"nothing", strings.Replace(pod, "PRIORITY", "", 1), nil},
		{"a priority", strings.Replace(pod, "PRIORITY", "priorityClassName: low, ", 1), []string{"list priorityclasses.scheduling.k8s.io in the whole cluster"}},
		{"a claim", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}}\n", []string{"list storageclasses.storage.k8s.io in the whole cluster"}},
		{"claims of a StatefulSet", "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}, spec: {volumeClaimTemplates: [{metadata: {name: data}}]}}\n",
			[]string{"list storageclasses.storage.k8s.io in the whole cluster"}},
	} {
		client := fake.NewClientset()
		var asked rightstest.Recorder
		asked.On(&client.Fake)
		objects := parse(t, c.manifests)
		if _, _, err := (&Applier{Client: client}).Room(t.Context(), objects); err != nil {
			t.Fatal(err)
		}
		if got, declared := rulesText(asked.Used()), rulesText(slices.DeleteFunc(RoomRights(objects), func(r rights.Rule) bool { return !r.Wide })); !slices.Equal(got, c.want) || !slices.Equal(declared, c.want) {
			t.Errorf("%s: asked %q, declared %q", c.name, got, declared)
		}
	}
}
