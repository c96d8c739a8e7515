package check

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func goodRollouts() []evidence.Rollout {
	var out []evidence.Rollout
	for i, kind := range []string{"restart", "eviction", "scale-down"} {
		began := 200 + 20*float64(i)
		o := evidence.Rollout{Kind: kind, Replicas: 2, Began: at(began), Seconds: 10, Finished: true}
		for n := range 200 {
			o.Requests = append(o.Requests, answer([]string{"new", "kept"}[n%2], began+float64(n)*0.05, 200))
		}
		out = append(out, o)
	}
	return out
}

// rollouts changes those of the good evidence.
func rollouts(change func([]evidence.Rollout)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Rollouts) })
}

// losing makes a rollout lose a few requests.
func losing(o *evidence.Rollout) {
	o.Requests[20] = failed("new", 201, 0.001, "refused")
	o.Requests[22] = failed("new", 201.1, 0.001, "refused")
	o.Requests[23] = failed("kept", 201.15, 0.001, "reset")
	o.Requests[23].Reused = true
	o.Ended = []evidence.Pod{{Name: "api-1", Timeline: []evidence.Mark{{At: at(200.8), What: "deletion requested"}, {At: at(200.9), What: "container api: exited with 0 (Completed)"}}}}
	o.Endpoints = []evidence.Mark{{At: at(201.2), What: "service/api, pod api-1: terminating, not serving"}}
}

// losingLate loses requests three seconds after the Service has been told of a pod's end.
func losingLate(o *evidence.Rollout) {
	o.Endpoints = []evidence.Mark{{At: at(200.4), What: "service/api, pod api-1: terminating, still serving"},
		{At: at(204), What: "service/api, pod api-1: terminating, not serving"}}
	o.Requests[60] = failed("new", 203.4, 0.001, "refused")
	o.Requests[62] = failed("new", 203.5, 0.001, "timeout")
}

var lostRequestsExamples = []example{
	{name: "none lost", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"0 of 400", "fewer than 0.75 %"}},
	{name: "lost in a restart", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) { losing(&os[0]) }),
		says: []string{"3 of 400 requests lost", "2 refused over a new connection, 1 reset over a kept connection", "1.0 s to 1.2 s after it began",
			"pod api-1: deletion requested", "terminating, not serving"}},
	{name: "sent to a pod that was long gone", c: goodContract(), want: Inconclusive, e: rollouts(func(os []evidence.Rollout) { losingLate(&os[0]) }),
		says: []string{"2 of 400 requests lost", "more than 2s after", "the cluster was that slow"}},
	{name: "some of them early", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[20] = failed("new", 201.5, 0.001, "refused")
	})},
	{name: "late over a kept connection", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[63] = failed("kept", 203.5, 0.001, "reset")
	})},
	{name: "a kept connection made anew", c: goodContract(), want: Inconclusive, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[63] = failed("kept", 203.5, 0.001, "refused")
	})},
	{name: "no pod was left", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Replicas = 1
	})},
	{name: "late in a restart, early in an eviction", c: goodContract(), want: Fail, says: []string{"lost: 1 refused"}, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[1].Requests[20] = failed("new", 221, 0.001, "refused")
	})},
	{name: "no pod had ended yet", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Endpoints = nil
	})},
	{name: "a sleep is enough", c: goodContract(), want: Fail, says: []string{"sleep: {seconds: 5}", "none of 200 requests was lost"}, e: with(func(e *evidence.Evidence) {
		losing(&e.Rollouts[0])
		slept := goodRollouts()[0]
		slept.PreStopSleep = 5
		e.Rollouts = append(e.Rollouts, slept)
	})},
	{name: "a sleep is not enough", c: goodContract(), want: Fail, says: []string{"alone does not mend it: 3 of 200"}, e: with(func(e *evidence.Evidence) {
		losing(&e.Rollouts[0])
		slept := goodRollouts()[0]
		slept.PreStopSleep = 5
		losing(&slept)
		e.Rollouts = append(e.Rollouts, slept)
	})},
	{name: "server errors", c: goodContract(), want: Fail, says: []string{"1 with status 502"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Requests[7].Status = 502 })},
	{name: "client errors are answers", c: goodContract(), want: Pass,
		e: rollouts(func(os []evidence.Rollout) { os[0].Requests[7].Status = 404 })},
	{name: "too few", c: goodContract(), want: Inconclusive, says: []string{"only 9 requests"},
		e: rollouts(func(os []evidence.Rollout) { os[0].Requests = os[0].Requests[:9] })},
	{name: "not over", c: goodContract(), want: Inconclusive, says: []string{"restart was not over after 10.0 s"},
		e: rollouts(func(os []evidence.Rollout) { os[0].Finished = false })},
	{name: "a pod without requests", c: goodContract(), want: Inconclusive, says: []string{"in the eviction", "did not lead to pod api-2"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Unreached = []string{"api-2"} })},
	{name: "eviction refused", c: goodContract(), want: Inconclusive, says: []string{"eviction: too many"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Problem = "too many" })},
	{name: "no eviction of one replica", c: goodContract(), want: Pass, says: []string{"0 of 200", "one replica"}, e: with(func(e *evidence.Evidence) {
		e.Workload.Replicas, e.Rollouts = 1, e.Rollouts[:1]
	})},
	{name: "the eviction was not tried", c: goodContract(), want: Inconclusive, says: []string{"the agent is gone"}, e: with(func(e *evidence.Evidence) {
		e.Rollouts, e.Missing = e.Rollouts[:1], map[evidence.Section]string{evidence.SectionRollouts: "the agent is gone"}
	})},
	{name: "no Deployment", c: goodContract(), want: Skipped, e: with(func(e *evidence.Evidence) { e.Workload.Kind = "StatefulSet" })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionRollouts, func(e *evidence.Evidence) { e.Rollouts = nil })},
}

var scaleDownExamples = []example{
	{name: "none lost", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"0 of 200"}},
	{name: "lost", c: goodContract(), want: Fail, says: []string{"scale-down"}, e: rollouts(func(os []evidence.Rollout) { losing(&os[2]) })},
	{name: "one replica", c: goodContract(), want: Skipped, e: with(func(e *evidence.Evidence) { e.Workload.Replicas = 1 })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionRollouts, func(e *evidence.Evidence) { e.Rollouts = nil })},
}

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

var inFlightExamples = []example{
	{name: "answered", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"5 of 5 answered", "2.0 s after the deletion"}},
	{name: "cut", c: goodContract(), want: Fail, says: []string{"1 request under way", "connection closed before a whole answer"},
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
	{name: "answered without the rest", c: goodContract(), want: Pass, says: []string{"before the rest of it was sent"},
		e: inFlight(func(t *evidence.Termination) { t.Released = time.Time{} })},
	{name: "before SIGTERM", c: goodContract(), want: Inconclusive, says: []string{"sent 2.0 s after the deletion", "only about 2.0 s after it", "not under way then"},
		e: inFlight(func(t *evidence.Termination) {
			t.Pod.Events = []evidence.Event{event(22, "Normal", "Killing", "Stopping container api")}
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
	{name: "after SIGTERM", c: goodContract(), want: Pass,
		e: inFlight(func(t *evidence.Termination) {
			t.Pod.Events = []evidence.Event{event(20, "Normal", "Killing", "Stopping container api")}
		})},
	{name: "no slow route", c: goodContract(), want: Inconclusive, says: []string{"http.upload"}, e: inFlight(func(t *evidence.Termination) { t.Requests = t.Requests[5:] })},
	{name: "code lost", c: goodContract(), want: Inconclusive, e: inFlight(func(t *evidence.Termination) { t.Last.Reason = "ContainerStatusUnknown" })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionInFlight, func(e *evidence.Evidence) { e.InFlight = nil })},
}

// closesLast refuses a quarter of a second before the end, by a node that looked as seldom.
func closesLast(t *evidence.Termination) {
	readyToTheEnd(t, 4)
	t.Requests = append(t.Requests, failed("new", 23.75, 0.001, "refused"))
	t.ExitSource, t.ExitBlur = "node", 0.25
}

var refusesLateExamples = []example{
	{name: "not ready, then refused", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"it refused 0.1 s after the deletion"}},
	{name: "ready to the end", c: goodContract(), want: Fail, says: []string{"took new connections until it ended"}, e: inFlight(func(t *evidence.Termination) { readyToTheEnd(t, 4) })},
	{name: "kept connection cut", c: goodContract(), want: Fail, says: []string{"cut without a word", "Connection: close"}, e: inFlight(func(t *evidence.Termination) {
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
	{name: "refused about when it ended", c: goodContract(), want: Inconclusive, says: []string{"known to 2.0 s here (kubelet)"}, e: inFlight(func(t *evidence.Termination) {
		readyToTheEnd(t, 4)
		t.Requests = append(t.Requests, failed("new", 23.5, 0.001, "refused"))
		t.ExitSource = "kubelet"
	})},
	{name: "refused within the node's last look", c: goodContract(), want: Fail, says: []string{"until it ended"}, e: inFlight(closesLast)},
	{name: "refused so on a busy node", c: goodContract(), want: Inconclusive, says: []string{"short of CPU"}, e: pressed(inFlight(closesLast), 0.95, 0.8)},
	{name: "killed, as without requests", c: goodContract(), want: Inconclusive, says: []string{"termination/exit-zero"}, e: with(func(e *evidence.Evidence) {
		readyToTheEnd(e.InFlight, 45.1)
		e.InFlight.Last = &corev1.ContainerStateTerminated{ExitCode: 137}
		e.Termination.Last, e.Termination.Seconds = e.InFlight.Last, 45.1
	})},
	{name: "no exit", c: goodContract(), want: Inconclusive, e: inFlight(func(t *evidence.Termination) { t.Exited, t.Last = false, nil })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionInFlight, func(e *evidence.Evidence) { e.InFlight = nil })},
}

// early changes the pod that was deleted while it started.
func early(change func(*evidence.Termination)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.EarlyTermination) })
}

var duringStartupExamples = []example{
	{name: "exit 0", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"exit code 0, 5.4 s after"}},
	{name: "143 before it is up", c: goodContract(), want: Pass, says: []string{"does no harm"},
		e: early(func(t *evidence.Termination) { t.Last = &corev1.ContainerStateTerminated{ExitCode: 143} })},
	{name: "deaf while it starts", c: goodContract(), want: Fail, says: []string{"exit code 137", "drops a signal that PID 1 has no handler for", "tini"},
		e: early(func(t *evidence.Termination) {
			t.Last, t.Seconds = &corev1.ContainerStateTerminated{ExitCode: 137}, 45.1
		})},
	{name: "deaf on a busy node", c: goodContract(), want: Inconclusive, says: []string{"before its first line ran", "short of CPU"},
		e: pressed(early(func(t *evidence.Termination) {
			t.Last, t.Seconds = &corev1.ContainerStateTerminated{ExitCode: 137}, 45.1
		}), 0.95, 0.8)},
	{name: "deaf ever after", c: goodContract(), want: Inconclusive, says: []string{"as it does once it is up", "termination/exit-zero"}, e: with(func(e *evidence.Evidence) {
		for _, t := range []*evidence.Termination{e.Termination, e.EarlyTermination} {
			t.Last, t.Seconds = &corev1.ContainerStateTerminated{ExitCode: 137}, 45.1
		}
	})},
	{name: "crashes", c: goodContract(), want: Fail, says: []string{"SIGSEGV"},
		e: early(func(t *evidence.Termination) { t.Last = &corev1.ContainerStateTerminated{ExitCode: 139} })},
	{name: "too late", c: contractWith(func(c *contract.Contract) { c.Termination.Within = contract.Duration(5e9) }), e: goodEvidence(), want: Fail, says: []string{"5.4 s after"}},
	{name: "never ran", c: goodContract(), want: Inconclusive, e: early(func(t *evidence.Termination) { t.WasRunning = false })},
	{name: "not observed", c: goodContract(), want: Inconclusive,
		e: without(evidence.SectionEarlyTermination, func(e *evidence.Evidence) { e.EarlyTermination = nil })},
}
