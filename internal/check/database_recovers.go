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
	tried, problems := away(e)
	j.unknown(problems)
	stream, restarted, unfit := queryStream(c), "", ""
	var guilty *Finding
	var blamed evidence.Outage
	excuse := ""
	var seen []string
	for _, o := range tried {
		j.Seconds += o.Healed.Sub(o.Began).Seconds()
		where, told, late := "database away: "+awayWords(o), len(j.Findings), true
		back, asked := firstAnswer(o, stream)
		switch {
		case !asked:
			j.note(where, "no request was sent to the %s route", stream)
			continue
		case guilty == nil && unanswerable(o, stream) != "":
			unfit = unanswerable(o, stream)
			continue
		case back.IsZero():
			j.broken(where, "no query was answered after it was back%s", lastWords(o, stream))
			late = false // it was answered, with a no
		case back.Sub(o.Healed) > limit:
			j.broken(where, "the first query was answered %s it was back", afterWords(o.Healed, back))
		case o.Restarts > 0:
			restarted = restartedWords(o)
		default:
			seen = append(seen, fmt.Sprintf("%s: %s", o.Kind, seconds(back.Sub(o.Healed).Seconds())))
		}
		if why := j.hanging(e, o, where); why != "" {
			excuse = where + ": " + why
		}
		f := (Judgement{Findings: j.Findings[told:]}).firstBroken()
		why := starved(e, o.Began, o.Healed.Add(limit))
		switch {
		case f == nil:
		case late && why != "":
			excuse = f.Where + ": " + f.Message + "; " + why
		case guilty == nil:
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
		return j.undecided(restarted, mend("probes/liveness-survives-outage"))
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
		if truth := judgeReadinessTellsTheTruth(c, e); truth.Status != Pass {
			return j.undecided("the contract names no route that asks the database, and the readiness route does not tell",
				"Let the contract's http.query name a route whose answer comes from the database.")
		}
		j.note("query", "the contract names no http.query; the readiness route was asked, which follows the database")
	}
	return j.pass("Recovery from database outages OK", "a query was answered this long after the database was back: "+list(seen))
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

// unmoved tells whether queries were answered with success in all outages that last.
func unmoved(os []evidence.Outage) bool {
	const (
		settled  = 2 * time.Second // that a fault takes to work
		ordinary = time.Second     // that an answer takes which waits for nobody
	)
	answered := 0
	for _, o := range os {
		if !lasts(o) {
			continue
		}
		for _, r := range o.Requests {
			if r.Stream != streamQuery || r.Start.Before(o.Began.Add(settled)) || r.Start.After(o.Healed) {
				continue
			}
			across := r.Ended().After(o.Healed) // which one may be by chance
			if r.Failure != "" || r.Status >= 300 || across && o.Healed.Sub(r.Start) > ordinary {
				return false
			}
			if !across {
				answered++
			}
		}
	}
	return answered > 0
}

// firstAnswer is when the first request after the outage was answered with success.
func firstAnswer(o evidence.Outage, stream string) (back time.Time, asked bool) {
	for _, r := range o.Requests {
		if r.Stream != stream {
			continue
		}
		asked = true
		ok := r.Failure == "" && r.Status >= 200 && r.Status < 300
		if ok && r.Ended().After(o.Healed) && (back.IsZero() || r.Ended().Before(back)) {
			back = r.Ended()
		}
	}
	return back, asked
}

func lastWords(o evidence.Outage, stream string) string {
	for i := len(o.Requests) - 1; i >= 0; i-- {
		if r := o.Requests[i]; r.Stream == stream {
			return "; the last answer was: " + requestWords(r)
		}
	}
	return ""
}

// hangMargin is granted to those who wait for exactly as long as one may.
const hangMargin = time.Second

// hanging finds the requests that nobody answered while the database was away. Where the node
// was short of CPU meanwhile, it returns that instead.
func (j *Judgement) hanging(e evidence.Evidence, o evidence.Outage, where string) (excuse string) {
	slowest := map[string]evidence.Request{}
	for _, r := range o.Requests {
		if s, ok := slowest[r.Stream]; r.Start.Before(o.Healed) && (!ok || r.End > s.End) {
			slowest[r.Stream] = r
		}
	}
	for _, stream := range []string{streamHealth, streamReady, streamQuery} {
		r, ok := slowest[stream]
		if !ok {
			continue
		}
		words := ""
		switch {
		case r.Failure == "timeout":
			words = "was not answered at all: " + requestWords(r)
		case o.Away.IsZero(), r.End < (evidence.HangsAfter + hangMargin).Seconds(): // without that time it was not known to matter
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
		if why := starved(e, r.Start, r.Ended()); why != "" {
			excuse = words + "; " + why
			continue
		}
		j.broken(where, "%s", words)
	}
	return excuse
}
