package workload

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func podOf(name, run string, finalizers ...string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: "u-" + "x", Labels: map[string]string{RunLabel: run}, Finalizers: finalizers}}
}

func TestAnAnchorOwnsWhatTheRunMakes(t *testing.T) {
	a := &Applier{Client: fake.NewClientset(), Until: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	before := podOf("p", "r1")
	a.Own(before)
	if len(before.OwnerReferences) != 0 {
		t.Errorf("without an anchor, a pod is owned by %v", before.OwnerReferences)
	}
	if err := a.Anchor(t.Context(), "shop", "r1"); err != nil {
		t.Fatal(err)
	}
	c, err := a.Client.CoreV1().ConfigMaps("shop").Get(t.Context(), "podproof-r1", metav1.GetOptions{})
	if err != nil || c.Labels[RunLabel] != "r1" || c.Annotations[Expires] != "2026-11-28T12:00:00Z" {
		t.Errorf("the anchor is %+v (%v)", c, err)
	}
	p := podOf("p", "r1")
	a.Own(p)
	if o := p.OwnerReferences; len(o) != 1 || o[0].Name != "podproof-r1" || o[0].Kind != "ConfigMap" || o[0].Controller != nil || o[0].BlockOwnerDeletion == nil || !*o[0].BlockOwnerDeletion {
		t.Errorf("a pod is owned by %+v", o)
	}
}

func TestAnAnchorThatCannotBeMade(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no namespace", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), "--namespace shop: there is no such namespace"},
		{"no right", apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "podproof-r1", nil), "creating configmap/podproof-r1 in namespace shop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("create", "configmaps", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.err })
			a := &Applier{Client: client}
			if err := a.Anchor(t.Context(), "shop", "r1"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, and should say %q", err, c.want)
			}
			if a.owner != nil {
				t.Error("there is an owner all the same")
			}
		})
	}
}

// collector plays the garbage collector: an anchor goes when all that it owns is gone.
func collector(client *fake.Clientset, gone chan struct{}) {
	tracker := client.Tracker()
	client.PrependReactor("delete", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		d := a.(clienttesting.DeleteActionImpl)
		if p := d.DeleteOptions.PropagationPolicy; p == nil || *p != metav1.DeletePropagationForeground {
			return false, nil, nil
		}
		go func() {
			<-gone
			_ = tracker.Delete(corev1.SchemeGroupVersion.WithResource("configmaps"), "shop", d.Name)
		}()
		return true, nil, nil
	})
}

func TestAnAnchorGoesWithWhatItOwns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(podOf("mine", "r1", Finalizer), podOf("other", "r2", Finalizer))
		gone := make(chan struct{})
		collector(client, gone)
		a := &Applier{Client: client}
		if err := a.Anchor(t.Context(), "shop", "r1"); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- a.RemoveAnchor(t.Context(), "shop", "r1") }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it has not waited for what the anchor owns (%v)", err)
		default:
		}
		close(gone)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := client.CoreV1().Pods("shop").Get(t.Context(), "mine", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("the run's pod is there (%v)", err)
		}
		p, err := client.CoreV1().Pods("shop").Get(t.Context(), "other", metav1.GetOptions{})
		if err != nil || len(p.Finalizers) != 1 {
			t.Errorf("another run's pod is %+v (%v)", p, err)
		}
		if err := a.RemoveAnchor(t.Context(), "shop", "r1"); err != nil {
			t.Errorf("what is gone already: %v", err)
		}
	})
}

// A controller that is about to go still makes pods in the place of those that are ended.
func TestAnAnchorLeavesNoOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(podOf("mine", "r1"))
		gone := make(chan struct{})
		collector(client, gone)
		a := &Applier{Client: client}
		if err := a.Anchor(t.Context(), "shop", "r1"); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- a.RemoveAnchor(t.Context(), "shop", "r1") }()
		synctest.Wait()
		if err := client.Tracker().Add(podOf("late", "r1")); err != nil {
			t.Fatal(err)
		}
		close(gone)
		if err := <-done; err != nil {
			t.Error(err)
		}
		left, err := client.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
		if err != nil || len(left.Items) != 0 {
			t.Errorf("left are %v (%v)", left.Items, err)
		}
	})
}

func TestAnAnchorThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		never := make(chan struct{})
		collector(client, never)
		defer close(never)
		a := &Applier{Client: client}
		if err := a.Anchor(t.Context(), "shop", "r1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := a.RemoveAnchor(ctx, "shop", "r1"); err == nil || !strings.Contains(err.Error(), "still terminating; `kubectl get configmap podproof-r1 -n shop`") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAnAnchorOfSomebodyElsesStays(t *testing.T) {
	client := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "podproof-r1", Namespace: "shop"}})
	a := &Applier{Client: client}
	if err := a.RemoveAnchor(t.Context(), "shop", "r1"); err == nil || !strings.Contains(err.Error(), "is not of run r1") {
		t.Errorf("the error is %v", err)
	}
	if _, err := client.CoreV1().ConfigMaps("shop").Get(t.Context(), "podproof-r1", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}
