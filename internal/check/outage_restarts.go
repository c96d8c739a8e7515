package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// wasRestarted tells whether the container under test ended in an outage, or was on its way out.
func wasRestarted(e evidence.Evidence, o evidence.Outage) bool {
	return o.Restarts > 0 || killedIn(podIn(e, o), containerName(e), o)
}

// restartExcuse is what a node that was short of CPU excuses: a liveness probe that got no answer in
// time. One that was told no has no such excuse.
func restartExcuse(c contract.Contract, e evidence.Evidence, o evidence.Outage) string {
	p := podIn(e, o)
	if !livenessKills(p) || saysNo(p, "Liveness") || livenessRefuses(c, outagePod(e), o) {
		return ""
	}
	return starved(e, o.Began, o.Healed)
}

// livenessAsked is for how long of an outage the liveness probe asked.
func livenessAsked(p evidence.Pod, probed *corev1.Container, o evidence.Outage) time.Duration {
	from := latest(o.Began, o.Away)
	if probed == nil || probed.LivenessProbe == nil {
		return 0
	}
	if delay := probed.LivenessProbe.InitialDelaySeconds; delay > 0 {
		s := underTest(p, probed.Name)
		if s == nil || s.State.Running == nil {
			return 0
		}
		// Kubelet: pkg/kubelet/prober/worker.go counts from the container's start.
		from = latest(from, s.State.Running.StartedAt.Add(time.Duration(delay)*time.Second))
	}
	return max(0, o.Healed.Sub(from))
}

// livenessRefuses tells whether podproof's own requests to the liveness probe's route were told
// no during an outage: the process ran, and said so.
func livenessRefuses(c contract.Contract, probed *corev1.Container, o evidence.Outage) bool {
	if probed == nil || probed.LivenessProbe == nil || probed.LivenessProbe.HTTPGet == nil || probed.LivenessProbe.HTTPGet.Path != c.HTTP.Health {
		return false
	}
	return repliesBetween(o.Requests, evidence.StreamHealth, o.Began, o.Healed).no >= enough
}

// restart says who ended the container during an outage, with what there is to show for it.
func (j *Judgement) restart(e evidence.Evidence, o evidence.Outage) string {
	p := podIn(e, o)
	if livenessKills(p) {
		for _, ev := range p.Events {
			if ev.Reason == "Killing" || ev.Reason == "Unhealthy" && strings.HasPrefix(ev.Message, "Liveness") {
				j.note("pod "+p.Name, "%s", kubeletSays(ev.Message, 200))
			}
		}
		if o.Restarts == 0 { // it was still on its way out when the outage was over
			return "the liveness probe had the container stopped"
		}
		return fmt.Sprintf("the liveness probe had the container restarted %s", times(o.Restarts))
	}
	p.Log = slices.DeleteFunc(slices.Clone(p.Log), func(l evidence.LogLine) bool { return l.At.After(o.Healed) })
	j.tail(p, 5)
	how := ""
	if s := underTest(p, containerName(e)); s != nil && s.LastTerminationState.Terminated != nil {
		how = ", the last time with " + exitWords(*s.LastTerminationState.Terminated)
	}
	return fmt.Sprintf("the container ended by itself and was restarted %s%s", times(o.Restarts), how)
}

// killedIn tells whether it did so to the container in an outage. Events have whole seconds.
func killedIn(p evidence.Pod, container string, o evidence.Outage) bool {
	return slices.ContainsFunc(p.Events, func(ev evidence.Event) bool {
		ours := ev.FieldPath == "" || strings.Contains(ev.FieldPath, "{"+container+"}")
		return ours && isLivenessKill(ev) && !ev.At.Before(o.Began.Truncate(time.Second)) && !ev.At.After(o.Healed.Add(time.Second))
	})
}

// restartPlace is where a restart in an outage is mended: the liveness probe's, or the program's own end.
func restartPlace(e evidence.Evidence, o evidence.Outage, words string) place {
	if livenessKills(podIn(e, o)) {
		return fieldPlace(e, words, "livenessProbe")
	}
	return programPlace(e, words)
}
