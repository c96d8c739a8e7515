package check

import (
	"slices"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// replies are what a route said in a time. A pod that answers had its chance to run: what it
// says is its own, however busy the node is. What was not answered says nothing.
type replies struct {
	yes, no         int // answers with a status below 400, and the others
	lastYes, lastNo time.Time
	prompt          int // answers of either kind that came within a second
}

// enough answers are no accident.
const enough = 3

// repliesBetween counts the answers of a stream's route to requests that were sent in a time;
// of all streams where none is named.
func repliesBetween(rs []evidence.Request, stream string, from, to time.Time) replies {
	var a replies
	for _, r := range rs {
		if stream != "" && r.Stream != stream || r.Failure != "" || r.Start.Before(from) || r.Ended().After(to) {
			continue
		}
		if r.End <= 1 {
			a.prompt++
		}
		if r.Status < 400 {
			a.yes++
			a.lastYes = latest(a.lastYes, r.Start)
		} else {
			a.no++
			a.lastNo = latest(a.lastNo, r.Start)
		}
	}
	return a
}

// refuses tells whether the route's answers, to the last, were no.
func (a replies) refuses() bool { return a.no >= enough && a.lastNo.After(a.lastYes) }

// saysNoSince tells whether one of the probes got an answer from the pod after a time, and that
// was no. Kubelets tell of a few dozen such answers only.
func saysNoSince(p evidence.Pod, at time.Time, probes ...string) bool {
	p.Events = slices.DeleteFunc(slices.Clone(p.Events), func(ev evidence.Event) bool { return ev.At.Before(at) })
	return saysNo(p, probes...)
}
