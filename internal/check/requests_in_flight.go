package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const requestsInFlightFix = "On SIGTERM stop accepting, answer what was begun (http.Server.Shutdown, uvicorn's --timeout-graceful-shutdown), and only then exit."

var requestsInFlight = Check{
	ID:    "termination/requests-in-flight",
	Title: "Requests that are under way when SIGTERM comes are answered",
	Why: "Stopping an idle process shows nothing: in production it is stopped while it answers. Every deploy then loses the requests " +
		"that a process drops on SIGTERM.",
	Fix:   requestsInFlightFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionInFlight, evidence.SectionResponses},
	At:    []Spot{theProgram},
	Judge: asking(judgeRequestsInFlight),

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.InFlight) },
}

func judgeRequestsInFlight(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "every request that was begun before SIGTERM gets its complete response"}
	if d := c.HTTP.Longest; d > 0 {
		j.Promised += fmt.Sprintf(", even %s later (http.longest)", d)
	}
	t := e.InFlight
	if t == nil {
		return inconclusive(e, evidence.SectionInFlight, j.Promised)
	}
	j.Seconds = t.Seconds
	if open, ok := j.noExit(*t, e); ok {
		return open
	}
	f := fatesOf(flightOf(e))
	return decide(f.decisions(j.with(f.findings()...), c))
}

// decisions are what the fates of the requests lead to.
func (f fates) decisions(j Judgement, c contract.Contract) []decision {
	whole := fmt.Sprintf("%d of %d answered", f.n[answeredWhole], f.n[answeredWhole]+f.n[lostAtSIGTERM])
	return []decision{
		{f.lost.n > 0 && f.byExit > 0, j.fail(f.lostWords(),
			fmt.Sprintf("The process ended %s after the deletion, with requests under way: wait for them, up to a bound below the grace period of %d s, "+
				"or let the contract's http.longest say how long a request may take.", seconds(f.Seconds), f.GraceSeconds))},
		{f.lost.n > 0 && f.upload < 500 && f.n[answeredWhole] > 0, j.fail(f.lostWords(), requestsInFlightFix+" "+
			fmt.Sprintf("It answered %d of them: where each request has a worker to itself (gunicorn's sync workers, PHP-FPM), what waits for one is lost with it. Give it more workers or threads, or let it answer its backlog, too.", f.n[answeredWhole]))},
		{f.lost.n > 0 && f.upload < 500, j.fail(f.lostWords(), "")},
		{f.lost.n > 0, j.undecided(fmt.Sprintf("the request is answered with status %d while nothing is stopped, so its response at SIGTERM proves nothing", f.upload),
			"Let the contract's http.upload be a request that the server answers with success: its method, path, header and body.")},
		{f.n[answeredWhole] > 0, j.pass("Requests in flight OK ("+whole+")",
			fmt.Sprintf("%s completely: half of each body was sent before SIGTERM, and the last answer came %s after it", whole, seconds(f.longest.Seconds()))).with(f.shortOf(c)...)},
		// No request was under way for long enough to be lost.
		{f.n[answeredEarly] > 0, j.undecided("the server answered before it had read the whole body, so no request was under way at SIGTERM: "+requestWords(f.first[answeredEarly]),
			"Let the contract's http.upload name a route that reads its body before it answers.")},
		{f.n[givenUp] > 0, j.undecided("the server gives up on a slow body just as soon while nothing is stopped: "+f.undisturbedWords(),
			"Let the server wait longer for a body, or let the contract's http.longest say how long a request may take.")},
		{f.n[heldTooLong] > 0, j.undecided("no request could be answered before the grace period was over: the preStop hook took all of it",
			"Let the preStop hook take less of terminationGracePeriodSeconds.")},
		{f.n[overByHook] > 0, j.undecided(fmt.Sprintf("%s with half a body ended before SIGTERM came, about %s after the deletion", count(f.n[overByHook], "request"), f.after(f.sigterm)),
			"Let the server wait for a body for longer than the preStop hook takes, or run podproof again while the machine has less to do.")},
		{f.n[sentTooSoon] > 0, j.undecided(fmt.Sprintf("the rest of the bodies was sent %s after the deletion, and SIGTERM came only about %s after it: the requests were not under way then",
			f.after(f.Released), f.after(f.sigterm)), whenQuiet)},
		{otherwise, j.undecided("no request could be kept under way: the contract names no route that reads a body",
			"Let the contract's http.upload name one (method, path, body): podproof sends half of the body before SIGTERM and the rest after it. Where none reads one, leave this check out: skip: [{id: termination/requests-in-flight, reason: …}].")},
	}
}
