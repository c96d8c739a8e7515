package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// mayBeOptional notes how a contract says that the workload does without a dependency, where it has
// several, or one that is no database.
func (j *Judgement) mayBeOptional(c contract.Contract) {
	if len(c.Dependencies) > 1 || noun(c) != "database" {
		j.note("contract", "where the workload is to do without %s, the contract says so by its `optional: true`", c.Dependencies[0])
	}
}

// stayReady is what to change about a workload that an optional dependency takes out of service.
func stayReady(c contract.Contract) string {
	return fmt.Sprintf("Let the readiness route ask nothing of the optional %s, and give what asks it a time limit and another answer; or let the contract not call it optional.", noun(c))
}

// unreadyWords say that the pod was not Ready though what was away is optional, and whether it said so
// itself: podproof asked its readiness route, too.
func unreadyWords(o evidence.Outage) (words string, own bool) {
	words = fmt.Sprintf("the pod was not Ready %s it began, though it is optional", afterWords(o.Began, o.Unready))
	if o.Unready.After(o.Healed) {
		words = fmt.Sprintf("the pod was not Ready %s it was over, though it is optional", afterWords(o.Healed, o.Unready))
	}
	return words, repliesBetween(o.Requests, evidence.StreamReady, o.Began, o.Unready.Add(tellingMargin)).no >= enough
}

// staysReady judges whether the pod is Ready, and goes on answering, without what it calls optional.
func staysReady(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("Ready and answering all the while the optional %s is away, without a restart", noun(c))}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	tried, problems := away(c, e)
	j.unknown(problems)
	switch container := outagePod(e); {
	case unasked(c, e):
		return j.skip("the worker has no readiness probe, and nobody sends it requests")
	case container != nil && container.ReadinessProbe == nil:
		return j.undecided("the container has no readiness probe", fixFirst("probes/declared"))
	}
	var seen []string
	unclear, fix := "", ""
	for _, o := range tried {
		where := awayPlace(c, o)
		j.Seconds += o.Healed.Sub(o.Began).Seconds()
		words, own, until := "", false, o.Healed
		if !o.Unready.IsZero() {
			words, own = unreadyWords(o)
			until = o.Unready
		} else if stream := silenced(o); stream != "" {
			words = fmt.Sprintf("most requests to the %s route came to nothing, though it is optional", stream)
			own = repliesBetween(o.Requests, stream, o.Began, o.Healed).no >= enough
		}
		short := starved(e, o.Began, until)
		switch {
		case o.Restarts > 0:
			unclear, fix = restartedWords(c, o), fixFirst("probes/liveness-survives-outage")
		case words == "":
			seen = append(seen, fmt.Sprintf("%s, for %s", o.Kind, seconds(o.Healed.Sub(o.Began).Seconds())))
		case !own && short != "":
			unclear, fix = where+": "+words+"; "+short, whenQuiet
		case len(c.Dependencies) == 1 && o.Unready.IsZero() && silenced(o) == evidence.StreamQuery:
			unclear = where + ": " + words + ", and http.query may be a route whose answer comes from it"
			fix = "Let the contract's http.query name a route that does without it, or let that one answer without it."
		default:
			j.broken(where, "%s", words)
		}
	}
	if b := j.firstBroken(); b != nil {
		return j.fail(b.Where+": "+b.Message, stayReady(c))
	}
	if unclear != "" {
		return j.undecided(unclear, fix)
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	if why := notGivenBack(c, e.Outages); why != "" {
		j.note("not tried", "connections that end, and a restart: %s", why)
	}
	return j.pass("Ready without the optional "+noun(c)+" OK", "Ready, and answering, all the while it was away: "+list(seen))
}

// silenced is the first route where most requests came to nothing in an outage; empty where there is none.
func silenced(o evidence.Outage) string {
	for _, stream := range []string{evidence.StreamHealth, evidence.StreamReady, evidence.StreamQuery} {
		if worse(o, stream) {
			return stream
		}
	}
	return ""
}

// comesBack judges whether the workload uses an optional dependency again that was away. Its answers do
// not tell, since they are to be the same without it: what podproof's proxy counted of its pod does.
func (j Judgement) comesBack(c contract.Contract, e evidence.Evidence) Judgement {
	j.Promised = fmt.Sprintf("a connection to the optional %s again within %s of its return, without a restart, and no request hangs meanwhile", noun(c), within(c))
	tried, problems := away(c, e)
	j.unknown(problems)
	j.how(c, e)
	var seen []string
	unclear, fix := "", ""
	open := func(why, what string) {
		if unclear == "" {
			unclear, fix = why, what
		}
	}
	useIt := fmt.Sprintf("Let the contract's http.query name a route that uses the %s, by a Service of the manifests that podproof's proxy can stand in front of.", noun(c))
	depends := slices.ContainsFunc(tried, waitsForIt)
	for i, o := range tried {
		j.Seconds += o.Healed.Sub(o.Began).Seconds()
		where, pod := awayPlace(c, o), podIn(e, o).Name
		if why := j.hanging(c, e, o, where); why != "" {
			open(where+": "+why, whenQuiet)
		}
		waited := lastEnd(o).Sub(o.Healed)
		had := hadOne(o, pod)
		unseen := fmt.Sprintf("%s: no connection of its pod to it was seen in the %s after it was back", where, seconds(waited.Seconds()))
		switch back, known := again(e, tried, i); {
		case o.Restarts > 0:
			open(restartedWords(c, o), fixFirst("probes/liveness-survives-outage"))
		case back:
			seen = append(seen, o.Kind)
		case !known || !had:
			open(where+": podproof cannot see whether its pod has a connection to it again", useIt)
		case !depends || waited < within(c)-time.Second:
			open(unseen+"; podproof cannot see whether it connects when it needs one", useIt)
		case starved(e, o.Healed, lastEnd(o)) != "":
			open(unseen+"; "+starved(e, o.Healed, lastEnd(o)), whenQuiet)
		default:
			j.broken(where, "its pod had connections to it, and none in the %s after it was back, though its answers had waited for it", seconds(waited.Seconds()))
		}
	}
	if b := j.firstBroken(); b != nil {
		return j.fail(b.Where+": "+b.Message, "")
	}
	if other, ok := j.untried(c, e); ok {
		return other
	}
	if unclear != "" {
		return j.undecided(unclear, fix)
	}
	return j.pass("Recovery from "+noun(c)+" outages OK", "its pod had a connection to it again after each outage ("+list(seen)+")")
}

// waitsForIt tells whether answers came to nothing, or took longer, in an outage: they come from what was away.
func waitsForIt(o evidence.Outage) bool {
	for _, stream := range []string{evidence.StreamQuery, evidence.StreamReady} {
		was, meanwhile := typical(o, stream)
		if worse(o, stream) || was.n > 0 && meanwhile.n > 0 && meanwhile.seconds > was.seconds+0.1 {
			return true
		}
	}
	return false
}

// hadOne tells whether a pod had a connection open when an outage began.
func hadOne(o evidence.Outage, pod string) bool {
	return o.Passage != nil && slices.ContainsFunc(o.Passage.Before, func(c evidence.Client) bool { return c.Pod == pod && c.Open > 0 })
}

// again tells whether a connection of the pod's was seen after an outage, at its end or when the next one
// of the same pod began, and whether that could be seen at all.
func again(e evidence.Evidence, tried []evidence.Outage, i int) (back, known bool) {
	o, pod := tried[i], podIn(e, tried[i]).Name
	if !o.Reconnected.IsZero() {
		return true, true
	}
	if i+1 < len(tried) && podIn(e, tried[i+1]).Name == pod {
		if next := tried[i+1]; next.Connected != nil && *next.Connected && hadOne(next, pod) {
			return true, true
		}
	}
	if o.Passage == nil {
		return false, false
	}
	for _, c := range o.Passage.After {
		if c.Open > 0 && c.Pod == pod {
			return true, true
		}
		known = known || c.Pod == "" // somebody's, that may be the pod's
	}
	return false, !known
}

// byReadiness is the contract without its query where that does not ask the dependency under judgement,
// and it has others: of one whose return the readiness route tells, that is enough.
func byReadiness(c contract.Contract, e evidence.Evidence) contract.Contract {
	if tried, _ := away(c, e); len(c.Dependencies) > 1 && c.HTTP.Query != nil && unmoved(tried) {
		c.HTTP.Query = nil
	}
	return c
}
