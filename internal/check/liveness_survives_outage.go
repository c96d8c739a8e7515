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

var livenessSurvivesOutage = Check{
	ID:    "probes/liveness-survives-outage",
	Title: "While the database is away, nothing restarts the pod",
	Why: "A liveness probe that asks the database turns every hiccup of it into a restart of all pods at once, which then storm " +
		"the database together when it is back.",
	Fix:   "Let the liveness route say that the process lives, and nothing of the database; a restart fixes no database.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	Judge: judgeLivenessSurvivesOutage,

	Timeline: func(e evidence.Evidence) []Moment { return outageMoments(e.Outages) },
}

func judgeLivenessSurvivesOutage(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no restart while the database is away for longer than the liveness probe's patience"}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(e)
	j.unknown(problems)
	probe := outagePod(e)
	longest, asked := 0.0, 0.0
	var broken, fix, excuse string
	for _, o := range tried {
		lasted := o.Healed.Sub(o.Began).Seconds()
		j.Seconds += lasted
		longest, asked = max(longest, lasted), max(asked, livenessAsked(podIn(e, o), probe, o).Seconds())
		if o.Restarts == 0 && !killedIn(podIn(e, o), containerName(e), o) {
			continue
		}
		where, what := awayPlace(o), j.restart(e, o)
		j.broken(where, "%s", what)
		p, why := podIn(e, o), starved(e, o.Began, o.Healed)
		switch killed := livenessKills(p); {
		case killed && !saysNo(p, "Liveness") && !livenessRefuses(c, probe, o) && why != "": // the probe got no answer in time
			excuse = where + ": " + what + "; " + why
		case broken == "":
			broken = where + ": " + what
			if !killed {
				fix = "Let the process go on without its database: catch what a lost connection raises, answer 503 meanwhile, and connect again."
			}
		}
	}
	if broken != "" {
		return j.fail(broken, fix)
	}
	if excuse != "" {
		return j.undecided(excuse, whenQuiet)
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	if probe == nil {
		return j.undecided("the container was not seen in the outages, so its liveness probe is not known", incomplete)
	}
	if probe.LivenessProbe == nil {
		j.note("liveness", "the container has no liveness probe, so that only its own end could restart it")
		return j.pass("No restart without the database OK", fmt.Sprintf("no restart in outages of up to %s (%s)", seconds(longest), outageKinds(tried)))
	}
	budget := evidence.ProbeBudget(probe.LivenessProbe).Seconds()
	if asked < budget {
		seen := fmt.Sprintf("no restart in outages of up to %s, and the liveness probe gives up after %s", seconds(longest), seconds(budget))
		if d := probe.LivenessProbe.InitialDelaySeconds; d > 0 {
			seen += fmt.Sprintf(", of which it asked for %s: its initialDelaySeconds is %d", seconds(asked), d)
		}
		return j.undecided(seen, "Run podproof again; an outage that is long enough (frozen) was not tried.")
	}
	if d := declaredDelay(e); d > probe.LivenessProbe.InitialDelaySeconds {
		j.note("liveness", "the manifest's initialDelaySeconds of %d was left out in the trial's pods, where a startup probe gives the start its time: the outage would have been over before the liveness probe asked", d)
	}
	return j.pass("No restart without the database OK", fmt.Sprintf("no restart in outages of up to %s (%s); its liveness probe gives up after %s", seconds(longest), outageKinds(tried), seconds(budget)))
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

// declaredDelay is the liveness probe's initialDelaySeconds as the manifest has it.
func declaredDelay(e evidence.Evidence) int32 {
	if e.Workload != nil {
		if own := containerOf(*e.Workload); own != nil && own.LivenessProbe != nil {
			return own.LivenessProbe.InitialDelaySeconds
		}
	}
	return 0
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
				j.note("pod "+p.Name, "%s", said(ev.Message, 200))
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
