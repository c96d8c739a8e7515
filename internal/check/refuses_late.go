package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var refusesLate = Check{
	ID:    "termination/refuses-late",
	Title: "A process that ends says so first: not ready, or no new connections",
	Why: "Load balancers and clients that keep connections open learn from the process itself that it ends. One that looks ready " +
		"until its last moment is sent requests that nobody answers.",
	Fix:   "On SIGTERM let readiness fail or close the listener, and answer what still comes with Connection: close, before the process ends.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionInFlight},
	Judge: judgeRefusesLate,

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.InFlight) },
}

// atOnce is the time in which nothing can be told apart: requests come every 50 ms.
const atOnce = 300 * time.Millisecond

// exitPrecision is how much earlier than told a process may have ended.
func exitPrecision(t evidence.Termination) time.Duration {
	if t.ExitSource == "node" {
		return atOnce/3 + time.Duration(t.ExitBlur*float64(time.Second))
	}
	return 2 * time.Second
}

// signalled is when the container got SIGTERM, as its node tells it, or a little before: the
// kubelet's event has whole seconds, and comes before a preStop hook, of which a sleep tells
// how long it takes.
func signalled(t evidence.Termination, container string) time.Time {
	if !t.Signalled.IsZero() {
		return t.Signalled
	}
	for _, ev := range t.Pod.Events {
		if ev.Reason != "Killing" || ev.At.Before(t.Deleted.Truncate(time.Second)) {
			continue
		}
		at := ev.At
		if c := specContainer(t.Pod, container); c != nil && c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
			at = at.Add(time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second)
		}
		return at
	}
	return t.Deleted
}

func judgeRefusesLate(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "after SIGTERM readiness fails or the listener closes before the process ends, and kept connections are told"}
	t := e.InFlight
	if t == nil {
		return inconclusive(e, evidence.SectionInFlight, j.Promised)
	}
	j.Seconds = t.Seconds
	if why := undecidedExit(*t, e); why != "" {
		return j.undecided(why, "See startup/ready and the pod's events, then run podproof again.")
	}
	took := time.Duration(t.Seconds * float64(time.Second))
	switch lived := t.Deleted.Add(took).Sub(signalled(*t, containerName(e))); {
	case lived < time.Second+atOnce:
		return j.pass("Late requests OK (ended at once)", fmt.Sprintf("it ended within a second of SIGTERM, %s after the deletion, so nothing came late", seconds(t.Seconds)))
	case killedAtTheEnd(t) && killedAtTheEnd(e.Termination):
		return j.undecided(fmt.Sprintf("%s, %s after the deletion, as without requests", exitWords(*t.Last), seconds(t.Seconds)), mend("termination/exit-zero"))
	}
	// What is refused once the process is gone is no word of its own.
	lived := t.Deleted.Add(took - exitPrecision(*t))
	refused, late, told, cut := time.Time{}, false, false, evidence.Request{}
	for _, r := range t.Requests {
		if !r.Start.After(t.Deleted) {
			continue
		}
		no := (r.Failure == "refused" || r.Failure == "" && r.Status >= 300) && (r.Stream == streamReady || r.Stream == streamNew)
		if r.Ended().After(lived) {
			late = late || no && r.Ended().Before(t.Deleted.Add(took))
			continue
		}
		if no && refused.IsZero() {
			refused = r.Start
		}
		switch {
		case r.Stream != streamKept:
		case r.Closes, !r.Reused:
			told = true
		case r.Failure != "" && !told:
			cut = r
		}
	}
	toTheEnd := fmt.Sprintf("it was ready and took new connections until it ended, %s after the deletion", seconds(t.Seconds))
	switch {
	case refused.IsZero() && late && t.ExitSource == "node":
		return j.late(e, lived.Add(-atOnce), t.Deleted.Add(took), toTheEnd, "")
	case refused.IsZero() && late:
		return j.undecided(fmt.Sprintf("it refused at about the time when it ended, which is known to %s here (%s)", seconds(exitPrecision(*t).Seconds()), t.ExitSource),
			"Verify in a kind cluster, whose nodes tell the time of an exit exactly.")
	case refused.IsZero():
		return j.fail(toTheEnd, "")
	case cut.Failure != "":
		j.broken("request over a kept connection, "+seconds(cut.Start.Sub(t.Deleted).Seconds())+" after the deletion", "%s", requestWords(cut))
		return j.fail("a kept connection was cut without a word: "+requestWords(cut),
			"Answer requests after SIGTERM with Connection: close (HTTP/2: GOAWAY), so that clients do not send another one over that connection.")
	}
	if !told {
		j.note("kept connection", "no answer said Connection: close; it was closed while it was idle, or the process ended first")
	}
	return j.pass("Late requests OK", fmt.Sprintf("it refused %s after the deletion, and ended after %s", seconds(refused.Sub(t.Deleted).Seconds()), seconds(t.Seconds)))
}
