package check

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// defaultWithin is how long a start may take when the contract does not say.
const defaultWithin = 30 * time.Second

var startupReady = Check{
	ID:    "startup/ready",
	Title: "The pods become Ready in time, next to their dependencies",
	Why: "A rollout waits for the new pods to become Ready. An image that does not get there stops every deploy; " +
		"one that restarts on the way gets there by luck.",
	Fix:   "Read the pod's events and its log, and let the process start without a restart, within the contract's startup.within.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup},
	Judge: judgeStartupReady,

	Timeline: func(e evidence.Evidence) []Moment { return startMoments(e.Startup) },
}

// within is the time that a start may take.
func within(c contract.Contract) time.Duration {
	if d := c.Startup.Within.Std(); d > 0 {
		return d
	}
	return defaultWithin
}

func judgeStartupReady(c contract.Contract, e evidence.Evidence) Judgement {
	limit := within(c)
	j := Judgement{Promised: fmt.Sprintf("all pods Ready within %s of being applied, without a restart", limit)}
	s := e.Startup
	if s == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	j.Seconds = s.Seconds
	restarts := j.restarts(*s)
	switch {
	case !s.Ready:
		return j.notReady(e, limit)
	case restarts > 0:
		return j.fail(fmt.Sprintf("Ready after %s, with %s: %s", seconds(s.Seconds), count(restarts, "restart"), j.firstBroken().Message),
			"The process must wait for what it needs, not end: let it retry its dependencies, and give a slow start a startup probe.")
	case s.Seconds > limit.Seconds():
		return j.late(e, s.Applied, lasting(s.Applied, s.Seconds), fmt.Sprintf("Ready after %s", seconds(s.Seconds)),
			fmt.Sprintf("Start faster than in %s, or let the contract's startup.within say what production can wait for.", limit))
	}
	line := "Ready OK"
	if len(c.Dependencies) > 0 {
		line = "Ready with its dependencies OK"
	}
	return j.pass(line, fmt.Sprintf("%s Ready after %s, no restart", count(len(s.Pods), "pod"), seconds(s.Seconds)))
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
					j.note("pod "+p.Name, "%s", said(ev.Message, 200))
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
		j.broken("pod "+p.Name, "%s", t.seen)
		j.warnings(p)
		j.tail(p, 10)
		if first.seen == "" {
			first = t
		}
		late = late && restartsOf(p) == 0 && !saysNo(p, "Startup", "Readiness")
		untried = untried && (t.untried || s.Impossible != "" && onItsWay(p))
	}
	seen := fmt.Sprintf("not Ready after %s", seconds(s.Seconds))
	if s.Impossible != "" {
		seen += ", and not going to be: " + said(s.Impossible, 400)
	}
	if first.seen != "" && first.seen != s.Impossible {
		seen += "; " + first.seen
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

func restartsOf(p evidence.Pod) (n int32) {
	for _, st := range p.Status.ContainerStatuses {
		n += st.RestartCount
	}
	return n
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

// warnings adds the pod's last warnings as notes.
func (j *Judgement) warnings(p evidence.Pod) {
	const most = 3
	n := 0
	for i := len(p.Events) - 1; i >= 0 && n < most; i-- {
		if ev := p.Events[i]; ev.Type == corev1.EventTypeWarning {
			j.note("pod "+p.Name+", event", "%s: %s", ev.Reason, said(ev.Message, 300))
			n++
		}
	}
}
