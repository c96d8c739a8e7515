package workload

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func named(kind, name string) Controller {
	u := &unstructured.Unstructured{}
	u.SetKind(kind)
	u.SetName(name)
	return Controller{Object: Object{Unstructured: u}}
}

// A pod that is not even made has no events: its ReplicaSet's say why.
func TestObserverHearsThatNoPodMayBeMade(t *testing.T) {
	earlier := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e0", Namespace: "shop"}, Type: "Warning", Reason: "FailedCreate",
		Message: "Error creating: exceeded quota", InvolvedObject: corev1.ObjectReference{Kind: "ReplicaSet", Name: "api-5b95"}}
	b := observe(t, "", func(string) {}, earlier) // of an earlier run in the same namespace
	at := time.Now().Truncate(time.Second)
	b.events.Add(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e1", Namespace: "shop", ResourceVersion: "1"}, Type: "Warning", Reason: "FailedCreate",
		Message: "Error creating: pods is forbidden: no PriorityClass with name high-priority was found, token hunter2", LastTimestamp: metav1.NewTime(at),
		InvolvedObject: corev1.ObjectReference{Kind: "ReplicaSet", Name: "api-7d9f"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := b.Wait(ctx, func(*corev1.Pod) bool { return true }, func([]*Observed) (bool, string, error) { return len(b.warnings) == 1, "", nil })
	if err != nil {
		t.Fatal("the warning was not heard")
	}
	api := named("Deployment", "api")
	if got := b.Refusal(api, nil); got != "" {
		t.Errorf("at once: %q, and it may be made a moment later", got)
	}
	b.warnings[0].first = time.Now().Add(-time.Minute)
	if got := b.Refusal(api, nil); got != "replicaset/api-7d9f may not create pods: pods is forbidden: no PriorityClass with name high-priority was found, token [masked]" {
		t.Errorf("%q", got)
	}
	for _, other := range []Controller{named("Deployment", "ap"), named("Deployment", "api-7d9f"), named("StatefulSet", "api")} {
		if got := b.Refusal(other, nil); got != "" {
			t.Errorf("%s: %q", other, got)
		}
	}
	made := &Observed{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(at.Add(time.Second))}}}
	if got := b.Refusal(api, []*Observed{made}); got != "" {
		t.Errorf("a pod was made since: %q", got)
	}
	if got := b.Warnings(); len(got) != 1 || !strings.Contains(got[0].Message, "PriorityClass") {
		t.Errorf("%+v", got)
	}
}
