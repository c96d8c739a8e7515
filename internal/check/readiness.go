package check

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// readinessFollows judges whether Ready follows the database. It is a promise of its own, and says
// of another one whether the readiness route can stand for a query.
func readinessFollows(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("Ready goes False while the %s is away and True when it is back, each within the probe's own budget, without a restart", noun(c))}
	if optional(c) {
		return staysReady(c, e)
	}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(c, e)
	j.unknown(problems)
	container := outagePod(e)
	switch {
	case unasked(c, e):
		return j.skip("the worker has no readiness probe, and nobody sends it requests")
	case container != nil && container.ReadinessProbe == nil:
		return j.undecided("the container has no readiness probe", fixFirst("probes/declared"))
	}
	if other, ok := j.isUnused(c, e); ok {
		return other
	}
	var said []string
	unclear, fix := "", ""
	for _, o := range tried {
		where := awayPlace(c, o)
		lasted := lasts(o) // the others may be over before a probe asks
		lost := !o.Unready.IsZero() && o.Ready.IsZero() && e.Outages.Unreachable == ""
		change := readyChange(c, e, o, container)
		if lasted {
			j.Seconds += o.Healed.Sub(o.Began).Seconds()
		}
		switch {
		case o.Restarts > 0 && (lasted && noticed(o) || lost):
			unclear, fix = restartedWords(c, o), fixFirst("probes/liveness-survives-outage")
		case lost && unanswered(c, o):
			unclear, fix = where+": no query was answered after it, so it is right that the pod is not Ready", fixFirst("database/recovers")
		case change.late == "" && lasted && e.Outages.Unreachable != "":
			said = append(said, fmt.Sprintf("%s: not Ready %s it began", o.Kind, afterWords(o.Began, o.Unready)))
		case change.late == "" && lasted:
			said = append(said, fmt.Sprintf("%s: not Ready %s it began, Ready %s it was over", o.Kind, afterWords(o.Began, o.Unready), afterWords(o.Healed, o.Ready)))
		case change.late == "", !lasted && !lost:
		case change.refused:
			said = append(said, fmt.Sprintf("%s: its readiness route said no, and the kubelet was late to report it (%s)", o.Kind, change.late))
		case !change.own && starved(e, change.from, change.to) != "":
			unclear, fix = where+": "+change.late+"; "+starved(e, change.from, change.to), whenQuiet
		default:
			j.broken(where, "%s", change.late)
		}
	}
	if b := j.firstBroken(); b != nil {
		j.mayBeOptional(c)
		return j.fail(b.Where+": "+b.Message, "")
	}
	if unclear != "" {
		return j.undecided(unclear, fix)
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	if why := notGivenBack(c, e.Outages); why != "" {
		return j.undecided(list(said)+"; whether it is Ready again with it was not seen, since "+why, reachable)
	}
	return j.pass("Readiness follows the "+noun(c)+" OK", list(said))
}

// change is what was wrong with a change of Ready in an outage.
type change struct {
	late     string // in words; empty where it came in time
	from, to time.Time
	// own is set where the readiness route itself was late, which podproof asks beside the kubelet
	// all the while: no busy node makes it say something else than what it knows.
	own bool
	// refused is set where the readiness route, which its probe asks, too, only said no, and the pod
	// was not Ready in the end: whoever was late was the kubelet.
	refused bool
}

// readyChange finds the change of Ready that did not come, or came later than its probe takes.
func readyChange(c contract.Contract, e evidence.Evidence, o evidence.Outage, probed *corev1.Container) change {
	began, budget, again := latest(o.Began, o.Away), time.Duration(0), time.Duration(0)
	if probed != nil && probed.ReadinessProbe != nil {
		budget, again = evidence.ProbeBudget(probed.ReadinessProbe), successBudget(probed.ReadinessProbe)
	}
	if e.Workload != nil {
		if own := containerOf(*e.Workload); own != nil && own.ReadinessProbe != nil {
			again = max(again, successBudget(own.ReadinessProbe)) // for which a route may keep what it knows
		}
	}
	if lasts(o) {
		seen := change{from: o.Began, to: o.Unready}
		switch took := o.Unready.Sub(began); {
		case !noticed(o):
			seen.late, seen.to = fmt.Sprintf("the pod stayed Ready for the %s of the outage", seconds(o.Healed.Sub(o.Began).Seconds())), o.Healed
		case !o.Away.IsZero() && took > budget+tellingMargin:
			seen.late = fmt.Sprintf("the pod was Ready for %s without its %s, and its probe gives up after %s", seconds(took.Seconds()), noun(c), seconds(budget.Seconds()))
		}
		if seen.late != "" {
			a := repliesBetween(o.Requests, evidence.StreamReady, began.Add(faultTakes), seen.to)
			seen.refused = noticed(o) && asksTheRoute(probed) && a.yes == 0 && a.no >= enough
			seen.own = a.yes > 0 && seen.to.Sub(a.lastYes) <= budget+tellingMargin
			return seen
		}
	}
	if o.Unready.IsZero() || e.Outages.Unreachable != "" {
		return change{}
	}
	back, _ := firstAnswer(o, queryStream(c))
	seen := change{from: latest(back, o.Healed), to: o.Ready}
	switch took := o.Ready.Sub(seen.from); {
	case o.Ready.IsZero():
		seen.late, seen.to = fmt.Sprintf("the pod was not Ready again after the %s was back, though queries were answered", noun(c)), lastEnd(o)
	case lasts(o) && !o.Away.IsZero() && took > again+tellingMargin:
		seen.late = fmt.Sprintf("the pod was not Ready for %s after its queries were answered again, and its probe needs %s", seconds(took.Seconds()), seconds(again.Seconds()))
	default:
		return change{}
	}
	a := repliesBetween(o.Requests, evidence.StreamReady, o.Healed, seen.to)
	seen.own = a.no >= enough && seen.to.Sub(latest(a.lastNo, seen.from)) <= again+tellingMargin
	return seen
}

// asksTheRoute tells whether a readiness probe asks what podproof asks beside it: of one that runs a
// command podproof sees nothing, and asks the health route instead.
func asksTheRoute(probed *corev1.Container) bool {
	return probed != nil && probed.ReadinessProbe != nil && probed.ReadinessProbe.Exec == nil
}

// faultTakes is how long a fault may take to work.
const faultTakes = 2 * time.Second

// successBudget is how long a probe takes at most to see that all is well.
func successBudget(p *corev1.Probe) time.Duration {
	return time.Duration(max(1, p.SuccessThreshold)*max(cmp.Or(p.PeriodSeconds, 10), p.TimeoutSeconds)) * time.Second
}
