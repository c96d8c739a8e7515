package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const recoversFix = "Let the pool check or retry connections (pool_pre_ping, pgxpool's health check), and give connecting and every query a time limit."

var databaseRecovers = Check{
	ID:    "database/recovers",
	Title: "After the database was away, queries work again without a restart",
	Why: "Databases fail over, are upgraded and drop connections. A pool that keeps dead connections, or a query without a time limit, " +
		"turns seconds of outage into one that lasts until somebody restarts the pods.",
	Fix:   recoversFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	At:    []Spot{theProgram},
	Judge: eachDependency(evidence.SectionOutages, recoversFix, judgeDatabaseRecovers),

	Timeline: allOutages,
}

func judgeDatabaseRecovers(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("a query is answered within %s of the %s's return, without a restart, and no request hangs meanwhile", within(c), noun(c))}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	switch {
	case e.Outages.Unreachable != "":
		return j.undecided("nothing was seen of its coming back, since "+notGivenBack(c, e.Outages), reachable)
	case !c.Serves():
		return j.workerRecovers(c, e)
	case optional(c):
		return j.comesBack(c, e)
	}
	c = byReadiness(c, e)
	r := recoveryOf(c, e)
	j.Findings, j.Seconds = r.Findings, r.Seconds
	return decide(r.decisions(j, c, e))
}

// decisions are what the outages that were tried lead to.
func (r recovery) decisions(j Judgement, c contract.Contract, e evidence.Evidence) []decision {
	nameQuery := fmt.Sprintf("Let the contract's http.query name a route whose answer comes from the %s.", noun(c))
	open, untried := j.untried(c, e)
	standsIn := c.HTTP.Query == nil // the readiness route, for queries
	good := j.pass("Recovery from "+noun(c)+" outages OK", fmt.Sprintf("a query was answered this long after the %s was back: %s", noun(c), list(r.answered)))
	return []decision{
		{r.guilty != nil, j.fail(r.guiltyWords(), "").with(r.guiltyTail(e)...)},
		{r.excuse != "", j.undecided(r.excuse, whenQuiet)},
		{r.unfit != "", j.undecided(fmt.Sprintf("before the %s was away the %s route gave no success: %s", noun(c), r.stream, r.unfit),
			"Let the contract's http.query be a request that succeeds; method, header and body can be given.")},
		{r.restarted != "", j.undecided(r.restarted, fixFirst("probes/liveness-survives-outage"))},
		{untried, open},
		{len(r.answered) == 0, j.undecided("no query was sent", nameQuery)},
		{!standsIn && unmoved(r.tried), j.undecided("the query route was answered with success all the while, so it does not ask the "+noun(c), nameQuery)},
		{standsIn && readinessFollows(c, e).Status != Pass, j.undecided(fmt.Sprintf("the contract names no route that asks the %s, and the readiness route does not tell", noun(c)), nameQuery)},
		{standsIn, good.with(Finding{Where: "query", Message: fmt.Sprintf("the contract names no http.query that asks it; the readiness route was asked, which follows the %s", noun(c)), Note: true})},
		{otherwise, good},
	}
}
