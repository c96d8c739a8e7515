package check

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// closesLast refuses a quarter of a second before the end, by a node that looked as seldom.
func closesLast(t *evidence.Termination) {
	readyToTheEnd(t, 4)
	t.Requests = append(t.Requests, failed("new", 23.75, 0.001, "refused"))
	t.ExitSource, t.ExitBlur = "node", 0.25
}

// statuses gives all answers of a stream the same status.
func statuses(t *evidence.Termination, stream string, status int) {
	for i := range t.Requests {
		if r := &t.Requests[i]; r.Stream == stream && r.Failure == "" {
			r.Status = status
		}
	}
}

// untold are requests of which no answer said Connection: close.
func untold(rs []evidence.Request) []evidence.Request {
	for i := range rs {
		rs[i].Closes = false
	}
	return rs
}

// beingClosed is a request over a kept connection that the server was closing just then.
func beingClosed(start float64) evidence.Request {
	r := failed("kept", start, 0.001, "closed")
	r.Reused, r.Unread = true, true
	return r
}

var refusesLateExamples = []example{
	{name: "not ready, then refused", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"it refused 0.1 s after the deletion (status 503 to the ready route)", "requests were sent to it meanwhile"}},
	{name: "ready to the end", c: goodContract(), want: Fail, says: []string{"took new connections until it ended"}, e: inFlight(func(t *evidence.Termination) { readyToTheEnd(t, 4) })},
	{name: "kept connection cut", c: goodContract(), want: Fail, says: []string{"a kept connection was closed, and no answer had said Connection: close"}, e: inFlight(func(t *evidence.Termination) {
		var rs []evidence.Request
		for _, r := range t.Requests {
			if r.Stream != "kept" {
				rs = append(rs, r)
			}
		}
		cut := failed("kept", 22, 0.001, "reset")
		cut.Reused = true
		ok := answer("kept", 21, 200)
		ok.Reused = true
		t.Requests = append(rs, ok, cut)
	})},
	{name: "at once", c: goodContract(), want: Pass, says: []string{"nothing came late"}, e: inFlight(func(t *evidence.Termination) { t.Seconds = 0.2 })},
	{name: "at once, after a hook of its own", c: goodContract(), want: Pass, says: []string{"6.1 s after the deletion"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 6.1)
		t.Signalled = at(26)
	})},
	{name: "at once, on a signal that came late", c: goodContract(), want: Pass, says: []string{"2.9 s after the deletion"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 2.9)
		t.Pod.Events = []evidence.Event{event(22, "Normal", "Killing", "Stopping container api")}
	})},
	{name: "at once, after a sleep", c: goodContract(), want: Pass, says: []string{"5.1 s after the deletion"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 5.1)
		t.Pod.Events = []evidence.Event{event(20, "Normal", "Killing", "Stopping container api")}
		t.Pod.Spec.Containers = []corev1.Container{{Name: "api", Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 5}}}}}
	})},
	{name: "refused about when it ended", c: goodContract(), want: Inconclusive, says: []string{"known only to within 2.0 s here (kubelet)"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		t.Requests = append(t.Requests, failed("new", 23.5, 0.001, "refused"))
		t.ExitSource = "kubelet"
	})},
	{name: "refused about when it ended, seen from beside", c: goodContract(), want: Fail, says: []string{"until it ended"}, e: inFlight(func(t *evidence.Termination) {
		closesLast(t)
		t.ExitSource = evidence.SourceEphemeral
	})},
	{name: "refused within the node's last look", c: goodContract(), want: Fail, says: []string{"until it ended"}, e: inFlight(closesLast)},
	{name: "refused a moment before its end", c: goodContract(), want: Fail, says: []string{"until it ended"}, e: inFlight(func(t *evidence.Termination) {
		closesLast(t)
		t.ExitBlur = 0.01
	})},
	{name: "refused so on a busy node, and served on until then", c: goodContract(), want: Fail, says: []string{"until it ended"}, e: pressed(inFlight(closesLast), 0.95, 0.8)},
	{name: "refused so on a busy node that let it answer nothing", c: goodContract(), want: Inconclusive, says: []string{"short of CPU"}, e: pressed(inFlight(func(t *evidence.Termination) {
		closesLast(t)
		t.Requests = slices.DeleteFunc(t.Requests, func(r evidence.Request) bool { return r.Failure == "" && r.Start.After(at(20.8)) })
	}), 0.95, 0.8)},
	{name: "killed, as without requests", c: goodContract(), want: Inconclusive, says: []string{"termination/exit-zero"}, e: with(func(e *evidence.Evidence) {
		readyToTheEnd(e.InFlight, 45.1)
		e.InFlight.Last = &corev1.ContainerStateTerminated{ExitCode: 137}
		e.Termination.Last, e.Termination.Seconds = e.InFlight.Last, 45.1
	})},
	{name: "never ready", c: goodContract(), want: Inconclusive, says: []string{"did not answer with success", "status 404"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		statuses(t, "ready", 404)
	})},
	{name: "never ready, and no new connections", c: goodContract(), want: Pass, says: []string{"no new connection taken"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		statuses(t, "ready", 404)
		t.Requests = append(t.Requests, failed("new", 22, 0.001, "refused"))
	})},
	{name: "ready is a redirect", c: goodContract(), want: Fail, says: []string{"it was ready and took new connections"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		statuses(t, "ready", 307)
	})},
	{name: "a redirect, and then not", c: goodContract(), want: Pass, says: []string{"status 503 to the ready route"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		statuses(t, "ready", 307)
		t.Requests = append(t.Requests, answer("ready", 22, 503))
	})},
	{name: "the load was refused all along", c: goodContract(), want: Fail, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		statuses(t, "new", 401)
	})},
	{name: "nothing was sent after the deletion", c: goodContract(), want: Inconclusive, says: []string{"no request was answered or refused", "termination/requests-in-flight"}, e: inFlight(func(t *evidence.Termination) { t.Requests = t.Requests[:20] })},
	{name: "the readiness route was not asked", c: goodContract(), want: Inconclusive, says: []string{"it was not asked"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		t.Requests = slices.DeleteFunc(t.Requests, func(r evidence.Request) bool { return r.Stream == "ready" })
	})},
	{name: "one kept connection was just being closed", c: goodContract(), want: Pass, says: []string{"1 request of", "met one that the server was just closing"}, e: inFlight(func(t *evidence.Termination) {
		t.Requests = append(untold(t.Requests), beingClosed(21))
	})},
	{name: "all of them, and nobody is told", c: goodContract(), want: Fail, says: []string{"2 requests of", "0 answers said Connection: close"}, e: with(func(e *evidence.Evidence) {
		e.InFlight.Requests = append(untold(e.InFlight.Requests), beingClosed(21))
		e.Rollouts[0].Requests = append(e.Rollouts[0].Requests, beingClosed(205))
	})},
	{name: "all of them, and the others are told", c: goodContract(), want: Pass, says: []string{"2 requests of"}, e: inFlight(func(t *evidence.Termination) {
		t.Requests = append(t.Requests, beingClosed(21), beingClosed(21.5))
	})},
	{name: "a clock that is ahead", c: goodContract(), want: Fail, says: []string{"took new connections until it ended"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		t.Signalled = at(27)
		t.Pod.Events = []evidence.Event{event(27, "Normal", "Killing", "Stopping container api")}
	})},
	{name: "no exit", c: goodContract(), want: Inconclusive, e: inFlight(func(t *evidence.Termination) { t.Exited, t.Last = false, nil })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionInFlight, func(e *evidence.Evidence) { e.InFlight = nil })},
}
