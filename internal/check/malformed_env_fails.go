package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var malformedEnvFails = Check{
	ID:    "config/malformed-env-fails",
	Title: "With a malformed variable the container ends at once, and does not print the value",
	Why: "A URL that is not one, or an empty password, is found at the first request instead of in the rollout, when the old pods are gone. " +
		"And a process that prints the value of a wrong setting prints a secret, when it is one.",
	Fix:      "Parse every setting at the start, end non-zero when one is wrong, name the variable, and never print the value.",
	Story:    Reliable,
	Needs:    []evidence.Section{evidence.SectionStartup, evidence.SectionMalformedEnv},
	At:       []Spot{theProgram},
	Judge:    judgeMalformedEnvFails,
	Timeline: func(e evidence.Evidence) []Moment { return variableMoments(e.MalformedEnv) },
}

func judgeMalformedEnvFails(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "with an empty or malformed required variable the container exits non-zero, and does not print the value"}
	if len(c.Env.Required) == 0 {
		return j.skip("the contract requires no variable (env.required)").until(requiredLine)
	}
	m := e.MalformedEnv
	if m == nil {
		return inconclusive(e, evidence.SectionMalformedEnv, j.Promised)
	}
	j.Seconds = m.Seconds
	open, fix, tried := "", "", 0
	for _, t := range m.Trials {
		what := variableWords(t)
		switch {
		case t.Problem != "":
			open, fix = what+": "+said(t.Problem, 300), runAgain
			continue
		case printed(t):
			j.broken(what, "the value is printed in the container's log")
		case !t.Exited && t.BecameReady:
			j.broken(what, "the pod became Ready all the same")
		case !t.Exited && trialStarved(e, t) != "":
			open, fix = fmt.Sprintf("%s: the container ran on for %s; %s", what, seconds(t.Seconds), trialStarved(e, t)), whenQuiet
			continue
		case !t.Exited:
			j.broken(what, "the container ran on for %s, and was not Ready", seconds(t.Seconds))
		case notByItself(t.Last) != "":
			open, fix = what+": "+notByItself(t.Last), runAgain
			continue
		case t.Last.ExitCode == 0:
			j.broken(what, "the container ended with exit code 0, which says that all is well")
		case t.Pod.Omitted > 0:
			open, fix = fmt.Sprintf("%s: %s of the container's log were not kept, and the value may be in those", what, count(t.Pod.Omitted, "line")), logLess
			continue
		case t.Pod.Unread != "":
			open, fix = fmt.Sprintf("%s: the container's log was not read to its end, and the value may be in the rest; %s", what, t.Pod.Unread), runAgain
			continue
		case !names(t, t.Variable) && crashesAnyway(e):
			open, fix = what+": "+exitsAnyway, fixFirst("startup/ready")
			continue
		case !names(t, t.Variable):
			j.note(what, "the container ended with %s, and its log does not name the variable", exitWords(*t.Last))
		}
		tried++
	}
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+": "+f.Message, "")
	case open != "":
		return j.undecided(open, fix)
	case tried == 0:
		return j.undecided("no value was tried", "Run podproof again.")
	}
	return j.pass("Malformed-env-var exit check OK", fmt.Sprintf("%s tried: every time the container exited, and no value was printed", count(tried, "wrong value")))
}
