package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var missingEnvFails = Check{
	ID:    "config/missing-env-fails",
	Title: "Without a required variable the process refuses to start, and names it",
	Why: "A process that starts without its settings becomes Ready, takes traffic, and fails at the first request that needs them; " +
		"one that ends at once stops the rollout while the old pods still serve.",
	Fix:      "Read all required variables before anything else; when one is missing, say which on stderr and exit with a code other than 0.",
	Story:    Reliable,
	Needs:    []evidence.Section{evidence.SectionStartup, evidence.SectionRequiredEnv},
	At:       []Spot{theProgram},
	Judge:    judgeMissingEnvFails,
	Timeline: func(e evidence.Evidence) []Moment { return variableMoments(e.RequiredEnv) },
}

func judgeMissingEnvFails(c contract.Contract, e evidence.Evidence) Judgement {
	limit := within(c)
	j := Judgement{Promised: fmt.Sprintf("without any one of %s the container exits, not with 0, within %s, and names it", list(c.Env.Required), limit)}
	if len(c.Env.Required) == 0 {
		j.Promised = ""
		return j.skip("the contract names no env.required").until(requiredLine)
	}
	if e.RequiredEnv == nil {
		return inconclusive(e, evidence.SectionRequiredEnv, j.Promised)
	}
	j.Seconds = e.RequiredEnv.Seconds
	var open []string
	var fix, openFix string
	for _, name := range c.Env.Required {
		where := "without " + name
		i := slices.IndexFunc(e.RequiredEnv.Trials, func(t evidence.EnvTrial) bool { return t.Variable == name })
		if i < 0 {
			open, openFix = append(open, name+": no trial was made"), cmp.Or(openFix, "Run podproof again, and let it finish.")
			continue
		}
		t := e.RequiredEnv.Trials[i]
		if t.ServiceLink != "" {
			j.note(where, "in production Kubernetes itself sets %s=%s, for a Service of the manifests, where they do not: set enableServiceLinks: false, or rename the variable", name, t.ServiceLink)
		}
		o := judgeTrial(t, limit.Seconds(), crashesAnyway(e))
		if why := trialStarved(e, t); o.late && why != "" {
			o = outcome{open: o.broken + "; " + why, fix: whenQuiet}
		}
		switch {
		case o.broken != "":
			j.broken(where, "%s", o.broken)
			j.tail(t.Pod, 3)
			if t.From == "" && !t.ImageSets {
				j.note(where, "the manifests set it nowhere, neither in env nor from a ConfigMap or a Secret: is its name in the contract the right one?")
			}
			fix = cmp.Or(fix, o.fix)
		case o.open != "":
			open, openFix = append(open, name+": "+o.open), cmp.Or(openFix, o.fix, runAgain)
			j.note(where, "undecided: %s", o.open)
		case t.From == "":
			j.note(where, "the manifests do not set it at all")
		}
	}
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+" "+f.Message, fix)
	case len(open) > 0:
		return j.undecided(strings.Join(open, "; "), openFix)
	}
	return j.pass("Missing-env-var exit check OK", fmt.Sprintf("%s, each left out once: every time the container named it and exited", count(len(c.Env.Required), "variable")))
}

// outcome is what one trial showed: all empty when the promise held.
type outcome struct {
	broken, fix, open string
	late              bool // broken for its time alone
}

// judgeTrial judges the pod without one variable. crashes is set when the workload ends
// by itself also with all variables, so that an exit alone proves nothing.
func judgeTrial(t evidence.EnvTrial, limit float64, crashes bool) outcome {
	switch last := t.Last; {
	case t.ImageSets:
		return outcome{broken: "it cannot be: the image's own ENV gives it a value, so a pod that lacks it runs on with that one",
			fix: fmt.Sprintf("Remove ENV %s from the Dockerfile, or take it off the contract's env.required when the default is right.", t.Variable)}
	case t.Problem != "":
		return outcome{open: said(t.Problem, 300)}
	case t.BecameReady:
		return outcome{broken: "the container became Ready and serves"}
	case !t.Exited:
		if s := notStarted(t); s != "" {
			return outcome{open: s}
		}
		return outcome{broken: fmt.Sprintf("the container still ran after %s", seconds(t.Seconds)), late: true}
	case notByItself(last) != "":
		return outcome{open: notByItself(last)}
	case last.ExitCode == 0:
		return outcome{broken: "the container exited with 0, which says that all went well", fix: "Exit with a code other than 0."}
	case t.Seconds > limit:
		return outcome{broken: fmt.Sprintf("the container exited only after %s", seconds(t.Seconds)),
			fix: "Read the settings before connecting to anything, so that what is missing is said at once.", late: true}
	case !names(t, t.Variable) && crashes:
		return outcome{open: exitsAnyway, fix: fixFirst("startup/ready")}
	case !names(t, t.Variable) && t.Pod.Omitted > 0:
		return outcome{open: fmt.Sprintf("%s of the container's log were not kept, and the rest does not name it", count(t.Pod.Omitted, "line")), fix: logLess}
	case !names(t, t.Variable) && t.Pod.Unread != "":
		return outcome{open: "the container's log was not read to its end, and what was read does not name it; " + t.Pod.Unread}
	case !names(t, t.Variable):
		return notNamed(t)
	}
	return outcome{}
}

// notNamed says what stands in the output instead of the variable's name.
func notNamed(t evidence.EnvTrial) outcome {
	o := outcome{broken: fmt.Sprintf("the container ended with %s, and its output does not name the variable", exitWords(*t.Last)),
		fix: "Name every missing variable (not its value) in the message with which the process ends."}
	const unknown = "Whoever deploys the image sets variables: name %s in the message, as it has to be set, and not only the field that it fills."
	switch n := namingOf(t, t.Variable); {
	case n.spelled != "":
		o.broken += fmt.Sprintf("; the name stands there in another spelling: `%s`", n.spelled)
		o.fix = fmt.Sprintf(unknown, t.Variable)
	case n.short != "":
		o.broken += fmt.Sprintf("; the name stands there without its prefix: `%s`", n.short)
		o.fix = fmt.Sprintf(unknown, t.Variable)
	case n.listed:
		o.broken += fmt.Sprintf(": it only stands in a list of variables, and what the output says is wrong is %s", n.reason)
	}
	return o
}

// notStarted says why the trial's container did not run, empty when it did.
func notStarted(t evidence.EnvTrial) string {
	for _, s := range t.Pod.Status.ContainerStatuses {
		if s.State.Running != nil {
			return ""
		}
	}
	if tr := troubleOf(t.Pod); tr.seen != "" {
		return "its container was not started: " + tr.seen
	}
	return ""
}
