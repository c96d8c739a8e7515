package check

import (
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// withoutDependency is the judgement about an outage where there was none: it is not
// promised without a dependency, and not known otherwise.
func withoutDependency(c contract.Contract, e evidence.Evidence, s evidence.Section, j Judgement) Judgement {
	if len(c.Dependencies) == 0 {
		return j.skip("the contract names no dependency that could be taken away").until("dependencies: [statefulset/…] in the contract")
	}
	return inconclusive(e, s, j.Promised)
}

// noticed tells whether the pod was not Ready while its database was away.
func noticed(o evidence.Outage) bool {
	// Without the time of its beginning it was watched only to begin with, and at its end.
	return !o.Unready.IsZero() && (o.Away.IsZero() || o.Unready.Before(o.Healed))
}

// lastEnd is when the last request of an outage was over.
func lastEnd(o evidence.Outage) time.Time {
	last := o.Healed
	for _, r := range o.Requests {
		last = latest(last, r.Ended())
	}
	return last
}

// firstAnswer is when the first request after the outage was answered with success.
func firstAnswer(o evidence.Outage, stream string) (back time.Time, asked bool) {
	for _, r := range o.Requests {
		if r.Stream != stream {
			continue
		}
		asked = true
		ok := r.Failure == "" && r.Status >= 200 && r.Status < 300
		if ok && r.Ended().After(o.Healed) && (back.IsZero() || r.Ended().Before(back)) {
			back = r.Ended()
		}
	}
	return back, asked
}

// unmoved tells whether queries were answered with success in all outages that last.
func unmoved(os []evidence.Outage) bool {
	const (
		settled  = 2 * time.Second // that a fault takes to work
		ordinary = time.Second     // that an answer takes which waits for nobody
	)
	answered := 0
	for _, o := range os {
		if !lasts(o) {
			continue
		}
		for _, r := range o.Requests {
			if r.Stream != evidence.StreamQuery || r.Start.Before(o.Began.Add(settled)) || r.Start.After(o.Healed) {
				continue
			}
			across := r.Ended().After(o.Healed) // which one may be by chance
			if r.Failure != "" || r.Status >= 300 || across && o.Healed.Sub(r.Start) > ordinary {
				return false
			}
			if !across {
				answered++
			}
		}
	}
	return answered > 0
}
