package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// results judges what the probes answered, from the events of the pods that were Ready.
// It tells whether there was one, and what a node that was short of CPU excuses. A readiness
// probe that fails before is doing its work.
func (j *Judgement) results(e evidence.Evidence, c corev1.Container) (answered bool, excuse string) {
	if e.Startup == nil {
		return false, ""
	}
	for _, p := range e.Startup.Pods {
		where := "pod " + p.Name
		ready := condition(p, corev1.PodReady)
		if ready == nil || (ready.Status != corev1.ConditionTrue && !e.Startup.Ready) {
			j.notAsked(p, c) // never Ready: startup/ready tells why
			continue
		}
		answered = true
		if ready.Status != corev1.ConditionTrue {
			j.broken(where, "it stopped being Ready at %s (%s)", ready.LastTransitionTime.UTC().Format(time.TimeOnly), said(ready.Message, 200))
		}
		since := ready.LastTransitionTime.Time
		stopping := stopped(p)
		for _, ev := range p.Events {
			// Readiness goes on being asked while a pod ends, and fails then.
			if ev.FieldPath != "" && ev.FieldPath != "spec.containers{"+c.Name+"}" || (!stopping.IsZero() && !ev.At.Before(stopping)) {
				continue
			}
			switch {
			case ev.Reason == "Killing" && strings.Contains(ev.Message, "failed liveness probe"):
				j.brokenAt(fieldPlace(e, where, "livenessProbe"), "its liveness probe restarted it: %s", livenessMessage(p))
			case ev.Reason == "Unhealthy" && strictlyAfter(ev.At, since):
				words := "after it was Ready: " + kubeletSays(ev.Message, 200) + repeated(ev.Count)
				if why := silentOnBusyNode(e, since, ev); why != "" {
					excuse = where + ": " + words + "; " + why
					continue
				}
				j.brokenAt(fieldPlace(e, where, askedProbe(ev)), "%s", words)
			case ev.Reason == "Unhealthy" && unwellOnLivenessPath(ev, c):
				j.note(where, "the path that liveness asks answered with an error while the pod started (%s): when a dependency is gone, "+
					"liveness on this path restarts pods that are well", kubeletSays(ev.Message, 120))
			}
		}
	}
	return answered, excuse
}

// askedProbe is the field of the probe that an event is about.
func askedProbe(ev evidence.Event) string {
	for _, kind := range []string{"Liveness", "Startup"} {
		if strings.HasPrefix(ev.Message, kind+" probe") {
			return strings.ToLower(kind) + "Probe"
		}
	}
	return "readinessProbe"
}

// silentOnBusyNode says that a probe got no answer in time while the node was short of CPU: about
// that moment, where it was one, or for half of the time, where it was several. An answer that says
// no has no such excuse.
func silentOnBusyNode(e evidence.Evidence, since time.Time, ev evidence.Event) string {
	switch {
	case !slow.MatchString(ev.Message):
		return ""
	case ev.Count <= 1 && crowded(e, ev.At):
		return "the node was short of CPU about then"
	}
	return starved(e, since, ev.At)
}

// notAsked tells of a probe that the kubelet could not carry out at all.
func (j *Judgement) notAsked(p evidence.Pod, c corev1.Container) {
	for _, ev := range p.Events {
		own := ev.FieldPath == "" || ev.FieldPath == "spec.containers{"+c.Name+"}"
		if why, _ := probeErrorFix(ev.Message); own && ev.Reason == "Unhealthy" && why != "" {
			j.broken("pod "+p.Name, "%s: %s", why, kubeletSays(ev.Message, 200))
			return
		}
	}
}

// strictlyAfter compares what the kubelet stamped with whole seconds.
func strictlyAfter(a, b time.Time) bool {
	return a.Truncate(time.Second).After(b.Truncate(time.Second))
}

// stopped is when the kubelet began to end a pod on purpose, zero if it did not.
func stopped(p evidence.Pod) time.Time {
	for _, ev := range p.Events {
		if ev.Reason == "Killing" && strings.HasPrefix(ev.Message, "Stopping container") {
			return ev.At
		}
	}
	return time.Time{}
}

func livenessMessage(p evidence.Pod) string {
	for _, ev := range p.Events {
		if ev.Reason == "Unhealthy" && strings.HasPrefix(ev.Message, "Liveness probe") {
			return kubeletSays(ev.Message, 200)
		}
	}
	return "its events do not say what it answered"
}

func repeated(count int32) string {
	if count > 1 {
		return fmt.Sprintf(" (%d times)", count)
	}
	return ""
}

// unwellOnLivenessPath tells whether a readiness or startup probe got an error status
// from the very path and port that liveness asks.
func unwellOnLivenessPath(ev evidence.Event, c corev1.Container) bool {
	if c.LivenessProbe == nil || c.LivenessProbe.HTTPGet == nil || !strings.Contains(ev.Message, "statuscode: 5") {
		return false
	}
	other := c.ReadinessProbe
	if strings.HasPrefix(ev.Message, "Startup probe") {
		other = c.StartupProbe
	}
	return other != nil && other.HTTPGet != nil &&
		other.HTTPGet.Path == c.LivenessProbe.HTTPGet.Path && other.HTTPGet.Port == c.LivenessProbe.HTTPGet.Port
}

// livenessKills tells whether the kubelet has ended a container of the pod for its liveness probe.
func livenessKills(p evidence.Pod) bool { return slices.ContainsFunc(p.Events, isLivenessKill) }

func isLivenessKill(ev evidence.Event) bool {
	return ev.Reason == "Killing" && strings.Contains(ev.Message, "liveness")
}
