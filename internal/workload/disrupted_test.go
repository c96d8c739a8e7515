package workload

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestPodsThatSomebodyElseTakesAway(t *testing.T) {
	now := metav1.Now()
	evicted := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI", Message: "Eviction API: evicting"}}}
	for name, c := range map[string]struct {
		trial      string
		status     corev1.PodStatus
		deleted    bool
		ours, ends bool
		event      string
		want       string
	}{
		"nobody":                         {trial: "termination"},
		"a drain":                        {status: evicted, deleted: true, want: "pod p was taken away by the cluster (EvictionByEvictionAPI: Eviction API: evicting), node n1"},
		"podproof, like a drain":         {status: evicted, deleted: true, ours: true},
		"a node that is away":            {event: "NodeNotReady", want: "on a node that stopped being Ready"},
		"something else with a node":     {event: "Unhealthy"},
		"a trial's pod":                  {trial: "termination", deleted: true, want: "was deleted by somebody else"},
		"a trial's pod, by the trial":    {trial: "termination", deleted: true, ours: true},
		"a trial's pod, and its place":   {trial: "proxy", deleted: true, ends: true},
		"a pod, by its controller":       {deleted: true},
		"a drain in a namespace that is": {trial: "proxy", status: evicted, deleted: true, ends: true, want: "taken away"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewClientset()
				o, err := Observe(t.Context(), client, "shop", func(s string) string { return s }, func(string) {})
				if err != nil {
					t.Fatal(err)
				}
				defer o.Stop()
				if c.ours {
					o.Ends("p")
				}
				began := time.Now()
				p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "shop", UID: "1", Labels: map[string]string{}}, Spec: corev1.PodSpec{NodeName: "n1"}, Status: c.status}
				if c.trial != "" {
					p.Labels[TrialLabel] = c.trial
				}
				if c.deleted {
					p.DeletionTimestamp = &now
				}
				o.saw(t.Context(), p, false)
				if c.event != "" {
					o.heard(&corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "Pod", UID: "1"}, Reason: c.event})
				}
				all := func(*corev1.Pod) bool { return true }
				if got := o.Disrupted(began, c.ends, all); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
					t.Errorf("it is %q, and should be %q", got, c.want)
				}
				time.Sleep(time.Second) // of the test's own clock
				if got := o.Disrupted(time.Now(), c.ends, all); got != "" {
					t.Errorf("later it is still %q", got)
				}
			})
		})
	}
}
