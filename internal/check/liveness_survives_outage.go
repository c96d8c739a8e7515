package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var livenessSurvivesOutage = Check{
	ID:    "probes/liveness-survives-outage",
	Title: "While the database is away, nothing restarts the pod",
	Why: "A liveness probe that asks the database turns every hiccup of it into a restart of all pods at once, which then storm " +
		"the database together when it is back.",
	Fix:   "Let the liveness route say that the process lives, and nothing of the database; a restart mends no database.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	Judge: judgeLivenessSurvivesOutage,
}

func judgeLivenessSurvivesOutage(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no restart while the database is away for longer than the liveness probe's patience"}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(e)
	j.unknown(problems)
	if len(tried) == 0 {
		return j.noOutage(e, problems)
	}
	longest := 0.0
	for _, o := range tried {
		lasted := o.Healed.Sub(o.Began).Seconds()
		j.Seconds += lasted
		longest = max(longest, lasted)
		if o.Restarts > 0 {
			j.broken("database away: "+awayWords(o), "the container was restarted %s", times(o.Restarts))
		}
	}
	if b := j.firstBroken(); b != nil {
		for _, ev := range e.Outages.Pod.Events {
			if ev.Reason == "Killing" || ev.Reason == "Unhealthy" {
				j.note("pod "+e.Outages.Pod.Name, "%s", said(ev.Message, 200))
			}
		}
		j.tail(e.Outages.Pod, 5)
		return j.fail(b.Where+": "+b.Message, "")
	}
	probe := outagePod(e)
	if probe == nil || probe.LivenessProbe == nil {
		j.note("liveness", "the container has no liveness probe, so that only its own end could restart it")
		return j.pass("No restart without the database OK", fmt.Sprintf("no restart in outages of up to %s (%s)", seconds(longest), outageKinds(tried)))
	}
	budget := probeBudget(probe.LivenessProbe).Seconds()
	if longest < budget {
		return j.undecided(fmt.Sprintf("no restart in outages of up to %s, and the liveness probe gives up after %s", seconds(longest), seconds(budget)),
			"Run podproof again; an outage that is long enough (frozen) was not tried.")
	}
	return j.pass("No restart without the database OK", fmt.Sprintf("no restart in outages of up to %s (%s); its liveness probe gives up after %s", seconds(longest), outageKinds(tried), seconds(budget)))
}
