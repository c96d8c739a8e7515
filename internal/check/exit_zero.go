package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var terminationExitZero = Check{
	ID:    "termination/exit-zero",
	Title: "The process ends by itself, with exit code 0, when the pod is deleted",
	Why: "Every rollout, drain and scale-down ends pods with SIGTERM. A process that does not hear it is killed at the end of the grace " +
		"period, with its requests in flight, and makes every deploy that much slower.",
	Fix:   "Run the program itself as PID 1 (exec form of CMD), and let it handle SIGTERM: finish the requests in flight, then exit 0.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup, evidence.SectionTermination},
	At:    []Spot{theCommand, theProgram},
	Judge: judgeTerminationExitZero,

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.Termination) },
}

func judgeTerminationExitZero(c contract.Contract, e evidence.Evidence) Judgement {
	codes := exitCodes(c)
	t := e.Termination
	limit := c.Termination.Within.Std()
	if limit == 0 && t != nil {
		limit = time.Duration(t.GraceSeconds) * time.Second
	}
	j := Judgement{Promised: fmt.Sprintf("exit code %s within %s of the pod's deletion", strings.ReplaceAll(numbers(codes), " and ", " or "), limit)}
	if limit == 0 {
		j.Promised = fmt.Sprintf("exit code %s within the grace period after the pod's deletion", strings.ReplaceAll(numbers(codes), " and ", " or "))
	}
	if t == nil {
		if bad, decided := j.judgeOtherEnds(c, e, "how it ends while it is idle is not known"); decided {
			return bad
		}
		return inconclusive(e, evidence.SectionTermination, j.Promised)
	}
	j.Seconds = t.Seconds
	if open, ok := j.noExit(*t, e); ok {
		return open
	}
	if !t.WasReady {
		j.note("pod "+t.Pod.Name, "it was not Ready yet when it was deleted")
	}
	if s := t.StopSignal; s != "" && s != "SIGTERM" {
		j.note("image", "its STOPSIGNAL is %s: this is what the process must handle", s)
	}
	j.otherContainers(*t, containerName(e))
	hook, hookFix := hookThatFailed(*t, containerName(e))
	if hook != "" {
		j.brokenAt(fieldPlace(e, "pod "+t.Pod.Name, "lifecycle.preStop"), "%s", hook)
	}
	first := pid1(e)
	ok := slices.Contains(codes, t.Last.ExitCode) && t.Last.Reason != "OOMKilled"
	switch {
	case ok && t.Seconds <= limit.Seconds() && hook != "":
		return j.fail(hook, hookFix)
	case ok && t.Seconds <= limit.Seconds():
		j, decided := j.judgeOtherEnds(c, e, fmt.Sprintf("idle it ends with %d after %s", t.Last.ExitCode, seconds(t.Seconds)))
		if decided {
			return j
		}
		seen := fmt.Sprintf("%s, %s after the deletion", exitWords(*t.Last), seconds(t.Seconds))
		if n := len(otherEnds(e)); n > 0 {
			seen += fmt.Sprintf(", and alike in %s with clients at work", count(n, "other end"))
		} else {
			seen += ", with no request under way (termination/requests-in-flight tries that)"
		}
		return j.pass(fmt.Sprintf("Graceful shutdown OK (exit %d)", t.Last.ExitCode), seen+first.words())
	case ok:
		j.tail(t.Pod, 5)
		return j.endsLate(c, e, *t, fmt.Sprintf("%s, but only %s after the deletion%s", exitWords(*t.Last), seconds(t.Seconds), first.words()),
			"Drain faster: stop accepting at once, bound the time that requests in flight may take, and close the pools; or let the contract's termination.within say what is right.")
	}
	j.tail(t.Pod, 5)
	why, fix := first.explain(*t, e)
	return j.fail(fmt.Sprintf("%s, %s after the deletion%s: %s", exitWords(*t.Last), seconds(t.Seconds), first.words(), why), fix)
}
