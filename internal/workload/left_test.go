package workload

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestLeftovers(t *testing.T) {
	meta := func(name, namespace, run, until string) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{RunLabel: run}, Annotations: map[string]string{Expires: until}}
		if run == "" {
			m.Labels = nil
		}
		return m
	}
	client := fake.NewClientset(
		&corev1.Namespace{ObjectMeta: meta("podproof-a", "", "a", "2026-01-01T00:00:00Z")}, &corev1.Namespace{ObjectMeta: meta("shop", "", "", "")},
		&corev1.ConfigMap{ObjectMeta: meta("podproof-b", "mine", "b", "soon")}, &corev1.ConfigMap{ObjectMeta: meta("settings", "mine", "b", "")},
		&corev1.ConfigMap{ObjectMeta: meta("podproof-c", "other", "c", "")}, &corev1.ConfigMap{ObjectMeta: meta("podproof-mine", "mine", "", "")})
	a := &Applier{Client: client}
	for namespace, want := range map[string]Leftover{
		"":     {Run: "a", Namespace: "podproof-a", Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		"mine": {Run: "b", Namespace: "mine", Inside: true},
	} {
		got, err := a.Leftovers(t.Context(), namespace)
		if diff := cmp.Diff([]Leftover{want}, got); diff != "" || err != nil {
			t.Errorf("of namespace %q (-want +got):\n%s%v", namespace, diff, err)
		}
	}
	var refusal error = apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	client.PrependReactor("list", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refusal })
	for _, namespace := range []string{"", "mine"} {
		refusal = apierrors.NewForbidden(schema.GroupResource{}, "", nil)
		if got, err := a.Leftovers(t.Context(), namespace); got != nil || err != nil {
			t.Errorf("of what one may not ask for: %v (%v)", got, err)
		}
		refusal = errors.New("connection refused")
		if _, err := a.Leftovers(t.Context(), namespace); err == nil {
			t.Error("in an API server that is away nothing is left")
		}
	}
}
