package trial

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

func TestTheLastLookKeepsTheLogThatLeadsToAnEnd(t *testing.T) {
	end := time.Date(2026, 3, 1, 12, 0, 40, 0, time.UTC)
	p := evidence.Pod{Log: []evidence.LogLine{{At: end.Add(300 * time.Millisecond), Text: "panic"}, {At: end.Add(2 * time.Second), Text: "started again"}}}
	if got := lastOf(p, "api"); got != nil {
		t.Errorf("of a pod that has not ended: %+v", got)
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "api", RestartCount: 1,
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, FinishedAt: metav1.NewTime(end)}}}}
	if got := lastOf(p, "api"); len(got) != 1 || got[0].Text != "panic" {
		t.Errorf("got %+v", got)
	}
	if got := lastOf(p, "proxy"); got != nil {
		t.Errorf("of a container that has not ended: %+v", got)
	}
	p.Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "api", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(end)}}}
	for range 2 * finalLines {
		p.Log = slices.Insert(p.Log, 0, evidence.LogLine{At: end, Text: "before"})
	}
	if got := lastOf(p, "api"); len(got) != finalLines || got[finalLines-1].Text != "panic" {
		t.Errorf("of one that is not started again: %+v", got)
	}
}

// A trial of a changed pod counts from that pod's creation, not from when podproof had seen it run.
func TestFinalAndFirstSeen(t *testing.T) {
	mine := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-1", Namespace: "shop", UID: "u1", Labels: map[string]string{"app": "api"}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}}}
	trial := mine.DeepCopy()
	trial.Name, trial.UID, trial.Labels[workload.TrialLabel] = "podproof-termination", "u2", "termination"
	same := func(s string) string { return s }
	before := time.Now()
	o, err := workload.Observe(t.Context(), fake.NewClientset(mine, trial), "shop", same, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Stop)
	b := bench(corev1.PodTemplateSpec{})
	b.Observer = o
	seen := func(ps []*workload.Observed) (bool, string, error) { return len(ps) == 2, "", nil }
	if err := o.Wait(t.Context(), func(*corev1.Pod) bool { return true }, seen); err != nil {
		t.Fatal(err)
	}
	known := time.Now()
	if at := firstSeen(o, "u1"); at.Before(before) || at.After(known) {
		t.Errorf("first seen at %s, not between %s and %s", at, before, known)
	}
	f, err := lookAgain(t.Context(), b)
	if err != nil || len(f.Pods) != 1 || f.Pods[0].Name != "api-1" {
		t.Errorf("%v: %+v; a trial's own pod is none of the workload's", err, f)
	}
}
