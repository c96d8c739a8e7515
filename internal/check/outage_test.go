package check

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func goodOutages() *evidence.Outages {
	p := goodPod("api-outage")
	p.Spec.Containers = []corev1.Container{{Name: "api",
		ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 3, FailureThreshold: 2},
		LivenessProbe:  &corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 5, FailureThreshold: 3}}}
	return &evidence.Outages{Dependency: "statefulset/postgres", Pod: p,
		Without: &evidence.StartWithout{Waited: 5, Recovered: true, After: 0.8},
		Trials: []evidence.Outage{
			goodOutage("disconnected", 100, 100.2), goodOutage("restarted", 110, 113),
			goodOutage("refused", 120, 125), frozenApart(p),
		}}
}

// frozenApart is the outage that is tried in a namespace of its own.
func frozenApart(p evidence.Pod) evidence.Outage {
	o := goodOutage("frozen", 140, 163)
	p.Name, p.Status.ContainerStatuses = "api-frozen", slices.Clone(p.Status.ContainerStatuses)
	o.Pod = &p
	return o
}

// goodOutage is noticed after two seconds, where it lasts that long, and over after one.
func goodOutage(kind string, began, healed float64) evidence.Outage {
	o := evidence.Outage{Kind: kind, Began: at(began), Away: at(began + 0.1), Healed: at(healed), Requests: []evidence.Request{
		answer("query", began-1, 200), answer("health", began+0.1, 200), answer("query", began+0.1, 503), answer("query", healed+0.2, 200),
		answer("ready", healed+0.2, 200)}}
	if healed-began > 4 {
		o.Unready, o.Ready = at(began+2), at(healed+1)
	}
	return o
}

func answer(stream string, start float64, status int) evidence.Request {
	return evidence.Request{Stream: stream, Start: at(start), Connected: 0.001, Answered: 0.01, End: 0.01, Status: status}
}

func failed(stream string, start, after float64, how string) evidence.Request {
	return evidence.Request{Stream: stream, Start: at(start), End: after, Failure: how, Error: "dial tcp 10.0.0.1:8000: " + how}
}

// outages changes those of the good evidence.
func outages(change func(*evidence.Outages)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Outages) })
}

var (
	noOutages = without(evidence.SectionOutages, func(e *evidence.Evidence) { e.Outages = nil })
	noDeps    = contractWith(func(c *contract.Contract) { c.Dependencies = nil })
	notTried  = outages(func(o *evidence.Outages) {
		o.Trials = []evidence.Outage{{Kind: "frozen", Problem: "no container runs"}}
	})
	// answeredThrough is a frozen database that answers from the sixth second on.
	answeredThrough = outages(func(o *evidence.Outages) {
		t := &o.Trials[3]
		t.Unready, t.Ready = time.Time{}, time.Time{}
		t.Requests = append(t.Requests, answer("query", 142.5, 503), answer("query", 146.4, 200), answer("query", 160, 200))
	})
	onlyFrozen = with(func(e *evidence.Evidence) {
		e.Outages.Without, e.Outages.Pod, e.Outages.Trials = nil, evidence.Pod{}, e.Outages.Trials[3:]
		e.Missing = map[evidence.Section]string{evidence.SectionOutages: "no room for a second namespace"}
	})
	neverUpApart = outages(func(o *evidence.Outages) { o.Without.Recovered, o.Trials = false, o.Trials[3:] })
	neverUp      = outages(func(o *evidence.Outages) { o.Without.Recovered, o.Trials = false, nil })
	nothingLeft  = outages(func(o *evidence.Outages) { o.Trials = nil })
)

// lostForGood lets no query be answered any more from one of the outages on, so that no other was tried.
func lostForGood(n int) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Trials = o.Trials[:n+1]
		last := &o.Trials[n]
		last.Unready, last.Ready = last.Began.Add(time.Second), time.Time{}
		last.Requests[3] = answer("query", last.Healed.Sub(at(0)).Seconds()+20, 503)
	})
}

// neverReadyAgain keeps the pod from being Ready after the first outage, though it answers queries.
func neverReadyAgain() evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Trials = o.Trials[:1]
		o.Trials[0].Unready = o.Trials[0].Began.Add(time.Second)
	})
}

var waitsForDatabaseExamples = []example{
	{name: "waits", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"not Ready in the 5.0 s without it", "Ready 0.8 s after"}},
	{name: "is restarted", c: goodContract(), want: Pass, says: []string{"ended 3 times, with exit code 1"},
		e: outages(func(o *evidence.Outages) { o.Without.Exits, o.Without.LastExit = 3, 1 })},
	{name: "is restarted by its liveness probe", c: goodContract(), want: Pass, says: []string{"liveness probe had it restarted once"}, hides: []string{"take for success"},
		e: outages(func(o *evidence.Outages) {
			o.Without.Exits = 1
			o.Pod.Events = []evidence.Event{event(50, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
		})},
	{name: "ends with 0", c: goodContract(), want: Pass, says: []string{"take for success"},
		e: outages(func(o *evidence.Outages) { o.Without.Exits = 1 })},
	{name: "Ready without it", c: goodContract(), want: Fail, says: []string{"Ready without its database"},
		e: outages(func(o *evidence.Outages) { o.Without.BecameReady = true })},
	{name: "gives up", c: goodContract(), e: neverUp, want: Fail, says: []string{"not Ready 0.8 s after the database was there"}},
	{name: "not observed", c: goodContract(), e: noOutages, want: Inconclusive},
	{name: "no dependency", c: noDeps, e: noOutages, want: Skipped},
}

var readinessTruthExamples = []example{
	{name: "follows", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"refused: not Ready 2.0 s after it began, Ready 1.0 s after it was over"}},
	{name: "stays Ready", c: goodContract(), want: Fail, says: []string{"nobody listening", "stayed Ready for the 5.0 s"},
		e: outages(func(o *evidence.Outages) { o.Trials[2].Unready = time.Time{} })},
	{name: "not away in earnest", c: queried, e: answeredThrough, want: Inconclusive, says: []string{"frozen: a query was answered with success 20.0 s after it began"}},
	{name: "stays Ready with what it keeps", c: queried, want: Fail, says: []string{"stayed Ready for the 5.0 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[2]
			t.Unready, t.Ready = time.Time{}, time.Time{}
			t.Requests = append(t.Requests, answer("query", 122.2, 200), answer("query", 124, 503))
		})},
	{name: "stays Ready, and its queries do not ask", c: queried, want: Fail, says: []string{"stayed Ready for the 5.0 s"},
		e: outages(func(o *evidence.Outages) {
			for i := 2; i < 4; i++ {
				t := &o.Trials[i]
				t.Unready, t.Ready = time.Time{}, time.Time{}
				t.Requests = append(t.Requests, answer("query", t.Began.Sub(at(0)).Seconds()+3, 200))
			}
		})},
	{name: "does not come back", c: goodContract(), want: Fail, says: []string{"never answered", "not Ready again"},
		e: outages(func(o *evidence.Outages) { o.Trials[3].Ready = time.Time{} })},
	{name: "Ready until it was over", c: goodContract(), want: Fail, says: []string{"never answered", "stayed Ready for the 23.0 s"},
		e: outages(func(o *evidence.Outages) { o.Trials[3].Unready, o.Trials[3].Ready = at(163.2), at(164) })},
	{name: "unready too late", c: goodContract(), want: Fail, says: []string{"Ready for 19.5 s without its database", "gives up after 6.0 s"},
		e: outages(func(o *evidence.Outages) { o.Trials[3].Away, o.Trials[3].Unready = at(140.5), at(160) })},
	{name: "unready too late on a busy node", c: goodContract(), want: Inconclusive, says: []string{"Ready for 19.5 s", "short of CPU"}, e: pressed(
		outages(func(o *evidence.Outages) { o.Trials[3].Away, o.Trials[3].Unready = at(140.5), at(160) }), 0.95, 0.8)},
	{name: "unready too late, and its route says no from the beginning", c: goodContract(), want: Pass, says: []string{"frozen: its readiness route said no, and the kubelet was late", "Ready for 19.5 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[3]
			t.Away, t.Unready = at(140.5), at(160)
			t.Requests = append(t.Requests, answer("ready", 143, 503), answer("ready", 146, 503), answer("ready", 149, 503), failed("ready", 150, 3, "timeout"))
		})},
	{name: "unready too late, and its route says nothing", c: goodContract(), want: Fail, says: []string{"Ready for 19.5 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[3]
			t.Away, t.Unready = at(140.5), at(160)
			t.Requests = append(t.Requests, failed("ready", 143, 3, "timeout"), failed("ready", 146, 3, "timeout"), failed("ready", 149, 3, "timeout"))
		})},
	{name: "unready too late, and its probe asks something else than the route", c: goodContract(), want: Fail, says: []string{"Ready for 19.5 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[3]
			spec := t.Pod.Spec.DeepCopy()
			spec.Containers[0].ReadinessProbe.Exec = &corev1.ExecAction{Command: []string{"true"}}
			t.Pod.Spec, o.Pod.Spec = *spec, *spec
			t.Away, t.Unready = at(140.5), at(160)
			t.Requests = append(t.Requests, answer("ready", 143, 503), answer("ready", 146, 503), answer("ready", 149, 503))
		})},
	{name: "unready too late, and its route says yes for a time", c: goodContract(), want: Fail, says: []string{"Ready for 19.5 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[3]
			t.Away, t.Unready = at(140.5), at(160)
			t.Requests = append(t.Requests, answer("ready", 143, 200), answer("ready", 152, 503), answer("ready", 153, 503), answer("ready", 154, 503))
		})},
	{name: "stays Ready, and its route says no", c: goodContract(), want: Fail, says: []string{"stayed Ready for the 23.0 s"},
		e: outages(func(o *evidence.Outages) {
			t := &o.Trials[3]
			t.Unready, t.Ready = time.Time{}, time.Time{}
			t.Requests = append(t.Requests, answer("ready", 143, 503), answer("ready", 146, 503), answer("ready", 149, 503))
		})},
	{name: "Ready again too late", c: queried, want: Fail, says: []string{"not Ready for 29.8 s after its queries were answered", "needs 3.0 s"},
		e: outages(func(o *evidence.Outages) { o.Trials[2].Away, o.Trials[2].Ready = at(120.2), at(155) })},
	{name: "only by a restart", c: goodContract(), want: Inconclusive, says: []string{"restarted once", "probes/liveness-survives-outage"},
		e: outages(func(o *evidence.Outages) { o.Trials[3].Restarts = 1 })},
	{name: "has lost its database for good", c: queried, want: Inconclusive, e: lostForGood(3), says: []string{"it is right that the pod is not Ready", "database/recovers"}},
	{name: "had lost it before", c: queried, want: Inconclusive, e: lostForGood(0), says: []string{"it is right that the pod is not Ready", "database connections closed (by the server): no query was answered after it", "database/recovers"}},
	{name: "is never Ready again", c: queried, want: Fail, e: neverReadyAgain(), says: []string{"database connections closed (by the server)", "though queries were answered"}},
	{name: "no probe", c: goodContract(), want: Inconclusive, says: []string{"probes/declared"},
		e: outages(func(o *evidence.Outages) { o.Pod.Spec.Containers[0].ReadinessProbe = nil })},
	{name: "only the frozen one tried", c: goodContract(), e: onlyFrozen, want: Inconclusive, says: []string{"not all outages", "no room"}},
	{name: "nothing tried", c: goodContract(), e: notTried, want: Inconclusive, says: []string{"no container runs"}},
	{name: "never up", c: goodContract(), e: neverUp, want: Inconclusive, says: []string{"startup/waits-for-database"}},
	{name: "never up but in the frozen one", c: goodContract(), e: neverUpApart, want: Inconclusive, says: []string{"startup/waits-for-database"}},
	{name: "cut off", c: goodContract(), e: nothingLeft, want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noOutages, want: Inconclusive},
	{name: "no dependency", c: noDeps, e: noOutages, want: Skipped},
}

var livenessOutageExamples = []example{
	{name: "no restart", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"outages of up to 23.0 s", "gives up after 15.0 s"}},
	{name: "restarted", c: goodContract(), want: Fail, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Restarts = 2
		o.Trials[3].Pod.Events = []evidence.Event{event(150, "Warning", "Unhealthy", "Liveness probe failed: timeout"), event(150, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	}), says: []string{"the liveness probe had the container restarted 2 times", "Liveness probe failed"}, hides: []string{"log:"}},
	{name: "on its way out", c: goodContract(), want: Fail, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Pod.Events = []evidence.Event{event(150, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	}), says: []string{"the liveness probe had the container stopped"}},
	{name: "killed before the outages", c: goodContract(), want: Pass, e: outages(func(o *evidence.Outages) {
		o.Pod.Events = []evidence.Event{event(60, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	})},
	{name: "ends by itself", c: goodContract(), want: Fail, e: outages(func(o *evidence.Outages) {
		o.Trials[0].Restarts = 1
		o.Pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 3}
	}), says: []string{"ended by itself and was restarted once, the last time with exit code 3", "go on without its database", "log:"}},
	{name: "lost its database for good", c: queried, want: Inconclusive, e: lostForGood(0), says: []string{"did not recover from an earlier outage", "database/recovers"}},
	{name: "its container was not seen", c: goodContract(), want: Inconclusive, says: []string{"its liveness probe is not known"},
		e: outages(func(o *evidence.Outages) { o.Pod.Spec.Containers, o.Trials[3].Pod.Spec.Containers = nil, nil })},
	{name: "no probe", c: goodContract(), want: Pass, says: []string{"no liveness probe"},
		e: outages(func(o *evidence.Outages) { o.Pod.Spec.Containers[0].LivenessProbe = nil })},
	{name: "only the frozen one tried", c: goodContract(), e: onlyFrozen, want: Inconclusive, says: []string{"not all outages", "no room"}},
	{name: "not away in earnest", c: queried, e: answeredThrough, want: Inconclusive, says: []string{"did not come from it"}},
	{name: "too short to tell", c: goodContract(), want: Inconclusive, says: []string{"gives up after 15.0 s"},
		e: outages(func(o *evidence.Outages) { o.Trials[3].Healed = o.Trials[3].Began.Add(10 * time.Second) })},
	{name: "the frozen one not tried", c: goodContract(), want: Inconclusive, says: []string{"missing: frozen"},
		e: outages(func(o *evidence.Outages) { o.Trials = o.Trials[:3] })},
	{name: "never up beside its database's return", c: goodContract(), e: neverUpApart, want: Inconclusive, says: []string{"startup/waits-for-database", "disconnected, restarted and refused"}},
	{name: "nothing tried", c: goodContract(), e: notTried, want: Inconclusive},
	{name: "never up", c: goodContract(), e: neverUp, want: Inconclusive},
	{name: "no dependency", c: noDeps, e: noOutages, want: Skipped},
}

// queried is the good contract with a route that asks the database.
var queried = contractWith(func(c *contract.Contract) { c.HTTP.Query = &contract.Route{Path: "/q"} })

var databaseRecoversExamples = []example{
	{name: "recovers", c: queried, e: goodEvidence(), want: Pass, says: []string{"disconnected: 0.2 s, restarted: 0.2 s, refused: 0.2 s and frozen: 0.2 s"}},
	{name: "a dead pool", c: queried, want: Fail, says: []string{"a restart, which ends pooled connections", "no query was answered", "the last answer of the query route (GET /q): status 500"}, e: outages(func(o *evidence.Outages) {
		o.Trials[1].Requests[3] = answer("query", 114, 500)
	})},
	{name: "a query that is never answered", c: queried, want: Fail, says: []string{"the last request to the query route (GET /q) waited 30.0 s and got no answer"}, e: outages(func(o *evidence.Outages) {
		o.Trials[1].Requests[3] = failed("query", 114, 30, "timeout")
	})},
	{name: "the next outage finds it like that", c: queried, want: Fail, says: []string{"database connections closed (by the server): no query was answered after they were closed, for ", "the query route gave no success before this outage (status 503"}, hides: []string{"(a restart, which ends pooled connections): no query"},
		e: outages(func(o *evidence.Outages) {
			for i, t := range o.Trials[:2] {
				for k := range t.Requests {
					if r := &t.Requests[k]; r.Stream == "query" && (i > 0 || r.Start.After(t.Healed.Add(-time.Millisecond))) {
						r.Status = 503
					}
				}
			}
		})},
	{name: "too late", c: queried, want: Fail, says: []string{"answered 40.0 s after it was back"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[3] = answer("query", 163+39.99, 200)
	})},
	{name: "only by a restart", c: queried, want: Inconclusive, says: []string{"restarted once", "probes/liveness-survives-outage"}, e: outages(func(o *evidence.Outages) { o.Trials[0].Restarts = 1 })},
	{name: "never again", c: queried, want: Fail, e: lostForGood(0), says: []string{"no query was answered"}, hides: []string{"not tried"}},
	{name: "hangs", c: queried, want: Fail, says: []string{"health route was not answered at all", "after 30.0 s"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[1] = failed("health", 141, 30, "timeout")
	})},
	{name: "hangs until it is back", c: queried, want: Fail, says: []string{"query route hung for 21.5 s, until the database was back"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
	})},
	{name: "hangs on a busy node", c: queried, want: Inconclusive, says: []string{"hung for 21.5 s", "short of CPU"}, e: pressed(outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
	}), 0.95, 0.8)},
	{name: "kept by a podproof that did not ask for it", c: queried, want: Pass, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Away = time.Time{}
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
	})},
	{name: "ten seconds", c: queried, want: Pass, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 10.2, Status: 503}
	})},
	{name: "an error that takes its time", c: queried, want: Fail, says: []string{"query route was answered only after 12.0 s: status 503"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 12, Status: 503}
	})},
	{name: "a query that never succeeds", c: queried, want: Inconclusive, says: []string{"before the database was away the query route gave no success: status 401", "header and body"}, hides: []string{"no query was answered"}, e: outages(func(o *evidence.Outages) {
		for _, t := range o.Trials {
			for i := range t.Requests {
				if t.Requests[i].Stream == "query" {
					t.Requests[i].Status = 401
				}
			}
		}
	})},
	{name: "a query that does not ask", c: queried, want: Inconclusive, says: []string{"it does not ask the database", "http.query"}, e: outages(func(o *evidence.Outages) {
		for i, t := range o.Trials {
			o.Trials[i].Requests = append(t.Requests, answer("query", t.Began.Sub(at(0)).Seconds()+2.5, 200))
		}
	})},
	{name: "slow, not hanging", c: queried, want: Pass, says: []string{"slowest answer of the query route: status 503 after 5.0 s"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Requests[2] = evidence.Request{Stream: "query", Start: at(141), End: 5, Status: 503}
	})},
	{name: "the readiness route stands in", c: goodContract(), want: Pass, says: []string{"the contract names no http.query"}, e: outages(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Requests = []evidence.Request{answer("ready", 99, 200), {Stream: "ready", Start: o.Trials[i].Healed, End: 0.3, Status: 200}}
		}
	})},
	{name: "a readiness route that tells nothing", c: goodContract(), want: Inconclusive, says: []string{"http.query"}, e: outages(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Requests = []evidence.Request{{Stream: "ready", Start: o.Trials[i].Healed, End: 0.3, Status: 200}}
		}
		o.Trials[2].Unready = time.Time{}
	})},
	{name: "only the frozen one tried", c: queried, e: onlyFrozen, want: Inconclusive, says: []string{"not all outages", "no room"}},
	{name: "not away in earnest", c: queried, e: answeredThrough, want: Inconclusive, says: []string{"did not come from it"}},
	{name: "no query sent", c: queried, want: Inconclusive, e: outages(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Requests = nil
		}
	})},
	{name: "never up but in the frozen one", c: queried, e: neverUpApart, want: Inconclusive, says: []string{"startup/waits-for-database"}},
	{name: "frozen had a problem", c: queried, want: Inconclusive, says: []string{"frozen: no container runs"}, e: outages(func(o *evidence.Outages) {
		o.Trials[3].Problem = "no container runs"
	})},
	{name: "nothing tried", c: queried, e: notTried, want: Inconclusive},
	{name: "no dependency", c: noDeps, e: noOutages, want: Skipped},
}

var exitUnderOutageExamples = []example{
	{name: "ends", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Shutdown with a frozen database OK (exit 0)"}},
	{name: "could not be frozen", c: queried, want: Inconclusive, says: []string{"frozen: no container runs"}, e: with(func(e *evidence.Evidence) {
		e.OutageTermination, e.Outages.Trials[3].Problem = nil, "no container runs"
	})},
	{name: "not frozen in earnest", c: queried, e: answeredThrough, want: Inconclusive, says: []string{"did not come from it", "exit code 0"}},
	{name: "hangs", c: goodContract(), want: Fail, says: []string{"exit code 137", "45.0 s after", "SIGKILL at the end of the grace period of 45 s"}, e: with(func(e *evidence.Evidence) {
		e.OutageTermination.Last, e.OutageTermination.Seconds = &corev1.ContainerStateTerminated{ExitCode: 137}, 45
	})},
	{name: "as always", c: goodContract(), want: Inconclusive, says: []string{"termination/exit-zero"}, e: with(func(e *evidence.Evidence) {
		e.OutageTermination.Last = &corev1.ContainerStateTerminated{ExitCode: 1}
		e.Termination.Last = &corev1.ContainerStateTerminated{ExitCode: 1}
	})},
	{name: "code lost", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) { e.OutageTermination.Last.Reason = "ContainerStatusUnknown" })},
	{name: "not observed", c: goodContract(), want: Inconclusive,
		e: without(evidence.SectionOutageTermination, func(e *evidence.Evidence) { e.OutageTermination = nil })},
	{name: "no dependency", c: noDeps, want: Skipped, e: with(func(e *evidence.Evidence) { e.OutageTermination = nil })},
}
