package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const livenessOutageFix = "Let the liveness route say that the process lives, and nothing of the database; a restart fixes no database. " +
	"Where it asks nothing of the database already, what does has taken all of the server's workers: give connecting and queries time limits, or the server more threads."

var livenessSurvivesOutage = Check{
	ID:    "probes/liveness-survives-outage",
	Title: "While the database is away, nothing restarts the pod",
	Why: "A liveness probe that asks the database turns every hiccup of it into a restart of all pods at once, which then storm " +
		"the database together when it is back.",
	Fix:   livenessOutageFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	At:    []Spot{inContainer("livenessProbe")},
	Judge: eachDependency(evidence.SectionOutages, livenessOutageFix, judgeLivenessSurvivesOutage),

	Timeline: allOutages,
}

func judgeLivenessSurvivesOutage(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("no restart while the %s is away for longer than the liveness probe's patience", noun(c))}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(c, e)
	j.unknown(problems)
	probe := outagePod(e)
	longest, asked := 0.0, 0.0
	var broken, fix, excuse string
	for _, o := range tried {
		lasted := o.Healed.Sub(o.Began).Seconds()
		j.Seconds += lasted
		longest, asked = max(longest, lasted), max(asked, livenessAsked(podIn(e, o), probe, o).Seconds())
		if !wasRestarted(e, o) {
			continue
		}
		where, what := awayPlace(c, o), j.restart(e, o)
		j.brokenAt(restartPlace(e, o, where), "%s", what)
		switch why := restartExcuse(c, e, o); {
		case why != "":
			excuse = where + ": " + what + "; " + why
		case broken == "":
			broken = where + ": " + what
			if !livenessKills(podIn(e, o)) {
				fix = "Let the process go on without its " + noun(c) + ": catch what a lost connection raises, answer 503 meanwhile, and connect again."
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
		return j.pass("No restart without the "+noun(c)+" OK", fmt.Sprintf("no restart in outages of up to %s (%s)", seconds(longest), outageKinds(tried)))
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
	return j.pass("No restart without the "+noun(c)+" OK", fmt.Sprintf("no restart in outages of up to %s (%s); its liveness probe gives up after %s", seconds(longest), outageKinds(tried), seconds(budget)))
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
