package check

import (
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// HangsAfter is how long a request to a workload without its dependency may take: by then it
// is answered, be it with an error. An outage that is to show one that hangs lasts longer.
const HangsAfter = 10 * time.Second

// Bounds by which more than one check judges.
const (
	// defaultWithin is how long a start may take when the contract does not say.
	defaultWithin = 30 * time.Second
	// fewest requests from which anything is concluded.
	fewest = 100
	// atOnce is the time in which nothing can be told apart: requests come every 50 ms.
	atOnce = 300 * time.Millisecond
	// hangMargin is granted to those who wait for exactly as long as one may.
	hangMargin = time.Second
	// tellingMargin is what the kubelet and the API server may take, beside a probe's own time.
	tellingMargin = 5 * time.Second
)

// within is the time that a start may take.
func within(c contract.Contract) time.Duration {
	if d := c.Startup.Within.Std(); d > 0 {
		return d
	}
	return defaultWithin
}

// terminationLimit is the contract's time, or else the grace period.
func terminationLimit(c contract.Contract, t *evidence.Termination) time.Duration {
	if limit := c.Termination.Within.Std(); limit > 0 {
		return limit
	}
	if t != nil {
		return time.Duration(t.GraceSeconds) * time.Second
	}
	return 30 * time.Second // what Kubernetes grants where a manifest says nothing
}

// exitCodes are those that the contract takes for an orderly end.
func exitCodes(c contract.Contract) []int32 {
	if len(c.Termination.ExitCodes) == 0 {
		return []int32{0}
	}
	return c.Termination.ExitCodes
}
