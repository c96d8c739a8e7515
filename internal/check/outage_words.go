package check

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// outageWords are the ways in which a dependency was away.
var outageWords = map[string]string{
	evidence.OutageRefused:      "nobody listening",
	evidence.OutageFrozen:       "connections that are never answered",
	evidence.OutageRestarted:    "a restart, which ends pooled connections",
	evidence.OutageDisconnected: "by the server",
	evidence.OutageSlow200ms:    "200 ms for each round trip",
	evidence.OutageSlow2s:       "2 s for each round trip",
}

// proxyWords are those that podproof's proxy in front of the dependency plays.
var proxyWords = map[string]string{
	evidence.OutageRestarted:    "connections reset and refused for a moment, as by a restart",
	evidence.OutageDisconnected: "by podproof's proxy",
}

func awayWords(o evidence.Outage) string {
	if w := proxyWords[o.Kind]; w != "" && o.Fault == evidence.FaultProxy {
		return w
	}
	if w := outageWords[o.Kind]; w != "" {
		return w
	}
	return o.Kind
}

// awayPlace is where a finding about an outage stands: "database away (nobody listening)".
func awayPlace(c contract.Contract, o evidence.Outage) string {
	how := " away"
	switch {
	case isSlow(o):
		how = " slow"
	case o.Kind == evidence.OutageDisconnected: // it was there all the while
		how = " connections closed"
	}
	return noun(c) + how + " (" + awayWords(o) + ")"
}

// isSlow tells whether the dependency was there, and slow.
func isSlow(o evidence.Outage) bool {
	return o.Kind == evidence.OutageSlow200ms || o.Kind == evidence.OutageSlow2s
}

// away are the outages that were tried, of the kinds that are asked for; all without any.
func away(c contract.Contract, e evidence.Evidence, kinds ...string) (tried []evidence.Outage, problems []string) {
	if e.Outages == nil {
		return nil, nil
	}
	for _, o := range e.Outages.Trials {
		switch {
		case len(kinds) > 0 && !slices.Contains(kinds, o.Kind):
		case o.Unfit != "":
			problems = append(problems, o.Kind+": "+said(o.Unfit, 300))
		case problem(c, e, o) != "":
			problems = append(problems, o.Kind+": "+problem(c, e, o))
		default:
			tried = append(tried, o)
		}
	}
	return tried, problems
}

// lasts tells whether an outage goes on until a probe must have seen it.
func lasts(o evidence.Outage) bool {
	return o.Kind == evidence.OutageRefused || o.Kind == evidence.OutageFrozen
}

// problem says why an outage tells nothing, empty where it does.
func problem(c contract.Contract, e evidence.Evidence, o evidence.Outage) string {
	if o.Problem != "" {
		return said(o.Problem, 300)
	}
	return leaked(c, e, o)
}

// leaked says that the dependency was not away in earnest, though podproof took it away: the
// pod stayed Ready, and to the end its queries succeeded, which they did not in every outage.
func leaked(c contract.Contract, e evidence.Evidence, o evidence.Outage) string {
	if optional(c) { // without which it is to go on like that
		return ""
	}
	if !lasts(o) || noticed(o) || o.Restarts > 0 || unmoved(e.Outages.Trials) {
		return ""
	}
	away := latest(o.Began, o.Away)
	half := away.Add(o.Healed.Sub(away) / 2)
	var last evidence.Request
	for _, r := range o.Requests {
		if r.Stream == evidence.StreamQuery && r.Start.After(half) && r.Ended().Before(o.Healed) && r.Ended().After(last.Ended()) {
			last = r
		}
	}
	if last.Stream == "" || last.Failure != "" || last.Status >= 300 || o.Healed.Sub(away) < tooBrief {
		return ""
	}
	return fmt.Sprintf("a query was answered with success %s it began, so the %s was not away, or the answer did not come from it", afterWords(o.Began, last.Ended()), noun(c))
}

// tooBrief is an outage that no probe need have noticed.
const tooBrief = 2 * time.Second

// outagePod is the container as it ran during the outages, with its impatient probes.
func outagePod(e evidence.Evidence) *corev1.Container {
	if e.Outages == nil {
		return nil
	}
	name := containerName(e)
	pods := []evidence.Pod{e.Outages.Pod}
	for _, o := range e.Outages.Trials {
		pods = append(pods, podIn(e, o)) // the namespace of the others may have come to nothing
	}
	for _, p := range pods {
		for i := range p.Spec.Containers {
			if c := &p.Spec.Containers[i]; c.Name == name || len(p.Spec.Containers) == 1 {
				return c
			}
		}
	}
	return nil
}

// podIn is the workload's pod in an outage.
func podIn(e evidence.Evidence, o evidence.Outage) evidence.Pod {
	if o.Pod != nil {
		return *o.Pod
	}
	return e.Outages.Pod
}

// stuck is the outage that the workload did not get over, so that nothing more could be
// taken from it, and the check that has to tell why; nil when there was none. It is the last.
func stuck(c contract.Contract, e evidence.Evidence) (o *evidence.Outage, culprit string) {
	if e.Outages == nil || len(e.Outages.Trials) == 0 || e.Outages.Unreachable != "" {
		return nil, ""
	}
	last := len(e.Outages.Trials) - 1
	for last >= 0 && e.Outages.Trials[last].Pod != nil { // nothing comes after it in its namespace
		last--
	}
	if last < 0 {
		return nil, ""
	}
	o = &e.Outages.Trials[last]
	switch {
	case o.Problem != "", o.Unfit != "":
	case unanswered(c, *o):
		return o, "database/recovers"
	case !o.Unready.IsZero() && o.Ready.IsZero():
		if !c.Serves() {
			return o, "database/recovers"
		}
		return o, "probes/readiness-tells-the-truth"
	}
	return nil, ""
}

// unanswered tells whether queries were sent after an outage, and none was answered.
func unanswered(c contract.Contract, o evidence.Outage) bool {
	back, asked := firstAnswer(o, queryStream(c))
	return asked && back.IsZero()
}

// untried is the judgement where not every kind of outage was tried, with the reason; it is
// false where all were.
func (j Judgement) untried(c contract.Contract, e evidence.Evidence) (Judgement, bool) {
	why, fix := "", runAgain
	missing := slices.DeleteFunc(awayKinds(*e.Outages), func(kind string) bool {
		return slices.ContainsFunc(e.Outages.Trials, func(o evidence.Outage) bool {
			p := problem(c, e, o)
			if o.Kind == kind && p != "" {
				why = kind + ": " + p
				if leaked(c, e, o) != "" {
					fix = "Run podproof again; if it says the same, let the contract's http.query name a route whose answer comes from the " + noun(c) + "."
				}
			}
			return o.Kind == kind && p == "" // also where it is unfit
		})
	})
	if other, ok := j.isUnused(c, e); ok {
		return other, true
	}
	if len(missing) == 0 {
		return j, false
	}
	o, culprit := stuck(c, e)
	switch w := e.Outages.Without; {
	case w != nil && !w.Recovered && !w.BecameReady && e.Outages.Unreachable != "":
		j = j.undecided("the pod was never Ready without it, and "+notGivenBack(c, e.Outages)+", so "+list(missing)+" was not tried", reachable)
	case w != nil && e.Outages.Unreachable == "" && !w.Recovered:
		j = j.undecided("the pod did not become Ready in the first place, so "+list(missing)+" was not tried", fixFirst("startup/waits-for-database"))
	case o != nil:
		j = j.afterStuck(c, *o, culprit)
	case why != "":
		j = j.undecided("not all outages could be tried; "+why, fix)
	case e.Missing[evidence.SectionOutages] != "":
		j = j.undecided("not all outages could be tried: "+e.Why(evidence.SectionOutages), fixOf(e, evidence.SectionOutages))
	default:
		j = j.undecided("not all outages were tried; missing: "+list(missing), "Run podproof again, and let it finish.")
	}
	return j, true
}

// awayKinds are the outages that are to be tried: one that cannot be given back is taken away twice.
func awayKinds(o evidence.Outages) []string {
	if o.Unreachable != "" {
		return []string{evidence.OutageRefused, evidence.OutageFrozen}
	}
	return []string{evidence.OutageDisconnected, evidence.OutageRestarted, evidence.OutageRefused, evidence.OutageFrozen}
}

// queryStream is the stream whose answers come from the dependency, as far as is known.
func queryStream(c contract.Contract) string {
	if c.HTTP.Query == nil {
		return evidence.StreamReady
	}
	return evidence.StreamQuery
}

// restartedWords says that the container was restarted during an outage, which
// probes/liveness-survives-outage has to tell.
func restartedWords(c contract.Contract, o evidence.Outage) string {
	return fmt.Sprintf("%s: the container was restarted %s, which hides what it would have done", awayPlace(c, o), times(o.Restarts))
}

// afterStuck is the judgement about what could not be tried any more.
func (j Judgement) afterStuck(c contract.Contract, o evidence.Outage, culprit string) Judgement {
	return j.undecided(fmt.Sprintf("it did not recover from an earlier outage: %s; so the others were not tried", awayPlace(c, o)), fixFirst(culprit))
}

// outageKinds names what was tried: "refused, frozen".
func outageKinds(os []evidence.Outage) string {
	var names []string
	for _, o := range os {
		names = append(names, o.Kind)
	}
	return list(names)
}

func (j *Judgement) unknown(problems []string) {
	for _, p := range problems {
		j.note("not tried", "%s", p)
	}
}

func afterWords(from, to time.Time) string {
	return fmt.Sprintf("%s after", seconds(to.Sub(from).Seconds()))
}
