package check

import (
	"fmt"
	"slices"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// reached tells whether something shows that an outage reached the workload: a connection to
// what was taken away, or what the workload did or answered meanwhile.
func reached(e evidence.Evidence, o evidence.Outage) bool {
	if o.Problem != "" || o.Unfit != "" {
		return false
	}
	return o.Connected != nil && *o.Connected || passed(o, podIn(e, o).Name) || noticed(o) || o.Restarts > 0 || worse(o, evidence.StreamQuery) || worse(o, evidence.StreamReady)
}

// passed tells whether podproof's proxy counted connections of a pod, before an outage or in it.
func passed(o evidence.Outage, pod string) bool {
	if o.Passage == nil || pod == "" {
		return false
	}
	return slices.ContainsFunc(slices.Concat(o.Passage.Before, o.Passage.During), func(c evidence.Client) bool {
		return c.Pod == pod && (c.Open > 0 || c.Accepted > 0 || c.Sent+c.Received > 0)
	})
}

// worse tells whether most requests of a stream that were sent while the dependency was away
// came to nothing, though one had succeeded before.
func worse(o evidence.Outage, stream string) bool {
	before, good, bad := 0, 0, 0
	away := latest(o.Began, o.Away)
	for _, r := range o.Requests {
		ok := r.Failure == "" && r.Status < 400
		switch {
		case r.Stream != stream:
		case r.Start.Before(o.Began):
			if ok {
				before++
			}
		case r.Start.Before(away), r.Start.After(o.Healed): // the fault takes a moment to work
		case !ok || r.Ended().After(o.Healed.Add(hangMargin)): // it was held up until the end
			bad++
		default:
			good++
		}
	}
	return before > 0 && bad > good
}

// unused says that nothing shows that the workload uses the dependency which was taken away,
// so that no outage of it decides anything; empty where something does, or nothing was tried.
func unused(e evidence.Evidence) string {
	if e.Outages == nil || slices.ContainsFunc(e.Outages.Trials, func(o evidence.Outage) bool { return reached(e, o) }) {
		return ""
	}
	var kinds []evidence.Outage
	sent, seen, counted := false, false, false // queries, and whether there was a connection, by the proxy's count
	for _, o := range e.Outages.Trials {
		if o.Problem != "" || !lasts(o) {
			continue
		}
		kinds = append(kinds, o)
		sent = sent || slices.ContainsFunc(o.Requests, func(r evidence.Request) bool { return r.Stream == evidence.StreamQuery })
		seen = seen || o.Connected != nil
		counted = counted || o.Connected != nil && o.Fault == evidence.FaultProxy
	}
	w := e.Outages.Without
	why := ""
	switch {
	case len(kinds) == 0 && (w == nil || !w.BecameReady):
		return ""
	case len(kinds) == 0:
		why = "its pod was Ready without it, and no outage was tried that would show it"
	case sent:
		why = fmt.Sprintf("queries were answered as well as before while that was away (%s)", outageKinds(kinds))
	default:
		why = fmt.Sprintf("neither its readiness nor its pod changed while that was away (%s)", outageKinds(kinds))
	}
	switch {
	case counted:
		why += ", and podproof's proxy in front of it saw no connection of its pod before"
	case seen:
		why += ", and its pod had no connection to it before"
	}
	return fmt.Sprintf("nothing shows that the workload uses the %s that was taken away: %s", e.Outages.Dependency, why)
}

// elsewhere is what to do about a workload that uses another database than the trial's own, or
// seems to.
func elsewhere(c contract.Contract, e evidence.Evidence) string {
	if len(c.Dependencies) > 0 && c.Dependencies[0].External() {
		return fmt.Sprintf("Let the workload reach it by the name in the contract (%s), and let the contract's http.query name a route whose answer comes from it; or remove it from the dependencies, where it is not used.", c.Dependencies[0].Host)
	}
	if what := noun(c); what != "database" {
		return fmt.Sprintf("Let the manifests name the %s by a Service of theirs that leads to %s, so that a trial's pods use the one beside them, and let the contract's "+
			"http.query name a route whose answer comes from it; or remove it from the dependencies, where it is not used.", what, e.Outages.Dependency)
	}
	return fmt.Sprintf("Let the manifests name the database by a Service of theirs that leads to %s (`postgres`, or `postgres.NAMESPACE.svc`), so that "+
		"a trial's pods use the one beside them, and let the contract's http.query name a route whose answer comes from it.", e.Outages.Dependency)
}

// isUnused is the judgement about outages that nothing shows to have reached the workload.
func (j Judgement) isUnused(c contract.Contract, e evidence.Evidence) (Judgement, bool) {
	if why := unused(e); why != "" {
		return j.undecided(why, elsewhere(c, e)), true
	}
	return j, false
}

// unasked tells whether the workload is a worker that neither a request nor a probe asks
// whether it is ready.
func unasked(c contract.Contract, e evidence.Evidence) bool {
	probed := outagePod(e)
	return !c.Serves() && probed != nil && probed.ReadinessProbe == nil
}
