package evidence

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestProbeBudget(t *testing.T) {
	for _, c := range []struct {
		probe *corev1.Probe
		want  time.Duration
	}{
		{nil, 0},
		{&corev1.Probe{}, 30 * time.Second},
		{&corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 5, FailureThreshold: 3}, 15 * time.Second},
		{&corev1.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, FailureThreshold: 2}, 20 * time.Second},
	} {
		if got := ProbeBudget(c.probe); got != c.want {
			t.Errorf("%+v: %s, want %s", c.probe, got, c.want)
		}
	}
}
