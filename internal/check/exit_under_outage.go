package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const exitOutageFix = "Bound everything on the way out: a deadline for queries that run, and one for closing the pool."

var exitUnderOutage = Check{
	ID:    "termination/exit-under-outage",
	Title: "It still exits in time when its database hangs",
	Why: "When a database hangs, pods are restarted first of all. A process that waits for it on its way out, to close a pool or to " +
		"finish a query, holds every restart for the whole grace period.",
	Fix:   exitOutageFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutageTermination},
	At:    []Spot{theProgram},
	Judge: eachDependency(evidence.SectionOutageTermination, exitOutageFix, judgeExitUnderOutage),

	Timeline: endsUnderOutage,
}

func judgeExitUnderOutage(c contract.Contract, e evidence.Evidence) Judgement {
	t := e.OutageTermination
	limit := terminationLimit(c, t)
	codes := exitCodes(c)
	j := Judgement{Promised: fmt.Sprintf("exit code %s within %s, with the %s frozen", strings.ReplaceAll(numbers(codes), " and ", " or "), limit, noun(c))}
	_, problems := away(c, e, evidence.OutageFrozen)
	if t == nil {
		if len(problems) > 0 && e.Missing[evidence.SectionOutageTermination] == "" {
			return j.undecided(problems[0], runAgain)
		}
		return withoutDependency(c, e, evidence.SectionOutageTermination, j)
	}
	j.Seconds = t.Seconds
	if other, ok := j.isUnused(c, e); ok {
		return other
	}
	if !t.WasReady {
		return j.undecided("the pod was not Ready when it was deleted, so it may have had no connection that could hold it up",
			"See startup/ready and the pod's events, then run podproof again.")
	}
	if open, ok := j.noExit(*t, e); ok {
		return open
	}
	seen := fmt.Sprintf("%s, %s after the deletion", exitWords(*t.Last), seconds(t.Seconds))
	if t.Seconds <= limit.Seconds() && slices.Contains(codes, t.Last.ExitCode) {
		if len(problems) > 0 {
			return j.undecided(problems[0]+" ("+seen+")", runAgain)
		}
		return j.pass(fmt.Sprintf("Shutdown with a frozen %s OK (exit %d)", noun(c), t.Last.ExitCode), seen)
	}
	j.tail(t.Pod, 5)
	if slices.Contains(codes, t.Last.ExitCode) {
		return j.endsLate(c, e, *t, seen, "")
	}
	if end := e.Termination; end != nil && end.Last != nil && end.Last.ExitCode == t.Last.ExitCode && !slices.Contains(codes, t.Last.ExitCode) {
		return j.undecided(seen+", as it does with its "+noun(c), fixFirst("termination/exit-zero"))
	}
	if killedAtTheEnd(t) {
		seen += fmt.Sprintf(": SIGKILL at the end of the grace period of %d s", t.GraceSeconds)
	}
	return j.fail(seen, "")
}
