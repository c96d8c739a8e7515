package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var refusesLate = Check{
	ID:    "termination/refuses-late",
	Title: "On SIGTERM it turns unready or closes its listener before it exits",
	Why: "Load balancers and clients that keep connections open learn from the process itself that it ends. One that looks ready " +
		"until its last moment is sent requests that nobody answers.",
	Fix:   "On SIGTERM let readiness fail or close the listener, and answer what still comes with Connection: close, before the process ends.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionInFlight},
	Judge: asking(judgeRefusesLate),

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.InFlight) },
}

func judgeRefusesLate(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "after SIGTERM readiness fails or the listener closes before the process ends, and kept connections get `Connection: close` before they are closed"}
	t := e.InFlight
	if t == nil {
		return inconclusive(e, evidence.SectionInFlight, j.Promised)
	}
	j.Seconds = t.Seconds
	if why := undecidedExit(*t, e); why != "" {
		return j.undecided(why, "See startup/ready and the pod's events, then run podproof again.")
	}
	ended := lasting(t.Deleted, t.Seconds)
	switch lived := ended.Sub(signalled(*t, containerName(e))); {
	case lived < time.Second+atOnce:
		return j.pass("Late requests OK (it exited before any could come)", fmt.Sprintf("it ended within a second of SIGTERM, %s after the deletion, so nothing came late", seconds(t.Seconds)))
	case killedAtTheEnd(t) && killedAtTheEnd(e.Termination):
		return j.undecided(fmt.Sprintf("%s, %s after the deletion, as without requests", exitWords(*t.Last), seconds(t.Seconds)), fixFirst("termination/exit-zero"))
	}
	l := leaveOf(*t)
	kept := keptIn(l.sent, e.Rollouts)
	toTheEnd := fmt.Sprintf("it was ready and took new connections until it ended, %s after the deletion", seconds(t.Seconds))
	switch {
	case len(l.sent) == 0:
		return j.undecided("no request was sent to it between its deletion and its end", runAgain)
	case !l.refused.IsZero():
	case l.atItsEnd && t.ExitSource == "node" && l.servedOn(signalled(*t, containerName(e))):
		return j.fail(toTheEnd, "")
	case l.atItsEnd && t.ExitSource == "node":
		return j.late(e, l.lived.Add(-atOnce), ended, toTheEnd, "")
	case l.atItsEnd:
		return j.undecided(fmt.Sprintf("it refused at about the time when it ended, which is known to %s here (%s)", seconds(exitPrecision(*t).Seconds()), t.ExitSource),
			"Verify in a kind cluster, whose nodes tell the time of an exit exactly.")
	case !l.wasReady:
		return j.undecided("before the deletion its readiness route gave no success, so that it cannot be seen to fail: "+l.firstReady,
			"Let the readiness probe name the route (path, port, scheme, header) that answers 200 to 399 while the process is ready.")
	default:
		return j.fail(toTheEnd, "")
	}
	if cut := kept.cut(); cut != "" {
		j.broken("kept connections", "%s", cut)
		return j.fail("a kept connection was cut without a word: "+cut,
			"Answer requests after SIGTERM with Connection: close (HTTP/2: GOAWAY), so that clients do not send another one over that connection.")
	}
	switch {
	case kept.idle > 0:
		j.note("kept connections", "%s", kept.words())
	case kept.told == 0:
		j.note("kept connection", "no answer said Connection: close; it was closed while it was idle, or the process ended first")
	}
	return j.pass("Late requests OK", fmt.Sprintf("it refused %s after the deletion (%s), and ended after %s; %s were sent to it meanwhile",
		seconds(l.refused.Sub(t.Deleted).Seconds()), l.how, seconds(t.Seconds), count(len(l.sent), "request")))
}

// leave is how a process took leave of those who ask it.
type leave struct {
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

// servedOn tells whether it had its chance to run: it answered as before long after it was told to
// end, so that a busy node is no reason for its silence about that.
func (l leave) servedOn(signalled time.Time) bool {
	stream := evidence.StreamNew
	if l.wasReady {
		stream = evidence.StreamReady
	}
	return repliesBetween(l.sent, stream, signalled.Add(time.Second), l.lived).yes >= enough
}

func leaveOf(t evidence.Termination) leave {
	ended := lasting(t.Deleted, t.Seconds)
	before := endedBefore(t.Requests, t.Deleted)
	l := leave{lived: ended.Add(-exitPrecision(t)), wasReady: contract.Healthy(ordinaryStatus(before, evidence.StreamReady)), firstReady: firstSaid(before, evidence.StreamReady)}
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
