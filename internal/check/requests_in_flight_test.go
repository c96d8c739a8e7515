package check

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func goodInFlight() *evidence.Termination {
	t := goodTermination()
	t.Held, t.Released = 5, t.Deleted.Add(2e9)
	for range 5 {
		t.Requests = append(t.Requests, evidence.Request{Stream: "slow", Start: at(19.5), Connected: 0.001, Answered: 2.6, End: 2.6, Status: 401})
	}
	for n := range 100 {
		start := 19.6 + float64(n)*0.05
		late := start > 23
		fresh, ready, kept := answer("new", start, 200), answer("ready", start, 200), answer("kept", start, 200)
		kept.Reused = n > 0
		if late {
			fresh, kept, ready = failed("new", start, 0.001, "refused"), failed("kept", start, 0.001, "refused"), failed("ready", start, 0.001, "refused")
		} else if start > 20.1 {
			ready.Status, kept.Closes, kept.Reused = 503, true, false
		}
		t.Requests = append(t.Requests, fresh, ready, kept)
	}
	return t
}

// inFlight changes the trial with requests under way.
func inFlight(change func(*evidence.Termination)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.InFlight) })
}

// readyToTheEnd lets a process serve as if nothing had happened, until it ends.
func readyToTheEnd(t *evidence.Termination, seconds float64) {
	var rs []evidence.Request
	for _, r := range t.Requests {
		if start := r.Start.Sub(at(0)).Seconds(); r.Stream == "slow" {
			rs = append(rs, r)
		} else if start < 20+seconds {
			rs = append(rs, answer(r.Stream, start, 200))
		}
	}
	t.Requests, t.Seconds = rs, seconds
}

// promising is the good contract, of a service that answers within so many milliseconds.
func promising(millis int64) contract.Contract {
	return contractWith(func(c *contract.Contract) { c.HTTP.Longest = contract.Duration(millis * 1e6) })
}

// heldInTurn are slow requests that were held one longer than the other.
func heldInTurn(t *evidence.Termination) {
	t.HeldFor, t.Seconds, t.Signalled = 7.5, 8, at(20)
	for i, after := range []float64{2, 3, 4.5, 6, 7.5} {
		t.Requests[i].Released, t.Requests[i].End = 0.5+after, 0.6+after
	}
}

// uploading is the trial of a service whose upload has a status while nothing is stopped.
func uploading(status int, change func(*evidence.Termination)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Responses = append(e.Responses, evidence.Response{Name: "upload", Method: "POST", Path: "/items", Request: answer("upload", 10, status)})
		heldInTurn(e.InFlight)
		for i := range 5 {
			e.InFlight.Requests[i].Status = status
		}
		change(e.InFlight)
	})
}

// aborted answers every upload at SIGTERM, without the rest of its body.
func aborted(status int) func(*evidence.Termination) {
	return func(t *evidence.Termination) {
		for i := range 5 {
			t.Requests[i] = evidence.Request{Stream: "slow", Start: at(19.5), Connected: 0.001, End: 0.6, Status: status, Early: true}
		}
	}
}

var inFlightExamples = []example{
	{name: "answered", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"5 of 5 answered", "and the last answer came 2.0 s after it"}},
	{name: "cut", c: goodContract(), want: Fail, says: []string{"1 of 5 requests under way", "connection closed before the response was complete"},
		e: inFlight(func(t *evidence.Termination) { t.Requests[0] = failed("slow", 19.5, 0.8, "closed") })},
	{name: "ends with requests under way", c: goodContract(), want: Fail, says: []string{"ended 0.4 s after the deletion, with requests under way"}, e: inFlight(func(t *evidence.Termination) {
		t.Seconds, t.Released = 0.4, time.Time{}
		for i := range 5 {
			t.Requests[i] = failed("slow", 19.5, 0.9, "reset")
		}
	})},
	{name: "a quick one cut", c: goodContract(), want: Fail, says: []string{"over a new connection"}, e: inFlight(func(t *evidence.Termination) {
		t.Requests = append(t.Requests, failed("new", 19.99, 0.05, "reset"))
	})},
	{name: "not ready any more", c: goodContract(), want: Pass, e: inFlight(func(t *evidence.Termination) {
		t.Requests = append(t.Requests, evidence.Request{Stream: "ready", Start: at(19.99), End: 0.1, Status: 503})
	})},
	{name: "readiness cut", c: goodContract(), want: Fail, says: []string{"to the ready route"}, e: inFlight(func(t *evidence.Termination) {
		t.Requests = append(t.Requests, failed("ready", 19.99, 0.1, "reset"))
	})},
	{name: "server error", c: goodContract(), want: Fail, says: []string{"status 502"}, e: inFlight(func(t *evidence.Termination) { t.Requests[0].Status = 502 })},
	{name: "a late one is a note", c: goodContract(), want: Pass, says: []string{"1 request over a new connection", "connection reset, 1.0 s after the deletion; it was sent after that"},
		e: inFlight(func(t *evidence.Termination) { t.Requests = append(t.Requests, failed("new", 21, 0.01, "reset")) })},
	{name: "early answer", c: goodContract(), want: Inconclusive, says: []string{"before it had read the whole body", "status 415", "http.upload"}, e: inFlight(func(t *evidence.Termination) {
		for i := range 5 {
			t.Requests[i] = evidence.Request{Stream: "slow", Start: at(19.5), End: 0.01, Status: 415, Early: true}
		}
	})},
	{name: "answered without the rest", c: goodContract(), want: Fail, says: []string{"status 401 before the rest of its body was sent"},
		e: inFlight(func(t *evidence.Termination) { t.Released = time.Time{} })},
	{name: "held as long as is promised", c: promising(7500), e: inFlight(heldInTurn), want: Pass,
		says: []string{"7.5s later (http.longest)", "5 of 5 answered", "and the last answer came 7.5 s after it"}, hides: []string{"were tried"}},
	{name: "held for less than is promised", c: promising(7500), want: Pass, says: []string{"7.5s are promised, and only 2.0 s were tried"},
		e: goodEvidence()},
	{name: "held for no longer than the grace period allows", c: promising(20000), want: Pass, says: []string{"20s are promised, and only 7.5 s were tried", "grace period of 45 s"},
		e: inFlight(heldInTurn)},
	{name: "half-graceful", c: promising(7500), want: Fail, says: []string{"3 of 5 requests", "ended 3.1 s after the deletion", "http.longest"}, e: inFlight(func(t *evidence.Termination) {
		heldInTurn(t)
		t.Seconds = 3.1
		for i := range 3 {
			t.Requests[2+i] = failed("slow", 19.5, 3.6, "closed")
		}
	})},
	{name: "aborted with 400", c: promising(7500), want: Fail, says: []string{"status 400 before the rest of its body was sent", "while nothing is stopped it is 201"}, e: uploading(201, aborted(400))},
	{name: "aborted with the status of always", c: promising(7500), want: Fail, says: []string{"status 401 before the rest"}, e: uploading(401, aborted(401))},
	{name: "not found at SIGTERM", c: promising(7500), want: Fail, says: []string{"status 404 (while nothing is stopped it is 201)"}, e: uploading(201, func(t *evidence.Termination) {
		t.Requests[3].Status = 404
	})},
	{name: "another success", c: promising(7500), want: Pass, e: uploading(201, func(t *evidence.Termination) {
		for i := range 5 {
			t.Requests[i].Status = 200
		}
	})},
	{name: "an error of always", c: promising(7500), want: Inconclusive, says: []string{"status 500 while nothing is stopped", "http.upload"}, e: uploading(500, func(t *evidence.Termination) {
		for i := range 5 {
			t.Requests[i].Status = 500
		}
	})},
	{name: "the server gives up on a body", c: promising(7500), want: Pass, says: []string{"4 of 4 answered", "and the last answer came 6.0 s after it", "gives up on a slow body"}, e: uploading(201, func(t *evidence.Termination) {
		t.Requests[4] = failed("slow", 19.5, 7, "closed")
		t.Undisturbed = ptr(failed("slow", 60, 7.1, "closed"))
	})},
	{name: "it gives up on every body", c: promising(7500), want: Inconclusive, says: []string{"gives up on a slow body", "connection closed before the response was complete after 1.1 s"}, e: uploading(201, func(t *evidence.Termination) {
		for i := range 5 {
			t.Requests[i] = failed("slow", 19.5, 1, "closed")
		}
		t.Undisturbed = ptr(failed("slow", 60, 1.1, "closed"))
	})},
	{name: "it waits for a body while nothing is stopped", c: promising(7500), want: Fail, says: []string{"1 of 5 requests"}, e: uploading(201, func(t *evidence.Termination) {
		t.Requests[4] = failed("slow", 19.5, 7, "closed")
		t.Undisturbed = ptr(evidence.Request{Stream: "slow", Start: at(60), Released: 8, End: 8.1, Status: 201})
	})},
	{name: "a hook takes all of the grace period", c: promising(7500), want: Inconclusive, says: []string{"the preStop hook took all of it", "5 requests with half of the body sent: a preStop hook left no time to answer before the grace period of 45 s was over"}, e: uploading(201, func(t *evidence.Termination) {
		t.Seconds, t.Signalled, t.Last = 45, at(63), &corev1.ContainerStateTerminated{ExitCode: 137}
		for i := range 5 {
			t.Requests[i] = failed("slow", 19.5, 45.5, "closed")
		}
	})},
	{name: "a kept connection that was just being closed", c: goodContract(), want: Pass, e: inFlight(func(t *evidence.Termination) {
		cut := failed("kept", 19.99, 0.05, "reset")
		cut.Reused, cut.Unread = true, true
		t.Requests = append(t.Requests, cut)
	})},
	{name: "a kept connection with a request that was read", c: goodContract(), want: Fail, says: []string{"over a kept connection"}, e: inFlight(func(t *evidence.Termination) {
		cut := failed("kept", 19.99, 0.05, "reset")
		cut.Reused = true
		t.Requests = append(t.Requests, cut)
	})},
	{name: "no request at all", c: goodContract(), want: Inconclusive, says: []string{"no request could be kept under way"}, e: inFlight(func(t *evidence.Termination) { t.Requests = nil })},
	{name: "before SIGTERM", c: goodContract(), want: Inconclusive, says: []string{"sent 2.0 s after the deletion", "only about 2.0 s after it", "not under way then"},
		e: inFlight(func(t *evidence.Termination) {
			t.Pod.Events = []evidence.Event{event(22, "Normal", "Killing", "Stopping container api")}
		})},
	{name: "answered before the deletion", c: goodContract(), want: Inconclusive, says: []string{"not under way then"}, e: inFlight(func(t *evidence.Termination) {
		t.Released = at(19.7)
		for i := range 5 {
			t.Requests[i] = answer("slow", 19.5, 401)
		}
	})},
	{name: "over in the preStop hook", c: goodContract(), want: Inconclusive, says: []string{"5 requests with half a body ended before SIGTERM came, about 10.0 s"},
		e: inFlight(func(t *evidence.Termination) {
			t.Seconds, t.Released = 16, time.Time{}
			t.Pod.Events = []evidence.Event{event(20, "Normal", "Killing", "Stopping container api")}
			t.Pod.Spec.Containers = []corev1.Container{{Name: "api", Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 10}}}}}
			for i := range 5 {
				t.Requests[i] = failed("slow", 19.5, 5, "closed")
			}
		})},
	{name: "after SIGTERM", c: goodContract(), want: Pass, hides: []string{"left no time to answer"},
		e: inFlight(func(t *evidence.Termination) {
			t.Pod.Events = []evidence.Event{event(20, "Normal", "Killing", "Stopping container api")}
		})},
	{name: "no slow route", c: goodContract(), want: Inconclusive, says: []string{"http.upload"}, e: inFlight(func(t *evidence.Termination) { t.Requests = t.Requests[5:] })},
	{name: "code lost", c: goodContract(), want: Inconclusive, e: inFlight(func(t *evidence.Termination) { t.Last.Reason = "ContainerStatusUnknown" })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionInFlight, func(e *evidence.Evidence) { e.InFlight = nil })},
}
