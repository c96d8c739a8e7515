package evidence

import (
	"cmp"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ProbeBudget is how long a probe may fail before its result counts: its threshold, times
// what one attempt takes at most. It is 0 without a probe. What a manifest leaves out is
// Kubernetes' default (pkg/apis/core/v1/defaults.go).
func ProbeBudget(p *corev1.Probe) time.Duration {
	if p == nil {
		return 0
	}
	period, timeout, threshold := cmp.Or(p.PeriodSeconds, 10), cmp.Or(p.TimeoutSeconds, 1), cmp.Or(p.FailureThreshold, 3)
	return time.Duration(threshold) * time.Duration(max(period, timeout)) * time.Second
}
