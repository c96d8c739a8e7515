package check

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func goodRollouts() []evidence.Rollout {
	var out []evidence.Rollout
	for i, kind := range []string{"restart", "eviction", "scale-down"} {
		began := 200 + 20*float64(i)
		o := evidence.Rollout{Kind: kind, Replicas: 2, Began: at(began), Seconds: 10, Finished: true, Before: map[string]int{"new": 200, "kept": 200}}
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
	o.Ended = []evidence.Pod{{Name: "api-1", Timeline: []evidence.Mark{watched(200.8, "deletion requested"), watched(200.9, "container api: exited with 0 (Completed)")}}}
	o.Endpoints = []evidence.Mark{watched(201.2, "service/api, pod api-1: terminating, not serving")}
}

// losingLate loses requests three seconds after the Service has been told of a pod's end.
func losingLate(o *evidence.Rollout) {
	o.Endpoints = []evidence.Mark{watched(200.4, "service/api, pod api-1: terminating, still serving"),
		watched(204, "service/api, pod api-1: terminating, not serving")}
	o.Requests[60] = failed("new", 203.4, 0.001, "refused")
	o.Requests[62] = failed("new", 203.5, 0.001, "timeout")
}

// rolledAgain loses requests late in the first restart, and changes what was seen of the second.
func rolledAgain(change func(*evidence.Rollout)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		again := goodRollouts()[0]
		losingLate(&e.Rollouts[0])
		change(&again)
		e.Rollouts = slices.Insert(e.Rollouts, 1, again)
	})
}

// answeredWith lets every request be answered with a status.
func answeredWith(os []evidence.Rollout, status int) {
	for i := range os {
		for n := range os[i].Requests {
			os[i].Requests[n].Status = status
		}
	}
}

// dropped is a request over a connection that was made, and then ended.
func dropped(stream string, start float64, how string) evidence.Request {
	r := failed(stream, start, 0.3, how)
	r.Connected = 0.001
	return r
}

// neverOver is a restart whose new pod says that it is not ready until the time is over.
func neverOver() evidence.Evidence {
	return rollouts(func(os []evidence.Rollout) {
		p := goodPod("api-3")
		notReady(&p)
		p.Events = []evidence.Event{event(205, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")}
		p.Log = []evidence.LogLine{{Text: "waiting for the lock"}}
		os[0].Finished, os[0].Unready = false, []evidence.Pod{p}
	})
}

var lostRequestsExamples = []example{
	{name: "none lost", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"0 of 400 requests lost in 3 pod ends (restart and eviction)"}, hides: []string{"confidence"}},
	{name: "lost in a restart", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) { losing(&os[0]) }),
		says: []string{"3 of 400 requests lost", "2 refused over a new connection, 1 reset over a kept connection", "1.0 s to 1.2 s after it began",
			"pod api-1: deletion requested", "terminating, not serving"}},
	{name: "sent to a pod that was long gone", c: goodContract(), want: Inconclusive, e: rollouts(func(os []evidence.Rollout) { losingLate(&os[0]) }),
		says: []string{"2 of 400 requests lost", "more than 2s after", "were slow to stop sending there"}},
	{name: "sent to a pod that was long gone, and not when tried again", c: goodContract(), want: Pass,
		e:    rolledAgain(func(*evidence.Rollout) {}),
		says: []string{"0 of 400 requests lost in 3 pod ends (restart and eviction)", "tried again: the first time the cluster sent 2 requests"}, hides: []string{"service/api"}},
	{name: "sent to a pod that was long gone, twice", c: goodContract(), want: Inconclusive, e: rolledAgain(losingLate), says: []string{"2 of 400 requests lost"}},
	{name: "sent to a pod that was long gone, and dropped when tried again", c: goodContract(), want: Fail, e: rolledAgain(losing), says: []string{"3 of 400 requests lost"}},
	{name: "sent to a pod that was long gone, and tried again in vain", c: goodContract(), want: Inconclusive,
		e: rolledAgain(func(o *evidence.Rollout) { o.Finished = false })},
	{name: "dropped, and not when tried again", c: goodContract(), want: Fail, e: with(func(e *evidence.Evidence) {
		again := e.Rollouts[0]
		again.Requests = slices.Clone(again.Requests)
		losing(&e.Rollouts[0])
		e.Rollouts = slices.Insert(e.Rollouts, 1, again)
	})},
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
	{name: "a sleep is not enough", c: goodContract(), want: Fail, says: []string{"alone is not enough: 3 of 200"}, e: with(func(e *evidence.Evidence) {
		losing(&e.Rollouts[0])
		slept := goodRollouts()[0]
		slept.PreStopSleep = 5
		losing(&slept)
		e.Rollouts = append(e.Rollouts, slept)
	})},
	{name: "a kept connection that ended on the way", c: goodContract(), want: Pass, says: []string{"1 request met the server's end of an idle connection"}, e: rollouts(func(os []evidence.Rollout) {
		r := failed("kept", 201, 0.001, "reset")
		r.Reused, r.Unread = true, true
		os[0].Requests[21] = r
	})},
	{name: "server errors", c: goodContract(), want: Fail, says: []string{"1 with status 502"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Requests[7].Status = 502 })},
	{name: "an answer that is worse than before", c: goodContract(), want: Fail, says: []string{"1 of 400 requests lost: 1 with status 404"},
		e: rollouts(func(os []evidence.Rollout) { os[0].Requests[7].Status = 404 })},
	{name: "client errors are answers where nothing is known of before", c: goodContract(), want: Pass, e: rollouts(func(os []evidence.Rollout) {
		os[0].Before = nil
		os[0].Requests[7].Status = 404
	})},
	{name: "no answer was a success", c: goodContract(), want: Inconclusive, says: []string{"status 404 from the beginning"}, e: rollouts(func(os []evidence.Rollout) {
		answeredWith(os, 404)
		for i := range os {
			os[i].Before = map[string]int{"new": 404, "kept": 404}
		}
	})},
	{name: "no answer was a success, as an older podproof tells it", c: goodContract(), want: Inconclusive, says: []string{"status 400 from the beginning"}, e: rollouts(func(os []evidence.Rollout) {
		answeredWith(os, 400)
		for i := range os {
			os[i].Before = nil
		}
	})},
	{name: "worse than an error before", c: goodContract(), want: Fail, says: []string{"1 with status 502"}, e: rollouts(func(os []evidence.Rollout) {
		answeredWith(os, 404)
		os[0].Before = map[string]int{"new": 404, "kept": 404}
		os[0].Requests[7].Status = 502
	})},
	{name: "Recreate", c: goodContract(), want: Fail, says: []string{"takes all pods away at once (strategy: Recreate)", "type: RollingUpdate"}, e: rollouts(func(os []evidence.Rollout) {
		losing(&os[0])
		os[0].Strategy = "Recreate"
	})},
	{name: "a preStop hook that failed", c: goodContract(), want: Fail, says: []string{"its preStop hook failed in the restart", `exec: "sleep"`, "use lifecycle.preStop.sleep"}, e: rollouts(func(os []evidence.Rollout) {
		losing(&os[0])
		os[0].Ended[0].Events = []evidence.Event{event(200.8, "Warning", "FailedPreStopHook", `exec: "sleep": executable file not found in $PATH`)}
	})},
	{name: "accepted by nobody, long after its time", c: goodContract(), want: Inconclusive, says: []string{"3 of 400 requests lost", "were slow to stop sending there"}, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[61] = dropped("new", 203.45, "closed")
	})},
	{name: "accepted by nobody, soon", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[61] = dropped("new", 201.45, "closed")
	})},
	{name: "cut within an answer, long after its time", c: goodContract(), want: Fail, e: rollouts(func(os []evidence.Rollout) {
		losingLate(&os[0])
		os[0].Requests[61] = dropped("new", 203.45, "closed")
		os[0].Requests[61].Answered, os[0].Requests[61].Bytes = 0.01, 3
	})},
	{name: "too few", c: goodContract(), want: Inconclusive, says: []string{"only 9 requests"},
		e: rollouts(func(os []evidence.Rollout) { os[0].Requests = os[0].Requests[:9] })},
	{name: "not over", c: goodContract(), want: Inconclusive, says: []string{"restart was not over after 10.0 s"},
		e: rollouts(func(os []evidence.Rollout) { os[0].Finished = false })},
	{name: "a pod without requests", c: goodContract(), want: Inconclusive, says: []string{"in the eviction", "did not lead to pod api-2"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Unreached = []string{"api-2"} })},
	{name: "not over, and why", c: goodContract(), want: Inconclusive, says: []string{"of the 95.0 s that its strategy", "0 of 2 pods are gone", "didn't have free ports"}, e: rollouts(func(os []evidence.Rollout) {
		os[0].Finished, os[0].Within, os[0].Seen = false, 95, "0 of 2 pods are gone, 2 of 2 Ready"
		p := goodPod("api-3")
		p.Status.ContainerStatuses = nil
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "1 node(s) didn't have free ports for the requested pod ports"}}
		os[0].Unready = []evidence.Pod{p}
	})},
	{name: "a new pod that says no for ever", c: goodContract(), want: Fail, says: []string{"pod api-3 is not Ready", "statuscode: 503", "waiting for the lock"}, e: neverOver()},
	{name: "a new pod that says no on a busy node", c: goodContract(), want: Inconclusive, says: []string{"statuscode: 503"}, e: pressed(neverOver(), 0.95, 0.8)},
	{name: "something else scales it", c: goodContract(), want: Inconclusive, says: []string{"horizontalpodautoscaler/api scaled deployment/api to 3"}, e: rollouts(func(os []evidence.Rollout) {
		os[0].Finished, os[0].Seen = false, "2 of 2 pods are gone, 3 of 2 Ready; horizontalpodautoscaler/api scaled deployment/api to 3 replicas"
	})},
	{name: "a budget that is full", c: goodContract(), want: Fail, says: []string{"poddisruptionbudget/api (minAvailable: 2) allows 0 disruptions with 2 replicas", "nothing can be drained", "Set minAvailable: 1 or maxUnavailable: 1"}, e: rollouts(func(os []evidence.Rollout) {
		os[1].Problem, os[1].Finished = "the API server refuses to evict pod api-1: Cannot evict pod", false
		os[1].Budget = &evidence.Budget{Name: "api", MinAvailable: "2", Healthy: 2, Expected: 2, Desired: 2}
	})},
	{name: "a budget that waits for a pod", c: goodContract(), want: Inconclusive, says: []string{"Cannot evict pod"}, e: rollouts(func(os []evidence.Rollout) {
		os[1].Problem, os[1].Finished = "the API server refuses to evict pod api-1: Cannot evict pod", false
		os[1].Budget = &evidence.Budget{Name: "api", MinAvailable: "2", Healthy: 1, Expected: 2, Desired: 2}
	})},
	{name: "eviction refused", c: goodContract(), want: Inconclusive, says: []string{"eviction: too many"},
		e: rollouts(func(os []evidence.Rollout) { os[1].Problem = "too many" })},
	{name: "no eviction of one replica", c: goodContract(), want: Pass, says: []string{"0 of 200", "one replica, so no eviction was tried"}, e: with(func(e *evidence.Evidence) {
		e.Workload.Replicas, e.Rollouts = 1, e.Rollouts[:1]
	})},
	{name: "the eviction was not tried", c: goodContract(), want: Inconclusive, says: []string{"the agent is gone"}, e: with(func(e *evidence.Evidence) {
		e.Rollouts, e.Missing = e.Rollouts[:1], map[evidence.Section]string{evidence.SectionRollouts: "the agent is gone"}
	})},
	{name: "no Deployment", c: goodContract(), want: Skipped, says: []string{"one by one", "termination/requests-in-flight"}, e: with(func(e *evidence.Evidence) { e.Workload.Kind = "StatefulSet" })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionRollouts, func(e *evidence.Evidence) { e.Rollouts = nil })},
}

var scaleDownExamples = []example{
	{name: "none lost", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"0 of 200"}},
	{name: "lost", c: goodContract(), want: Fail, says: []string{"scale-down"}, e: rollouts(func(os []evidence.Rollout) { losing(&os[2]) })},
	{name: "one replica", c: goodContract(), want: Skipped, e: with(func(e *evidence.Evidence) { e.Workload.Replicas = 1 })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionRollouts, func(e *evidence.Evidence) { e.Rollouts = nil })},
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
