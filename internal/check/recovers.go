package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var databaseRecovers = Check{
	ID:    "database/recovers",
	Title: "After the database was away, queries work again without a restart",
	Why: "Databases fail over, are upgraded and drop connections. A pool that keeps dead connections, or a query without a time limit, " +
		"turns seconds of outage into one that lasts until somebody restarts the pods.",
	Fix:   "Let the pool check or retry connections (pool_pre_ping, pgxpool's health check), and give connecting and every query a time limit.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	Judge: judgeDatabaseRecovers,

	Timeline: func(e evidence.Evidence) []Moment { return outageMoments(e.Outages) },
}

func judgeDatabaseRecovers(c contract.Contract, e evidence.Evidence) Judgement {
	limit := within(c)
	j := Judgement{Promised: fmt.Sprintf("a query is answered within %s of the database's return, without a restart, and no request hangs meanwhile", limit)}
	if e.Outages == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	if !c.Serves() {
		return j.workerRecovers(c, e)
	}
	tried, problems := away(e)
	j.unknown(problems)
	stream, restarted, unfit := queryStream(c), "", ""
	var guilty *Finding
	var blamed evidence.Outage
	excuse := ""
	var seen []string
	for _, o := range tried {
		j.Seconds += o.Healed.Sub(o.Began).Seconds()
		where, told := "database away: "+awayWords(o), len(j.Findings)
		back, asked := firstAnswer(o, stream)
		switch late, own := lateAnswer(o, stream, limit); {
		case !asked:
			j.note(where, "no request was sent to the %s route", stream)
			continue
		case guilty == nil && unanswerable(o, stream) != "":
			unfit = unanswerable(o, stream)
			continue
		case late != "" && !own && starved(e, o.Began, o.Healed.Add(limit)) != "":
			excuse = where + ": " + late + "; " + starved(e, o.Began, o.Healed.Add(limit))
		case late != "":
			j.broken(where, "%s", late)
		case o.Restarts > 0:
			restarted = restartedWords(o)
		default:
			seen = append(seen, fmt.Sprintf("%s: %s", o.Kind, seconds(back.Sub(o.Healed).Seconds())))
		}
		if why := j.hanging(e, o, where); why != "" {
			excuse = where + ": " + why
		}
		if f := (Judgement{Findings: j.Findings[told:]}).firstBroken(); f != nil && guilty == nil {
			guilty, blamed = f, o
		}
	}
	if guilty != nil {
		j.tail(podIn(e, blamed), 5)
		return j.fail(guilty.Where+": "+guilty.Message, "")
	}
	if excuse != "" {
		return j.undecided(excuse, whenQuiet)
	}
	if unfit != "" {
		return j.undecided(fmt.Sprintf("before the database was away the %s route gave no success: %s", stream, unfit),
			"Let the contract's http.query be a request that succeeds; method, header and body can be given.")
	}
	if restarted != "" {
		return j.undecided(restarted, fixFirst("probes/liveness-survives-outage"))
	}
	if open, ok := j.untried(c, e); ok {
		return open
	}
	if len(seen) == 0 {
		return j.undecided("no query was sent", "Let the contract's http.query name a route whose answer comes from the database.")
	}
	if c.HTTP.Query != nil && unmoved(tried) {
		return j.undecided("the query route was answered with success all the while, so it does not ask the database",
			"Let the contract's http.query name a route whose answer comes from the database.")
	}
	if c.HTTP.Query == nil {
		if truth := readinessFollows(c, e); truth.Status != Pass {
			return j.undecided("the contract names no route that asks the database, and the readiness route does not tell",
				"Let the contract's http.query name a route whose answer comes from the database.")
		}
		j.note("query", "the contract names no http.query; the readiness route was asked, which follows the database")
	}
	return j.pass("Recovery from database outages OK", "a query was answered this long after the database was back: "+list(seen))
}

// lateAnswer says that no query was answered with success after an outage, or none in time, and
// whether that is the workload's own doing: it answered, and said no to the end. One that has
// too little CPU answers late, or not at all.
func lateAnswer(o evidence.Outage, stream string, limit time.Duration) (words string, own bool) {
	back, _ := firstAnswer(o, stream)
	if back.IsZero() {
		return "no query was answered after it was back" + lastWords(o, stream), repliesBetween(o.Requests, stream, o.Healed, lastEnd(o)).refuses()
	}
	if back.Sub(o.Healed) <= limit {
		return "", false
	}
	a := repliesBetween(o.Requests, stream, o.Healed, back)
	return fmt.Sprintf("the first query was answered %s it was back", afterWords(o.Healed, back)),
		a.no >= enough && back.Sub(a.lastNo) <= tellingMargin
}

// unanswerable is the last answer of a stream before an outage, where none was a success.
func unanswerable(o evidence.Outage, stream string) (words string) {
	for _, r := range o.Requests {
		if r.Stream != stream || r.Ended().After(o.Began) {
			continue
		}
		if r.Failure == "" && r.Status < 300 {
			return ""
		}
		words = requestWords(r)
	}
	return words
}

func lastWords(o evidence.Outage, stream string) string {
	for i := len(o.Requests) - 1; i >= 0; i-- {
		if r := o.Requests[i]; r.Stream == stream {
			return "; the last answer was: " + requestWords(r)
		}
	}
	return ""
}

// hanging finds the requests that nobody answered while the database was away. Where the node
// was short of CPU meanwhile, it returns that instead.
func (j *Judgement) hanging(e evidence.Evidence, o evidence.Outage, where string) (excuse string) {
	slowest := map[string]evidence.Request{}
	for _, r := range o.Requests {
		if s, ok := slowest[r.Stream]; r.Start.Before(o.Healed) && (!ok || r.End > s.End) {
			slowest[r.Stream] = r
		}
	}
	for _, stream := range []string{evidence.StreamHealth, evidence.StreamReady, evidence.StreamQuery} {
		r, ok := slowest[stream]
		if !ok {
			continue
		}
		words := ""
		switch {
		case r.Failure == evidence.FailureTimeout:
			words = "was not answered at all: " + requestWords(r)
		case o.Away.IsZero(), r.End < (HangsAfter + hangMargin).Seconds(): // without that time it was not known to matter
			if r.End > 1 {
				j.detail(where, "the slowest answer of the %s route: %s", stream, requestWords(r))
			}
			continue
		case r.Ended().After(o.Healed):
			words = fmt.Sprintf("hung for %s, until the database was back", seconds(r.End))
		default:
			words = fmt.Sprintf("was answered only after %s: %s", seconds(r.End), failureWords(r))
		}
		words = fmt.Sprintf("a request to the %s route %s", stream, words)
		if why := starved(e, r.Start, r.Ended()); why != "" && !ranBeside(o, r) {
			excuse = words + "; " + why
			continue
		}
		j.broken(where, "%s", words)
	}
	return excuse
}

// ranBeside tells whether the process had its chance to run while a request hung for long: other
// requests were answered at once meanwhile.
func ranBeside(o evidence.Outage, hung evidence.Request) bool {
	const crowd = 10
	return hung.End >= 2*HangsAfter.Seconds() && repliesBetween(o.Requests, "", hung.Start, hung.Ended()).prompt >= crowd
}
