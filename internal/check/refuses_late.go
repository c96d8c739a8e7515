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
	At:    []Spot{theProgram},
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
	if open, ok := j.noExit(*t, e); ok {
		return open
	}
	return decide(leaveOf(*t, containerName(e)).decisions(j, e))
}

// decisions are what the way in which a process took leave leads to.
func (l leave) decisions(j Judgement, e evidence.Evidence) []decision {
	t, after := e.InFlight, seconds(e.InFlight.Seconds)
	kept := keptIn(l.sent, e.Rollouts)
	refused, exact := !l.refused.IsZero(), t.ExitExact()
	toTheEnd := fmt.Sprintf("it was ready and took new connections until it ended, %s after the deletion", after)
	short := ""
	if !l.servedOn() {
		short = starved(e, l.lived.Add(-atOnce), l.ended)
	}
	return []decision{
		{l.ended.Sub(l.signalled) < time.Second+atOnce, j.pass("Late requests OK (it exited before any could come)",
			fmt.Sprintf("it ended within a second of SIGTERM, %s after the deletion, so nothing came late", after))},
		{killedAtTheEnd(t) && killedAtTheEnd(e.Termination), j.undecided(fmt.Sprintf("%s, %s after the deletion, as it does without requests", exitWords(*t.Last), after),
			fixFirst("termination/exit-zero"))},
		{len(l.sent) == 0, j.undecided("no request was answered or refused between its deletion and its end", "Run podproof again. If it says the same, the process answers nothing once it is told to end: see termination/requests-in-flight.")},
		{refused && kept.cut() != "", j.fail("a kept connection was closed, and no answer had said Connection: close: "+kept.cut(),
			"Answer requests after SIGTERM with Connection: close (HTTP/2: GOAWAY), so that clients do not send another one over that connection.").with(kept.findings()...)},
		{refused, j.pass("Late requests OK", fmt.Sprintf("it refused %s after the deletion (%s), and ended after %s; %s were sent to it meanwhile",
			seconds(l.refused.Sub(t.Deleted).Seconds()), l.how, after, count(len(l.sent), "request"))).with(kept.findings()...)},
		{l.atItsEnd && exact && short != "", j.undecided(toTheEnd+"; "+short, whenQuiet)},
		{l.atItsEnd && exact, j.fail(toTheEnd, "")},
		{l.atItsEnd, j.undecided(fmt.Sprintf("it refused at about the time of its end, which is known only to within %s here (%s)", seconds(exitPrecision(*t).Seconds()), t.ExitSource),
			"Let the cluster admit an ephemeral container in podproof's own pod, which tells the time of an exit exactly, or verify in a kind cluster, whose nodes do.")},
		{!l.wasReady, j.undecided("before the deletion its readiness route did not answer with success, so podproof cannot see it turn unready: "+l.firstReady,
			"Let the readiness probe name the route (path, port, scheme, header) that answers 200 to 399 while the process is ready.")},
		{otherwise, j.fail(toTheEnd, "")},
	}
}
