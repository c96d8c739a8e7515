package check

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var readinessTellsTheTruth = Check{
	ID:    "probes/readiness-tells-the-truth",
	Title: "Without its database a pod is not Ready, and with it again it is",
	Why: "A Service sends requests to every Ready pod. One that is Ready without its database answers them with errors, and a rollout " +
		"takes it for good.",
	Fix:   "Let the readiness route ask the database, with a time limit below the probe's timeoutSeconds, and answer 503 without it.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	Judge: judgeReadinessTellsTheTruth,

	Timeline: func(e evidence.Evidence) []Moment { return outageMoments(e.Outages) },
}

func judgeReadinessTellsTheTruth(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "Ready goes False while the database is away and True when it is back, each within the probe's own budget, without a restart"}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(e)
	j.unknown(problems)
	container := outagePod(e)
	if container != nil && container.ReadinessProbe == nil {
		return j.undecided("the container has no readiness probe", mend("probes/declared"))
	}
	var said []string
	unclear, fix := "", ""
	for _, o := range tried {
		where := "database away: " + awayWords(o)
		lasted := lasts(o) // the others may be over before a probe asks
		lost := !o.Unready.IsZero() && o.Ready.IsZero()
		told := toldLate(c, e, o, container)
		if lasted {
			j.Seconds += o.Healed.Sub(o.Began).Seconds()
		}
		switch {
		case lasted && !noticed(o) && !saidReady(o) && starved(e, o.Began, o.Healed) != "":
			unclear, fix = "the pod was not told to be unready in time ("+awayWords(o)+"); "+starved(e, o.Began, o.Healed), whenQuiet
		case lasted && !noticed(o):
			j.broken(where, "the pod stayed Ready for the %s of the outage", seconds(o.Healed.Sub(o.Began).Seconds()))
		case o.Restarts > 0 && (lasted || lost):
			unclear, fix = restartedWords(o), mend("probes/liveness-survives-outage")
		case lost && unanswered(c, o):
			unclear, fix = "no query was answered after the outage ("+awayWords(o)+"), so that the pod is not Ready for good reason", mend("database/recovers")
		case lost:
			j.broken(where, "the pod was not Ready again after the database was back, though queries were answered")
		case lasted && told != "" && starved(e, o.Began, latest(o.Ready, o.Unready)) != "":
			unclear, fix = told+"; "+starved(e, o.Began, latest(o.Ready, o.Unready)), whenQuiet
		case lasted && told != "":
			j.broken(where, "%s", told)
		case lasted:
			said = append(said, fmt.Sprintf("%s: not Ready %s it began, Ready %s it was over", o.Kind, afterWords(o.Began, o.Unready), afterWords(o.Healed, o.Ready)))
		}
	}
	if b := j.firstBroken(); b != nil {
		return j.fail(b.Where+": "+b.Message, "")
	}
	if unclear != "" {
		return j.undecided(unclear, fix)
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	return j.pass("Readiness follows the database OK", list(said))
}

// noticed tells whether the pod was not Ready while its database was away.
func noticed(o evidence.Outage) bool {
	// Without the time of its beginning it was watched only to begin with, and at its end.
	return !o.Unready.IsZero() && (o.Away.IsZero() || o.Unready.Before(o.Healed))
}

// tellingMargin is what the kubelet and the API server may take, beside a probe's own time.
const tellingMargin = 5 * time.Second

// toldLate says by how much Ready changed later than the probe should take, empty where it did not.
func toldLate(c contract.Contract, e evidence.Evidence, o evidence.Outage, probed *corev1.Container) string {
	if probed == nil || probed.ReadinessProbe == nil || o.Away.IsZero() || o.Ready.IsZero() {
		return ""
	}
	p := probed.ReadinessProbe
	budget := evidence.ProbeBudget(p)
	if took := o.Unready.Sub(o.Away); took > budget+tellingMargin {
		return fmt.Sprintf("the pod was Ready for %s without its database, and its probe gives up after %s", seconds(took.Seconds()), seconds(budget.Seconds()))
	}
	back, _ := firstAnswer(o, queryStream(c))
	budget = successBudget(p)
	if e.Workload != nil {
		if own := containerOf(*e.Workload); own != nil && own.ReadinessProbe != nil {
			budget = max(budget, successBudget(own.ReadinessProbe)) // for which a route may keep what it knows
		}
	}
	if took := o.Ready.Sub(latest(back, o.Healed)); took > budget+tellingMargin {
		return fmt.Sprintf("the pod was not Ready for %s after its queries were answered again, and its probe needs %s", seconds(took.Seconds()), seconds(budget.Seconds()))
	}
	return ""
}

// successBudget is how long a probe takes at most to see that all is well.
func successBudget(p *corev1.Probe) time.Duration {
	return time.Duration(max(1, p.SuccessThreshold)*max(cmp.Or(p.PeriodSeconds, 10), p.TimeoutSeconds)) * time.Second
}

// saidReady tells whether the readiness route was answered with success at the end of an
// outage. At its beginning the fault takes a moment to work.
func saidReady(o evidence.Outage) bool {
	for _, r := range o.Requests {
		if r.Stream == streamReady && r.Start.After(o.Healed.Add(-2*time.Second)) && r.Ended().Before(o.Healed) && r.Failure == "" && r.Status < 400 {
			return true
		}
	}
	return false
}
