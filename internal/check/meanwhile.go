package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// meanwhile judges the last look at the workload's own pods: one that ended by itself after it was
// Ready, or is not Ready any more, breaks the promise as one that never got there. It is over
// where the judgement is made. Ready says what was seen of the start.
func (j Judgement) meanwhile(e evidence.Evidence, ready string) (Judgement, bool) {
	if e.Final == nil {
		if why := e.Missing[evidence.SectionFinal]; why != "" {
			j.note("afterwards", "what became of the pods later is not known: %s", said(why, 200))
		}
		return j, false
	}
	for _, p := range e.Final.Pods {
		if seen, fix, excuse := endedMeanwhile(e, p); seen != "" {
			j.tail(p, 10)
			return j.later(ready+"; "+seen, fix, excuse), true
		}
	}
	for _, p := range e.Final.Pods {
		if seen, fix, excuse := unreadyMeanwhile(e, p); seen != "" {
			j.warnings(p)
			return j.later(ready+"; "+seen, fix, excuse), true
		}
	}
	return j, false
}

// later fails, unless there is an excuse.
func (j Judgement) later(seen, fix, excuse string) Judgement {
	if excuse != "" {
		return j.undecided(seen+"; "+excuse, whenQuiet)
	}
	return j.fail(seen, fix)
}

// endedMeanwhile says how a container of a pod ended that podproof had not asked to go. What ended
// for want of memory while that was measured is told by resources/limits.
func endedMeanwhile(e evidence.Evidence, p evidence.Pod) (seen, fix, excuse string) {
	for _, s := range p.Status.ContainerStatuses {
		t := cmp.Or(s.LastTerminationState.Terminated, s.State.Terminated)
		if t == nil || s.RestartCount == 0 && !endedFirst(p, s.Name) {
			continue
		}
		if r := e.Resources; r != nil && r.Ended != nil && r.Pod == p.Name && t.Reason == "OOMKilled" {
			continue
		}
		what := "container " + s.Name + " of pod " + p.Name
		after := t.FinishedAt.Sub(t.StartedAt.Time).Seconds()
		seen = fmt.Sprintf("%s ended %s after its start, while nobody had asked it to, with %s", what, seconds(after), exitWords(*t))
		if s.RestartCount > 1 {
			seen += fmt.Sprintf(", and was started again %s", times(s.RestartCount))
		}
		fix = exitFix(p, s.Name, *t)
		if ev := killing(p, s.Name); ev != nil {
			seen += ": its liveness probe restarted it: " + livenessMessage(p)
			fix = "Let the liveness probe ask only whether the process lives, and give it the time that an answer takes under load (timeoutSeconds, failureThreshold)."
			if slow.MatchString(livenessMessage(p)) && crowded(e, ev.At) {
				excuse = "the node was short of CPU about then, and the probe had no answer in time"
			}
		}
		if why := evidence.Disruption(p.Status, p.Events); why != "" && !disruptedAfter(p, t.FinishedAt.Time) {
			excuse = "the pod " + why
		}
		return seen, fix, excuse
	}
	return "", "", ""
}

// disruptedAfter tells whether a pod was taken away only later. Both times are in whole seconds.
func disruptedAfter(p evidence.Pod, end time.Time) bool {
	c := condition(p, corev1.DisruptionTarget)
	return c != nil && c.LastTransitionTime.After(end.Add(time.Second))
}

// endedFirst tells whether a container ended before the pod's deletion was asked for, or without one.
func endedFirst(p evidence.Pod, container string) bool {
	for _, m := range p.Timeline {
		switch {
		case m.Kind == evidence.MarkDeletion:
			return false
		case m.Is(evidence.MarkContainer, container, evidence.StateExited):
			return true
		}
	}
	return false
}

// killing is the event of a restart by the liveness probe, nil without one.
func killing(p evidence.Pod, container string) *evidence.Event {
	for i, ev := range p.Events {
		if ev.Reason == "Killing" && strings.Contains(ev.Message, "Container "+container+" failed liveness probe") {
			return &p.Events[i]
		}
	}
	return nil
}

// unreadyMeanwhile says of a pod that is there, and was Ready, that it is so no more.
func unreadyMeanwhile(e evidence.Evidence, p evidence.Pod) (seen, fix, excuse string) {
	was := slices.ContainsFunc(p.Timeline, func(m evidence.Mark) bool { return became(m, corev1.PodReady) })
	leaves := slices.ContainsFunc(p.Timeline, func(m evidence.Mark) bool {
		return m.Kind == evidence.MarkDeletion || m.Kind == evidence.MarkRemoved
	})
	c := condition(p, corev1.PodReady)
	if !was || leaves || c == nil || c.Status == corev1.ConditionTrue {
		return "", "", ""
	}
	t := troubleOf(p)
	since := c.LastTransitionTime.Time
	seen = fmt.Sprintf("pod %s stopped being Ready at %s: %s", p.Name, since.UTC().Format(time.TimeOnly), cmp.Or(t.seen, said(c.Message, 200)))
	if why := starved(e, since.Add(-nearby), e.Final.At); why != "" && !saysNo(p, "Readiness") {
		excuse = why
	} else if t.untried {
		excuse = "that is the cluster's doing"
	}
	return seen, t.fix, excuse
}
