package trial

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

func TestLastWords(t *testing.T) {
	ready := evidence.Pod{Name: "postgres-1", Log: []evidence.LogLine{{Text: "ready to accept connections"}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	broken := evidence.Pod{Name: "postgres-0",
		Events: []evidence.Event{{Type: "Warning", Reason: "Failed", Message: "first"},
			{Type: "Warning", Reason: "BackOff", Message: "Back-off"}, {Type: "Normal", Reason: "Pulled"}},
		Log: []evidence.LogLine{{Text: "1"}, {Text: "2"}, {Text: "3"}, {Text: "4"}, {Text: "5"}, {Text: "FATAL: no space"}}}
	want := `
  pod postgres-0, event BackOff: Back-off
  pod postgres-0, log: 2
  pod postgres-0, log: 3
  pod postgres-0, log: 4
  pod postgres-0, log: 5
  pod postgres-0, log: FATAL: no space`
	if got := lastWords([]evidence.Pod{ready, broken}); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
	if got := lastWords([]evidence.Pod{ready}); got != "" {
		t.Errorf("a ready pod has last words: %q", got)
	}
}
