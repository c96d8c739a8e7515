package workload

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestNamespaceIsLabelledAndHasItsServiceAccount(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	a := &Applier{Client: client}
	if err := a.CreateNamespace(t.Context(), "default", "r1"); err != nil {
		t.Fatal(err)
	}
	if ns, err := client.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil || ns.Labels[warnLabel] != "restricted" {
		t.Errorf("a namespace that was there: %v, %v", ns, err)
	}
	for range 2 { // a namespace that is there already is no error
		if err := a.CreateNamespace(t.Context(), "shop", "r1"); err != nil {
			t.Fatal(err)
		}
	}
	ns, err := client.CoreV1().Namespaces().Get(t.Context(), "shop", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ns.Labels[RunLabel] != "r1" {
		t.Errorf("its labels are %v", ns.Labels)
	}
	if ns.Labels[warnLabel] != "restricted" {
		t.Errorf("no warning is asked for: its labels are %v", ns.Labels)
	}
	if _, err := client.CoreV1().ServiceAccounts("shop").Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// A trial's pod holds podproof's finalizer, with which no namespace would end.
func TestDeleteNamespaceLetsTrialPodsGo(t *testing.T) {
	trial := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "trial", Namespace: "shop",
		Labels: map[string]string{TrialLabel: "termination"}, Finalizers: []string{Finalizer}}}
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{RunLabel: "r1"}}}, trial)
	a := &Applier{Client: client}
	if err := a.DeleteNamespace(t.Context(), "shop", "r1"); err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, action := range client.Actions() {
		did = append(did, action.GetVerb()+" "+action.GetResource().Resource)
	}
	if diff := cmp.Diff([]string{"watch namespaces", "get namespaces", "list pods", "patch pods", "delete namespaces", "delete-collection pods"}, did); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := a.DeleteNamespace(t.Context(), "shop", "r1"); err != nil {
		t.Errorf("a namespace that is gone: %v", err)
	}
}

func TestUnfinalize(t *testing.T) {
	client := fake.NewClientset(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "trial", Namespace: "shop", Finalizers: []string{Finalizer}}})
	a := &Applier{Client: client}
	for _, name := range []string{"trial", "gone"} { // one that is gone is no error
		if err := a.Unfinalize(t.Context(), "shop", name); err != nil {
			t.Fatal(err)
		}
	}
	p, err := client.CoreV1().Pods("shop").Get(t.Context(), "trial", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Finalizers) != 0 {
		t.Errorf("its finalizers are %v", p.Finalizers)
	}
}

// A pod cannot start before the Secret that it names is there.
func TestOrderOfApplication(t *testing.T) {
	objects := parse(t, deployment+"---\n"+secret+"---\n{apiVersion: v1, kind: Service, metadata: {name: api}}\n"+
		"---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: api}}\n")
	slices.SortStableFunc(objects, func(x, y Object) int { return rank(x) - rank(y) })
	var got []string
	for _, o := range objects {
		got = append(got, o.GetKind())
	}
	if diff := cmp.Diff([]string{"ServiceAccount", "Secret", "Service", "Deployment"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
