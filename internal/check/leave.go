package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// leave is how a process took leave of those who ask it.
type leave struct {
	signalled, ended time.Time
	// lived is up to when it lived for certain: what is refused once it is gone is no word of
	// its own.
	lived time.Time
	// wasReady tells whether the readiness route gave a success before the deletion, and
	// firstReady what it said first where it did not.
	wasReady   bool
	firstReady string
	sent       []evidence.Request // after the deletion, and over while it lived
	refused    time.Time          // when it first said no, and how
	how        string
	atItsEnd   bool // it said no when it may have been gone already, or was at once
}

func leaveOf(t evidence.Termination, container string) leave {
	ended := lasting(t.Deleted, t.Seconds)
	before := endedBefore(t.Requests, t.Deleted)
	l := leave{signalled: signalled(t, container), ended: ended, lived: ended.Add(-exitPrecision(t)),
		wasReady: contract.Healthy(ordinaryStatus(before, evidence.StreamReady)), firstReady: firstSaid(before, evidence.StreamReady)}
	healthy := map[string]bool{evidence.StreamReady: l.wasReady, evidence.StreamNew: contract.Healthy(ordinaryStatus(before, evidence.StreamNew))}
	for _, r := range t.Requests {
		if !r.Start.After(t.Deleted) {
			continue
		}
		how := leaving(r, healthy[r.Stream])
		last := r.Ended().After(ended.Add(-atOnce)) // too late for anybody to learn from it
		if r.Ended().After(l.lived) || last && how != "" {
			l.atItsEnd = l.atItsEnd || how != "" && r.Ended().Before(ended)
			continue
		}
		l.sent = append(l.sent, r)
		if how != "" && l.refused.IsZero() {
			l.refused, l.how = r.Start, how
		}
	}
	return l
}

// servedOn tells whether it had its chance to run: it answered as before long after it was told to
// end, so that a busy node is no reason for its silence about that.
func (l leave) servedOn() bool {
	stream := evidence.StreamNew
	if l.wasReady {
		stream = evidence.StreamReady
	}
	return repliesBetween(l.sent, stream, l.signalled.Add(time.Second), l.lived).yes >= enough
}

// leaving says how the outcome of a request tells that the process goes, empty where it does
// not. An answer does where its route gave a success before the deletion, as a kubelet takes it.
func leaving(r evidence.Request, wasHealthy bool) string {
	switch {
	case r.Stream != evidence.StreamReady && r.Stream != evidence.StreamNew:
		return ""
	case r.Failure == evidence.FailureRefused:
		return "no new connection taken"
	case r.Failure == "" && wasHealthy && !contract.Healthy(r.Status):
		return fmt.Sprintf("status %d %s", r.Status, requestPlace(r.Stream))
	}
	return ""
}
