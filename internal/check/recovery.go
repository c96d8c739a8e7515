package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// recovery is how the workload came back from the outages that were tried. Its findings, and the
// seconds that the outages took, are those of the judgement to be made.
type recovery struct {
	Judgement
	tried  []evidence.Outage
	stream string        // whose answers come from the database
	limit  time.Duration // for the first of them after an outage
	// guilty is the first thing that was broken, in the outage blamed.
	guilty *Finding
	blamed evidence.Outage
	// excuse is what a node that was short of CPU may have cost, unfit a route that gave no success
	// before, and restarted a container of which nothing else is known.
	excuse, unfit, restarted string
	answered                 []string // how soon, by the kind of outage
}

func recoveryOf(c contract.Contract, e evidence.Evidence) recovery {
	tried, problems := away(c, e)
	r := recovery{tried: tried, stream: queryStream(c), limit: within(c)}
	r.unknown(problems)
	r.how(c, e)
	for _, o := range tried {
		r.Seconds += o.Healed.Sub(o.Began).Seconds()
		told := len(r.Findings)
		if !r.queries(c, e, o) {
			continue
		}
		if why := r.hanging(c, e, o, awayPlace(c, o)); why != "" {
			r.excuse = awayPlace(c, o) + ": " + why
		}
		if f := (Judgement{Findings: r.Findings[told:]}).firstBroken(); f != nil && r.guilty == nil {
			r.guilty, r.blamed = f, o
		}
	}
	return r
}

// queries takes down how queries fared after an outage; it is false where they tell nothing of it.
func (r *recovery) queries(c contract.Contract, e evidence.Evidence, o evidence.Outage) bool {
	back, asked := firstAnswer(o, r.stream)
	late, own := lateAnswer(c, o, r.stream, r.limit)
	unfit, busy := unanswerable(o, r.stream), starved(e, o.Began, o.Healed.Add(r.limit))
	switch where := awayPlace(c, o); {
	case !asked:
		r.note(where, "no request was sent to the %s route", r.stream)
		return false
	case unfit != "" && r.guilty == nil: // what did not recover before gives no success either
		r.unfit = unfit
		return false
	case unfit != "": // nor was it waited for
		r.note(where, "the %s route gave no success before this outage (%s), so its recovery from it was not tried", r.stream, unfit)
	case late != "" && !own && busy != "":
		r.excuse = where + ": " + late + "; " + busy
	case late != "":
		r.broken(where, "%s", late)
	case o.Restarts > 0:
		r.restarted = restartedWords(c, o)
	default:
		r.answered = append(r.answered, fmt.Sprintf("%s: %s", o.Kind, seconds(back.Sub(o.Healed).Seconds())))
	}
	return true
}

func (r recovery) guiltyWords() string {
	if r.guilty == nil {
		return ""
	}
	return r.guilty.Where + ": " + r.guilty.Message
}

// guiltyTail is the end of the log of the pod that did not recover.
func (r recovery) guiltyTail(e evidence.Evidence) []Finding {
	var j Judgement
	if r.guilty != nil {
		j.tail(podIn(e, r.blamed), 5)
	}
	return j.Findings
}

// backAgain is what the dependency was when an outage was over.
func backAgain(o evidence.Outage) string {
	switch {
	case isSlow(o):
		return "it was fast again"
	case o.Kind == evidence.OutageDisconnected:
		return "they were closed"
	}
	return "it was back"
}

// lateAnswer says that no query was answered with success after an outage, or none in time, and
// whether that is the workload's own doing: it answered, and said no to the end. One that has
// too little CPU answers late, or not at all.
func lateAnswer(c contract.Contract, o evidence.Outage, stream string, limit time.Duration) (words string, own bool) {
	back, _ := firstAnswer(o, stream)
	if back.IsZero() {
		return "no query was answered after " + backAgain(o) + lastWords(c, o, stream), repliesBetween(o.Requests, stream, o.Healed, lastEnd(o)).refuses()
	}
	if back.Sub(o.Healed) <= limit {
		return "", false
	}
	a := repliesBetween(o.Requests, stream, o.Healed, back)
	return fmt.Sprintf("the first query was answered %s %s", afterWords(o.Healed, back), backAgain(o)),
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

// lastWords say for how long a route was asked after an outage, and how its last request fared.
func lastWords(c contract.Contract, o evidence.Outage, stream string) string {
	for _, r := range slices.Backward(o.Requests) {
		if r.Stream != stream {
			continue
		}
		asked := ""
		if d := r.Ended().Sub(o.Healed); d > 0 {
			asked = ", for " + seconds(d.Seconds())
		}
		if r.Failure == evidence.FailureTimeout {
			return fmt.Sprintf("%s; the last request to %s waited %s and got no answer", asked, routeWords(c, stream), seconds(r.End))
		}
		return fmt.Sprintf("%s; the last answer of %s: %s", asked, routeWords(c, stream), requestWords(r))
	}
	return ""
}

// routeWords name a route as a person can ask it.
func routeWords(c contract.Contract, stream string) string {
	if q := c.HTTP.Query; q != nil && stream == evidence.StreamQuery {
		return fmt.Sprintf("the query route (%s %s)", q.Verb(), q.Path)
	}
	return "the " + stream + " route"
}
