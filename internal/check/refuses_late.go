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
}

// atOnce is the time in which nothing can be told apart: requests come every 50 ms.
const atOnce = 300 * time.Millisecond

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
	if took < atOnce {
		return j.pass("Late requests OK (ended at once)", fmt.Sprintf("it ended %s after SIGTERM, so nothing came late", seconds(t.Seconds)))
	}
	end := t.Deleted.Add(took)
	refused, told, cut := time.Time{}, false, evidence.Request{}
	for _, r := range t.Requests {
		if !r.Start.After(t.Deleted) || r.Ended().After(end.Add(-atOnce/3)) {
			continue
		}
		no := r.Failure == "refused" || r.Failure == "" && r.Status >= 300
		if no && refused.IsZero() && (r.Stream == streamReady || r.Stream == streamNew) {
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
	switch {
	case refused.IsZero():
		return j.fail(fmt.Sprintf("it was ready and took new connections until it ended, %s after SIGTERM", seconds(t.Seconds)), "")
	case cut.Failure != "":
		j.broken("request over a kept connection, "+seconds(cut.Start.Sub(t.Deleted).Seconds())+" after SIGTERM", "%s", requestWords(cut))
		return j.fail("a kept connection was cut without a word: "+requestWords(cut),
			"Answer requests after SIGTERM with Connection: close (HTTP/2: GOAWAY), so that clients do not send another one over that connection.")
	}
	if !told {
		j.note("kept connection", "no answer said Connection: close; it was closed while it was idle, or the process ended first")
	}
	return j.pass("Late requests OK", fmt.Sprintf("it refused %s after SIGTERM, and ended after %s", seconds(refused.Sub(t.Deleted).Seconds()), seconds(t.Seconds)))
}
