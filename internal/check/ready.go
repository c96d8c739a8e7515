package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var startupReady = Check{
	ID:    "startup/ready",
	Title: "The pods become Ready in time, next to their dependencies",
	Why: "A rollout waits for the new pods to become Ready. An image that does not get there stops every deploy; " +
		"one that restarts on the way gets there by luck.",
	Fix:   "Read the pod's events and its log, and let the process start without a restart, within the contract's startup.within.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup, evidence.SectionFinal},
	At:    []Spot{inContainer("")},
	Judge: judgeStartupReady,

	Timeline: func(e evidence.Evidence) []Moment { return startMoments(e.Startup) },
}

func judgeStartupReady(c contract.Contract, e evidence.Evidence) Judgement {
	limit := within(c)
	j := Judgement{Promised: fmt.Sprintf("all pods Ready within %s of being applied, without a restart", limit)}
	s := e.Startup
	if s == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	j.Promised += whose(*s, limit)
	j.Seconds = s.Seconds
	restarts := j.restarts(*s)
	ready := readyPods(s.Pods)
	switch {
	case s.Ready && ready == 0:
		return j.undecided("no pod was started, so none became Ready", "Let the workload have at least one replica (spec.replicas), or see what scales it.")
	case !s.Ready:
		return j.notReady(e, limit)
	case restarts > 0:
		return j.fail(fmt.Sprintf("Ready after %s, with %s: %s", seconds(s.Seconds), count(restarts, "restart"), j.firstBroken().Message),
			"The process must wait for what it needs, not end: let it retry its dependencies, and give a slow start a startup probe.")
	case s.Seconds > limit.Seconds():
		return j.late(e, s.Applied, lasting(s.Applied, s.Seconds), fmt.Sprintf("Ready after %s", seconds(s.Seconds)),
			fmt.Sprintf("Start faster than in %s, or let the contract's startup.within say what production can wait for.", limit))
	}
	seen := fmt.Sprintf("%s Ready after %s, no restart", count(ready, "pod"), seconds(s.Seconds))
	j, over := j.meanwhile(e, seen)
	if over {
		return j
	}
	line := "Ready OK"
	if len(c.InCluster()) > 0 {
		line = "Ready with its dependencies OK"
	}
	return j.pass(fmt.Sprintf("%s (%s)", line, count(ready, "pod")), seen)
}

// whose says where the time that a start may take is from, when the contract does not say it.
func whose(s evidence.Startup, limit time.Duration) string {
	switch {
	case !s.WithinDerived:
		return ""
	case limit == defaultWithin:
		return fmt.Sprintf(" (%s is podproof's default; set startup.within)", limit)
	}
	return " (as long as the startupProbe allows; set startup.within)"
}

// restarts counts those of the pods' containers, each with the reason of the last.
func (j *Judgement) restarts(s evidence.Startup) int {
	n := 0
	for _, p := range s.Pods {
		for _, st := range p.Status.ContainerStatuses {
			if st.RestartCount == 0 {
				continue
			}
			n += int(st.RestartCount)
			how := ""
			if t := st.LastTerminationState.Terminated; t != nil {
				how = ", the last time with " + exitWords(*t)
			}
			j.broken("pod "+p.Name+", container "+st.Name, "it ended %s%s", times(st.RestartCount), how)
			for _, ev := range p.Events {
				if ev.Reason == "Killing" {
					j.note("pod "+p.Name, "%s", kubeletSays(ev.Message, 200))
				}
			}
			j.tail(p, 5)
		}
		for _, st := range p.Status.InitContainerStatuses {
			if st.RestartCount > 0 {
				j.note("pod "+p.Name+", init container "+st.Name, "it ended and was started again %s", times(st.RestartCount))
			}
		}
	}
	return n
}

func (j Judgement) notReady(e evidence.Evidence, limit time.Duration) Judgement {
	s := *e.Startup
	var first trouble
	who := "" // has it
	untried, late := true, s.Impossible == "" && len(s.Pods) > 0
	j.Findings = nil // what follows says more than the number of restarts
	for _, p := range s.Pods {
		if isReady(p) {
			continue
		}
		t := troubleOf(p)
		if t.seen == "" {
			continue
		}
		j.brokenAt(t.place(e, p), "%s", t.seen)
		j.warnings(p)
		j.tail(p, 10)
		j.initTails(p, 5)
		if first.seen == "" {
			first, who = t, p.Name
		}
		late = late && restartsOf(p) == 0 && !saysNo(p, "Startup", "Readiness")
		untried = untried && (t.untried || s.Impossible != "" && onItsWay(p))
	}
	if s.Refused != "" && (first.seen == "" || untried) || len(s.Pods) == 0 {
		return j.notMade(s)
	}
	seen := fmt.Sprintf("not Ready after %s", seconds(s.Seconds))
	var reasons []string
	// Where the wait gave up for the same pod, that pod says more.
	same := slices.ContainsFunc([]string{",", ":", " "}, func(end string) bool { return strings.Contains(s.Impossible, "pod "+who+end) })
	if s.Impossible != "" && !same {
		reasons = append(reasons, said(s.Impossible, 400))
	}
	if first.seen != "" && first.seen != s.Impossible {
		reasons = append(reasons, first.seen)
	}
	lead := "; "
	if s.Impossible != "" {
		lead = ", and not going to be: "
	}
	if len(reasons) > 0 {
		seen += lead + strings.Join(reasons, "; ")
	}
	if untried {
		for _, w := range s.Warnings {
			seen += fmt.Sprintf("; %s, %s: %s", w.Object, w.Reason, said(w.Message, 200))
		}
	}
	switch {
	case first.seen != "" && untried:
		return j.undecided(seen, first.fix)
	case s.Impossible == "" && s.Seconds < limit.Seconds()-1: // the clocks of the wait and of Seconds may differ a little
		return j.undecided(seen+fmt.Sprintf("; the observation ended before the %s were over", limit), "Run podproof again, and let it finish.")
	case late:
		return j.late(e, s.Applied, lasting(s.Applied, s.Seconds), seen, first.fix)
	}
	return j.fail(seen, first.fix)
}

// notMade is the judgement when the cluster made no pod, or too few: the image was not tried.
func (j Judgement) notMade(s evidence.Startup) Judgement {
	why := cmp.Or(s.Refused, s.Impossible)
	for _, w := range s.Warnings {
		why = cmp.Or(why, w.Object+", "+w.Reason+": "+w.Message)
	}
	if why == "" {
		return j.undecided(fmt.Sprintf("no pod was made in %s, and nothing says why", seconds(s.Seconds)),
			"See whether spec.selector matches the labels of spec.template, and what kubectl describe says of the workload.")
	}
	return j.undecided(fmt.Sprintf("%s made: %s", count(len(s.Pods), "pod"), said(why, 400)), refusalFix(why))
}

// onItsWay tells whether a pod had met no obstacle when waiting was given up because of another.
func onItsWay(p evidence.Pod) bool {
	for _, st := range p.Status.ContainerStatuses {
		creating := st.State.Waiting == nil || st.State.Waiting.Reason == "ContainerCreating" || st.State.Waiting.Reason == "PodInitializing"
		if !creating || st.State.Terminated != nil || st.LastTerminationState.Terminated != nil {
			return false
		}
	}
	return true
}
