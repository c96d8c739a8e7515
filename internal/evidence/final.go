package evidence

import "time"

// Final is a last look at the workload's own pods, when all trials were over.
type Final struct {
	At time.Time `json:"at"`
	// Pods are all that the run saw of it, those that a rollout had ended among them, oldest first.
	// A pod has its log only where a container of it had ended before podproof asked for its
	// deletion: the lines that lead to that.
	Pods []Pod `json:"pods,omitempty"`
}
