package evidence

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// TestMarksOfV1alpha1 reads each mark back without its types, as earlier versions wrote it.
func TestMarksOfV1alpha1(t *testing.T) {
	exited := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
	creating := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
	for _, m := range []Mark{
		DeletionRequested, PodRemoved,
		ConditionIs(corev1.PodReady, corev1.ConditionFalse), ConditionIs("example.com/gate", corev1.ConditionUnknown),
		ContainerIs("api", exited), ContainerIs("api", creating), ContainerIs("api", corev1.ContainerState{}),
		ContainerIs("api", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}),
		RouteIs("service/api, pod api-1", RouteServing), RouteIs("service/api, 10.0.0.7", RouteGone), RouteIs("service/api, pod api-1", RouteReady),
		Seen("", "", "", "container api: restart 3"), Seen("", "", "", "of another kind"),
		{Source: "podproof", What: "Ready: True"},
	} {
		m = m.On(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		for _, old := range []bool{false, true} {
			written := m
			if old {
				written.Kind, written.Object, written.Value = "", "", ""
			}
			data, err := json.Marshal(written)
			if err != nil {
				t.Fatal(err)
			}
			var got Mark
			if err := json.Unmarshal(data, &got); err != nil || got != m {
				t.Errorf("%s is read as %+v (%v), want %+v", data, got, err, m)
			}
		}
	}
	if err := json.Unmarshal([]byte(`{"at": 3}`), new(Mark)); err == nil {
		t.Error("a number is no time")
	}
}
