package admission

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const (
	digestA = "sha256:" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:" + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	digestC = "sha256:" + "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
)

func TestTheListOfWhatIsProven(t *testing.T) {
	client := fake.NewClientset()
	l := List{client, "podproof-gate", "podproof-proven"}
	until := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	data := func() map[string]string {
		t.Helper()
		m, err := client.CoreV1().ConfigMaps("podproof-gate").Get(t.Context(), "podproof-proven", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return m.Data
	}
	if all, err := l.Images(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v (%v)", all, err)
	}
	if err := l.Remove(t.Context(), Listed{Image: "r.example/api@" + digestA}); err != nil || len(client.Actions()) != 2 {
		t.Errorf("a list was made to take something off it: %v", err)
	}
	api := Listed{"r.example/api:1@" + digestA, until}
	if err := l.Admit(t.Context(), api, []string{digestA, digestB}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{strings.Replace(digestA, ":", "-", 1): "r.example/api:1@" + digestA + " until 2026-12-01T10:00:00Z", strings.Replace(digestB, ":", "-", 1): "r.example/api:1@" + digestA + " until 2026-12-01T10:00:00Z"}
	if diff := cmp.Diff(want, data()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := l.Admit(t.Context(), Listed{"r.example/web@" + digestC, until}, []string{digestC}); err != nil {
		t.Fatal(err)
	}
	if all, err := l.Images(t.Context()); err != nil || len(all) != 2 || all[0] != api {
		t.Errorf("%v (%v)", all, err)
	}
	// Proven for one platform less than before: the other digest goes.
	if err := l.Admit(t.Context(), api, []string{digestA}); err != nil || len(data()) != 2 {
		t.Errorf("%v (%v)", data(), err)
	}
	client.ClearActions()
	if err := l.Admit(t.Context(), api, []string{digestA}); err != nil || len(client.Actions()) != 1 {
		t.Errorf("what is so already is written again: %v (%v)", client.Actions(), err)
	}
	if err := l.Remove(t.Context(), Listed{Image: "r.example/other:7@" + digestA}); err != nil || len(data()) != 1 {
		t.Errorf("refused by its digest, it is still there: %v (%v)", data(), err)
	}
}

func TestAListOfSomebodyElse(t *testing.T) {
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: "shop"}, Data: map[string]string{"a": "b"}}
	odd := NewList("shop", "odd")
	odd.Data["a"], odd.Data["sha256-b"] = "b", "r.example/api until tomorrow"
	client := fake.NewClientset(theirs, odd)
	l := List{client, "shop", "theirs"}
	for _, err := range []error{l.Admit(t.Context(), Listed{Image: "r.example/api@" + digestA}, []string{digestA}), l.Remove(t.Context(), Listed{Image: "x@" + digestA})} {
		if err == nil || !strings.Contains(err.Error(), "is not a list that podproof made") {
			t.Error(err)
		}
	}
	if _, err := l.Images(t.Context()); err == nil {
		t.Error("it is read")
	}
	// What somebody wrote into ours by hand is taken off, since nobody can ask about it.
	l.Name = "odd"
	all, err := l.Images(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%v (%v)", all, err)
	}
	for _, x := range all {
		if err := l.Remove(t.Context(), x); err != nil {
			t.Error(err)
		}
	}
	if all, err := l.Images(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v (%v)", all, err)
	}
}

func TestTheListWhenOthersWrite(t *testing.T) {
	client := fake.NewClientset()
	l := List{client, "shop", "proven"}
	tries := 0
	client.PrependReactor("create", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		tries++
		return tries == 1, nil, apierrors.NewAlreadyExists(corev1.Resource("configmaps"), "proven")
	})
	client.PrependReactor("update", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		tries++
		return tries == 3, nil, apierrors.NewConflict(corev1.Resource("configmaps"), "proven", errors.New("changed"))
	})
	for _, d := range []string{digestA, digestB} {
		if err := l.Admit(t.Context(), Listed{"r.example/api@" + d, time.Now()}, []string{d}); err != nil {
			t.Error(err)
		}
	}
	if all, err := l.Images(t.Context()); err != nil || len(all) != 2 || tries != 4 {
		t.Errorf("%v after %d tries (%v)", all, tries, err)
	}
	client.PrependReactor("*", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "proven", errors.New("no"))
	})
	if err := l.Admit(t.Context(), Listed{"r.example/api@" + digestC, time.Now()}, []string{digestC}); err == nil || !strings.Contains(err.Error(), "role/podproof-proven") {
		t.Error(err)
	}
}
