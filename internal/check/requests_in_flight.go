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
	Needs: []evidence.Section{evidence.SectionInFlight},
	Judge: judgeRequestsInFlight,

	Timeline: func(e evidence.Evidence) []Moment { return terminationMoments(e.InFlight) },
}

// The streams of requests, as the collector names them.
const (
	streamSlow   = "slow"
	streamNew    = "new"
	streamKept   = "kept"
	streamReady  = "ready"
	streamHealth = "health"
	streamQuery  = "query"
)

func judgeRequestsInFlight(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "every request that was begun before SIGTERM gets its whole answer"}
	t := e.InFlight
	if t == nil {
		return inconclusive(e, evidence.SectionInFlight, j.Promised)
	}
	j.Seconds = t.Seconds
	if why := undecidedExit(*t, e); why != "" {
		return j.undecided(why, "See startup/ready and the pod's events, then run podproof again.")
	}
	slow, early, over := 0, 0, 0
	var lost, late ways
	stopped := signalled(*t, containerName(e))
	for _, r := range t.Requests {
		// A preStop hook may take longer than a server waits for the rest of a body.
		if r.Stream == streamSlow && r.Ended().After(t.Deleted) && r.Ended().Before(stopped) {
			over++
			continue
		}
		if !r.Start.Before(t.Deleted) || r.Ended().Before(t.Deleted) {
			early += count01(r.Stream == streamSlow && r.Early)
			continue
		}
		slow += count01(r.Stream == streamSlow)
		if !answered(r) && (r.Stream != streamReady || r.Failure != "") { // not ready is an answer
			lost.add(r, r.Ended().Sub(t.Deleted))
		}
	}
	end := lasting(t.Deleted, t.Seconds)
	for _, r := range t.Requests {
		if r.Start.After(t.Deleted) && r.Start.Before(end) && r.Failure != "" && r.Failure != "refused" {
			late.add(r, r.Ended().Sub(t.Deleted))
		}
	}
	for _, w := range lost.list {
		j.broken(w.where(), "%s, %s after the deletion", w.what, seconds(w.first.Seconds()))
	}
	for _, w := range late.list {
		j.note(w.where(), "%s, %s after the deletion; it was sent after that", w.what, seconds(w.first.Seconds()))
	}
	switch {
	case lost.n > 0:
		fix := ""
		if slow > 0 && (t.Released.IsZero() || t.Released.After(end)) {
			fix = fmt.Sprintf("The process ended %s after the deletion, with requests under way: wait for them, up to a bound below the grace period of %d s.", seconds(t.Seconds), t.GraceSeconds)
		}
		return j.fail(fmt.Sprintf("%s under way at SIGTERM got no whole answer: %s", count(lost.n, "request"), j.firstBroken().Message), fix)
	case slow == 0 && early > 0:
		return j.undecided("the server answered before it had read the whole body, so no request was under way at SIGTERM: "+requestWords(firstEarly(t.Requests)),
			"Let the contract's http.upload name a route that reads its body before it answers.")
	case slow == 0 && over > 0:
		return j.undecided(fmt.Sprintf("%s with half a body ended before SIGTERM came, about %s after the deletion", count(over, "request"), seconds(stopped.Sub(t.Deleted).Seconds())),
			"Let the server wait for a body for longer than the preStop hook takes, or run podproof again while the machine has less to do.")
	case slow == 0:
		return j.undecided("no request could be kept under way: the contract names no route that reads a body",
			"Let the contract's http.upload name one (method, path, body): podproof sends half of the body before SIGTERM and the rest after it.")
	}
	if t.Released.IsZero() {
		return j.pass(fmt.Sprintf("Requests in flight OK (%d of %d answered)", slow, slow),
			count(slow, "request")+" with half a body at SIGTERM answered before the rest of it was sent")
	}
	if t.Released.Before(stopped.Add(time.Second)) {
		return j.undecided(fmt.Sprintf("the rest of the bodies was sent %s after the deletion, and SIGTERM came only about %s after it: the requests were not under way then",
			seconds(t.Released.Sub(t.Deleted).Seconds()), seconds(stopped.Sub(t.Deleted).Seconds())), whenQuiet)
	}
	return j.pass(fmt.Sprintf("Requests in flight OK (%d of %d answered)", slow, slow),
		fmt.Sprintf("%s with half a body at SIGTERM answered whole; the other half was sent %s after the deletion", count(slow, "request"), seconds(t.Released.Sub(t.Deleted).Seconds())))
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

func (w *ways) add(r evidence.Request, after time.Duration) {
	w.n++
	for i := range w.list {
		if x := &w.list[i]; x.stream == r.Stream && x.what == failureWords(r) {
			x.n, x.first = x.n+1, min(x.first, after)
			return
		}
	}
	w.list = append(w.list, way{r.Stream, failureWords(r), 1, after})
}

func (w way) where() string { return count(w.n, "request") + " " + requestPlace(w.stream) }

func count01(b bool) int {
	if b {
		return 1
	}
	return 0
}

func firstEarly(rs []evidence.Request) evidence.Request {
	for _, r := range rs {
		if r.Early {
			return r
		}
	}
	return evidence.Request{}
}

// answered tells whether a request got a whole answer that is no error of the server's.
func answered(r evidence.Request) bool { return r.Failure == "" && r.Status > 0 && r.Status < 500 }

// requestWords says what became of a request.
func requestWords(r evidence.Request) string { return failureWords(r) + " after " + seconds(r.End) }

func failureWords(r evidence.Request) string {
	switch r.Failure {
	case "":
		return fmt.Sprintf("status %d", r.Status)
	case "refused":
		return "connection refused"
	case "reset":
		return "connection reset"
	case "closed":
		return "connection closed before a whole answer"
	case "timeout":
		return "no answer"
	case "unreachable":
		return "no route to the pod"
	}
	return said(r.Error, 120)
}

// placeOf is where a request went: a kept connection that the server has closed is a new one.
func placeOf(r evidence.Request) string {
	if r.Stream == streamKept && !r.Reused {
		return requestPlace(streamNew)
	}
	return requestPlace(r.Stream)
}

func requestPlace(stream string) string {
	switch stream {
	case streamSlow:
		return "with half of the body sent"
	case streamKept:
		return "over a kept connection"
	case streamNew:
		return "over a new connection"
	}
	return "to the " + stream + " route"
}
