package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var terminationDuringStartup = Check{
	ID:    "termination/during-startup",
	Title: "A pod that is deleted while it starts ends soon",
	Why: "A rollout that is undone, or a node that is drained, deletes pods that have just started. A process that takes no signal " +
		"before it is up holds the rollback for the whole grace period, and is killed.",
	Fix:   "Handle SIGTERM from the first line on, before anything slow is loaded or waited for.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionEarlyTermination},
	At:    []Spot{theCommand, theProgram},
	Judge: judgeTerminationDuringStartup,

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.EarlyTermination) },
}

// runtimeStart is what a language's runtime needs at most before a program's first line, on a
// node that is not short of CPU.
const runtimeStart = 2 * time.Second

func judgeTerminationDuringStartup(c contract.Contract, e evidence.Evidence) Judgement {
	t := e.EarlyTermination
	limit := terminationLimit(c, t)
	j := Judgement{Promised: fmt.Sprintf("a container that gets SIGTERM right after its start ends by itself within %s", limit)}
	if t == nil {
		return inconclusive(e, evidence.SectionEarlyTermination, j.Promised)
	}
	j.Seconds = t.Seconds
	if open, ok := j.noExit(*t, e); ok {
		return open
	}
	seen := fmt.Sprintf("%s, %s after the deletion", exitWords(*t.Last), seconds(t.Seconds))
	crashed := t.Last.ExitCode > 128 && t.Last.ExitCode != 128+15 || t.Last.Reason == "OOMKilled"
	switch {
	case killedAtTheEnd(t) && killedAtTheEnd(e.Termination):
		return j.undecided(seen+", as it does once it is up", fixFirst("termination/exit-zero"))
	case !crashed && slices.Contains(exitCodes(c), t.Last.ExitCode) && t.Seconds > limit.Seconds():
		j.tail(t.Pod, 5)
		return j.endsLate(c, e, *t, seen, "End at once while nothing is served yet, or let the contract's termination.within say what is right.")
	case crashed || t.Seconds > limit.Seconds():
		j.tail(t.Pod, 5)
		why, fix := pid1(e).explain(*t, e)
		if killedAtTheEnd(t) {
			if short := starved(e, t.Deleted.Add(-runtimeStart), t.Deleted.Add(runtimeStart)); short != "" {
				return j.undecided(seen+": SIGTERM may have come before its first line ran; "+short, whenQuiet)
			}
			why = "SIGTERM came before it was handled, and the kernel drops a signal that PID 1 has no handler for"
			fix = "Install the handler first: before slow imports, migrations and waiting for the database. An init as PID 1 (tini, dumb-init) passes SIGTERM on to a child, which it then ends."
		}
		return j.fail(seen+": "+why, fix)
	case t.WasReady:
		j.note("pod "+t.Pod.Name, "it was Ready before SIGTERM came: its start is too short to be interrupted")
	case !slices.Contains(exitCodes(c), t.Last.ExitCode):
		j.note("pod "+t.Pod.Name, "%s is not an exit code that the contract names; before it is up that does no harm", exitWords(*t.Last))
	}
	return j.pass("SIGTERM during startup OK", seen)
}
