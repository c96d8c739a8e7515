package check

import (
	"fmt"
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
	late, own := lateAnswer(o, r.stream, r.limit)
	unfit, busy := unanswerable(o, r.stream), starved(e, o.Began, o.Healed.Add(r.limit))
	switch where := awayPlace(c, o); {
	case !asked:
		r.note(where, "no request was sent to the %s route", r.stream)
		return false
	case unfit != "" && r.guilty == nil: // what did not recover before gives no success either
		r.unfit = unfit
		return false
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

// backAgain is what the dependency is when an outage is over.
func backAgain(o evidence.Outage) string {
	if isSlow(o) {
		return "fast again"
	}
	return "back"
}

// lateAnswer says that no query was answered with success after an outage, or none in time, and
// whether that is the workload's own doing: it answered, and said no to the end. One that has
// too little CPU answers late, or not at all.
func lateAnswer(o evidence.Outage, stream string, limit time.Duration) (words string, own bool) {
	back, _ := firstAnswer(o, stream)
	if back.IsZero() {
		return "no query was answered after it was " + backAgain(o) + lastWords(o, stream), repliesBetween(o.Requests, stream, o.Healed, lastEnd(o)).refuses()
	}
	if back.Sub(o.Healed) <= limit {
		return "", false
	}
	a := repliesBetween(o.Requests, stream, o.Healed, back)
	return fmt.Sprintf("the first query was answered %s it was %s", afterWords(o.Healed, back), backAgain(o)),
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
