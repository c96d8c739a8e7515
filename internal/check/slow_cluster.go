package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// proxyWithin is how long a cluster may take to tell its nodes that a pod is to get no more
// requests. It is well below a second where CPU is not scarce; a pod that serves on for less
// than this loses requests in earnest.
const proxyWithin = 2 * time.Second

// Overtaken tells whether all that a rollout lost is the cluster's doing, which was late to tell its
// nodes that a pod is gone: such a rollout says nothing of the workload, and is worth another try.
func Overtaken(o evidence.Rollout) bool {
	lost := Lost(o)
	return len(lost) > 0 && slowCluster(evidence.Evidence{}, o, lost) != ""
}

// slowCluster says why the losses of a rollout are the cluster's: it was late to tell its
// nodes which pods are gone, later than any process can wait for. It is empty where one of
// them is not.
func slowCluster(e evidence.Evidence, o evidence.Rollout, lost []evidence.Request) string {
	stale := true
	for _, r := range lost {
		ready, told := routes(o, r.Start)
		late := !told.IsZero() && r.Start.Sub(told) > proxyWithin
		// A connection that was made was the process's to serve, unless it came after its time.
		if ready < 1 || !unreached(r) && !(late && unaccepted(r)) {
			return ""
		}
		stale = stale && late
	}
	if stale {
		return fmt.Sprintf("all of them sent to a pod more than %s after it had left the Service: the cluster's nodes were slow to stop sending there", proxyWithin)
	}
	if short := starved(e, lost[0].Start.Add(-proxyWithin), lost[len(lost)-1].Ended()); short != "" {
		return "all of them sent to a pod that had already stopped listening; " + short
	}
	return ""
}

// unreached tells whether a request found nobody who listened.
func unreached(r evidence.Request) bool {
	return !r.Reused && r.Connected == 0 && (r.Failure == evidence.FailureRefused || r.Failure == evidence.FailureTimeout || r.Failure == evidence.FailureUnreachable)
}

// unaccepted tells whether a new connection ended without a byte of an answer, as one does that
// the kernel had put into the backlog of a listener which then closed (listen(2)).
func unaccepted(r evidence.Request) bool {
	return !r.Reused && r.Connected > 0 && r.Answered == 0 && r.Bytes == 0 && (r.Failure == evidence.FailureClosed || r.Failure == evidence.FailureReset)
}

// routes are how many pods a Service led to at a time, and when it was last told that one of
// them ends: which pod a request went to is not known, and this one is the one in its favour.
func routes(o evidence.Rollout, at time.Time) (ready int, told time.Time) {
	ready = int(o.Replicas)
	is := map[string]bool{}
	ended := map[string]bool{}
	for _, m := range o.Endpoints {
		if m.At.After(at) {
			continue
		}
		pod := m.Object
		was, known := is[pod]
		ending := m.Value == evidence.RouteServing || m.Value == evidence.RouteEnding
		is[pod] = m.Value == evidence.RouteReady
		switch {
		case is[pod] && !was:
			ready++
		case !is[pod] && (was || !known && ending): // one that was there before the first change
			ready--
		}
		if ending && !ended[pod] {
			ended[pod], told = true, m.At
		}
	}
	return ready, told
}
