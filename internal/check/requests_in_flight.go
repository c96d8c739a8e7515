package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var requestsInFlight = Check{
	ID:    "termination/requests-in-flight",
	Title: "Requests that are under way when SIGTERM comes are answered",
	Why: "Stopping an idle process shows nothing: in production it is stopped while it answers. Every deploy then loses the requests " +
		"that a process drops on SIGTERM.",
	Fix:   "On SIGTERM stop accepting, answer what was begun (http.Server.Shutdown, uvicorn's --timeout-graceful-shutdown), and only then exit.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionInFlight, evidence.SectionResponses},
	Judge: asking(judgeRequestsInFlight),

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.InFlight) },
}

func judgeRequestsInFlight(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "every request that was begun before SIGTERM gets its complete response"}
	if d := c.HTTP.Longest; d > 0 {
		j.Promised += fmt.Sprintf(", be it %s later (http.longest)", d)
	}
	t := e.InFlight
	if t == nil {
		return inconclusive(e, evidence.SectionInFlight, j.Promised)
	}
	j.Seconds = t.Seconds
	if why := undecidedExit(*t, e); why != "" {
		return j.undecided(why, "See startup/ready and the pod's events, then run podproof again.")
	}
	f := flightOf(e)
	n, first := map[fate]int{}, map[fate]evidence.Request{}
	var lost, late ways
	gone, longest := 0, time.Duration(0)
	for _, r := range t.Requests {
		switch after := r.Ended().Sub(t.Deleted); {
		case r.Stream == evidence.StreamSlow:
			fate := f.fate(r)
			if n[fate]++; n[fate] == 1 {
				first[fate] = r
			}
			switch fate {
			case lostAtSIGTERM:
				gone += count01(f.byItsExit(r))
				lost.add(r, f.words(r), after)
			case answeredWhole:
				longest = max(longest, f.heldFor(r))
			}
		case f.quick(r) && f.lostQuick(r):
			lost.add(r, f.words(r), after)
		case f.late(r):
			late.add(r, f.words(r), after)
		}
	}
	for _, w := range lost.list {
		j.broken(w.where(), "%s, %s after the deletion", w.what, seconds(w.first.Seconds()))
	}
	for _, w := range late.list {
		j.note(w.where(), "%s, %s after the deletion; it was sent after that", w.what, seconds(w.first.Seconds()))
	}
	if n[givenUp] > 0 {
		j.note(count(n[givenUp], "request")+" "+requestPlace(evidence.StreamSlow), "%s, as while nothing is stopped: the server waits no longer for a body (%s)",
			requestWords(first[givenUp]), requestWords(*t.Undisturbed))
	}
	if n[heldTooLong] > 0 {
		j.note(count(n[heldTooLong], "request")+" "+requestPlace(evidence.StreamSlow), "a preStop hook left no time to answer before the grace period of %d s was over", t.GraceSeconds)
	}
	all := n[answeredWhole] + n[lostAtSIGTERM]
	switch {
	case lost.n > 0 && gone > 0:
		return j.fail(lostWords(lost.n, n[lostAtSIGTERM], all)+": "+j.firstBroken().Message, fmt.Sprintf("The process ended %s after the deletion, with requests under way: wait for them, up to a bound below the grace period of %d s, "+
			"or let the contract's http.longest say how long a request may take.", seconds(t.Seconds), t.GraceSeconds))
	case lost.n > 0 && f.upload < 500:
		return j.fail(lostWords(lost.n, n[lostAtSIGTERM], all)+": "+j.firstBroken().Message, "")
	case lost.n > 0:
		return j.undecided(fmt.Sprintf("the request is answered with status %d while nothing is stopped, so its response at SIGTERM proves nothing", f.upload),
			"Let the contract's http.upload be a request that the server answers with success: its method, path, header and body.")
	case n[answeredWhole] == 0:
		return f.untried(j, n, first)
	}
	if held := time.Duration(t.HeldFor * float64(time.Second)); c.HTTP.Longest.Std() > max(held, longest)+time.Second {
		j.note("http.longest", "%s are promised, and %s were tried%s", c.HTTP.Longest, seconds(max(held, longest).Seconds()), f.bound())
	}
	return j.pass(fmt.Sprintf("Requests in flight OK (%d of %d answered)", all, all),
		fmt.Sprintf("%d of %d answered whole that had half of their body sent at SIGTERM, the last of them %s after SIGTERM", all, all, seconds(longest.Seconds())))
}

// lostWords count the requests that were lost, of which so many had been held.
func lostWords(lost, held, all int) string {
	if lost == held {
		return fmt.Sprintf("%d of %s under way at SIGTERM got an incomplete response or none", lost, count(all, "request"))
	}
	return count(lost, "request") + " under way at SIGTERM got an incomplete response or none"
}

// bound says why requests were held for no longer.
func (f flight) bound() string {
	if f.HeldFor == 0 {
		return ""
	}
	return fmt.Sprintf(": the grace period of %d s, a preStop hook in it, and the contract's termination.within leave no more", f.GraceSeconds)
}

// untried is the judgement where no request was under way for long enough to be lost.
func (f flight) untried(j Judgement, n map[fate]int, first map[fate]evidence.Request) Judgement {
	after := func(at time.Time) string { return seconds(at.Sub(f.Deleted).Seconds()) }
	switch {
	case n[answeredEarly] > 0:
		return j.undecided("the server answered before it had read the whole body, so no request was under way at SIGTERM: "+requestWords(first[answeredEarly]),
			"Let the contract's http.upload name a route that reads its body before it answers.")
	case n[givenUp] > 0:
		return j.undecided("the server waits no longer for a body than it did here, also while nothing is stopped: "+requestWords(*f.Undisturbed),
			"Let the server wait longer for a body, or let the contract's http.longest say how long a request may take.")
	case n[heldTooLong] > 0:
		return j.undecided("no request could be answered before the grace period was over: the preStop hook took all of it",
			"Let the preStop hook take less of terminationGracePeriodSeconds.")
	case n[overByHook] > 0:
		return j.undecided(fmt.Sprintf("%s with half a body ended before SIGTERM came, about %s after the deletion", count(n[overByHook], "request"), after(f.sigterm)),
			"Let the server wait for a body for longer than the preStop hook takes, or run podproof again while the machine has less to do.")
	case n[sentTooSoon] > 0:
		return j.undecided(fmt.Sprintf("the rest of the bodies was sent %s after the deletion, and SIGTERM came only about %s after it: the requests were not under way then",
			after(f.Released), after(f.sigterm)), whenQuiet)
	}
	return j.undecided("no request could be kept under way: the contract names no route that reads a body",
		"Let the contract's http.upload name one (method, path, body): podproof sends half of the body before SIGTERM and the rest after it.")
}

// ways are requests that failed, together where they failed in the same way.
type ways struct {
	n    int
	list []way
}

type way struct {
	stream, what string
	n            int
	first        time.Duration // after the deletion
}

func (w *ways) add(r evidence.Request, what string, after time.Duration) {
	w.n++
	for i := range w.list {
		if x := &w.list[i]; x.stream == r.Stream && x.what == what {
			x.n, x.first = x.n+1, min(x.first, after)
			return
		}
	}
	w.list = append(w.list, way{r.Stream, what, 1, after})
}

func (w way) where() string { return count(w.n, "request") + " " + requestPlace(w.stream) }
