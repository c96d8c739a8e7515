package check

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// goodSlow is a database that is slow twice, while queries are, too, and the pod is not Ready for a
// time.
func goodSlow() *evidence.Outages {
	o := goodOutages()
	o.Without, o.Pod.Name, o.Pod.UID = nil, "api-slow", "uid-api-slow"
	o.Trials = []evidence.Outage{goodSlowness(evidence.OutageSlow200ms, 200, 208, 0.41), goodSlowness(evidence.OutageSlow2s, 220, 243, 2.1)}
	o.Trials[1].Unready, o.Trials[1].Ready = at(225), at(244)
	return o
}

func goodSlowness(kind string, began, healed, takes float64) evidence.Outage {
	yes := true
	o := evidence.Outage{Kind: kind, Fault: evidence.FaultProxy, Began: at(began), Away: at(began + 0.1), Healed: at(healed), Connected: &yes,
		Passage: &evidence.Passage{Before: []evidence.Client{{Address: "10.244.0.7", Pod: "api-slow", Open: 2}},
			During: []evidence.Client{{Address: "10.244.0.7", Pod: "api-slow", Open: 2, Sent: 900, Received: 4000}},
			After:  []evidence.Client{{Address: "10.244.0.7", Pod: "api-slow", Open: 2}}}}
	for _, stream := range []string{"health", "ready", "query"} {
		o.Requests = append(o.Requests, answer(stream, began-1, 200))
		r := answer(stream, began+1, 200)
		if stream != "health" {
			r.End = takes
		}
		o.Requests = append(o.Requests, r, answer(stream, healed+0.2, 200))
	}
	return o
}

// slowly changes that of the good evidence.
func slowly(change func(*evidence.Outages)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Slow) })
}

// stoodIdle is a workload whose connections came through the proxy, and were of no use meanwhile.
func stoodIdle() evidence.Evidence {
	return slowly(func(o *evidence.Outages) {
		for i := range o.Trials {
			t := &o.Trials[i]
			t.Passage.During, t.Unready, t.Ready = []evidence.Client{{Address: "10.244.0.7", Pod: "api-slow", Open: 2}}, time.Time{}, time.Time{}
			for k := range t.Requests {
				t.Requests[k].End = 0.01
			}
		}
	})
}

var databaseSlowExamples = []example{
	{name: "bears it", c: queried, e: goodEvidence(), want: Pass,
		says: []string{"200 ms for each round trip, for 8.0 s: an answer of the query route took 0.41 s (0.01 s before)", "2 s for each round trip, for 23.0 s", "not Ready for the first time 5.0 s after it began", "database slow (200 ms for each round trip): podproof's proxy",
			"podproof's proxy in front of it counted 2 connections before, 0 new ones and 4900 bytes meanwhile, and 2 connections afterwards"}},
	{name: "queries that fail meanwhile are no broken promise", c: queried, want: Pass, says: []string{"1 of 1 request came to nothing"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Requests[7].Status = 503
	})},
	{name: "is restarted by its liveness probe", c: queried, want: Fail, says: []string{"database slow (2 s for each round trip): the liveness probe had the container restarted once"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Restarts = 1
		o.Pod.Events = []evidence.Event{event(230, "Warning", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503"), event(230, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	})},
	{name: "was being restarted when it was over", c: queried, want: Fail, says: []string{"the liveness probe had the container stopped"}, e: slowly(func(o *evidence.Outages) {
		o.Pod.Events = []evidence.Event{event(242, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	})},
	{name: "is restarted on a busy node", c: queried, want: Inconclusive, says: []string{"had the container restarted once", "short of CPU"}, e: pressed(slowly(func(o *evidence.Outages) {
		o.Trials[1].Restarts = 1
		o.Pod.Events = []evidence.Event{event(230, "Warning", "Unhealthy", "Liveness probe failed: context deadline exceeded"), event(230, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
	}), 0.95, 0.8)},
	{name: "ends by itself", c: queried, want: Fail, says: []string{"ended by itself and was restarted once", "while its database is slow"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[0].Restarts = 1
	})},
	{name: "is never Ready again", c: queried, want: Fail, says: []string{"not Ready again after the database was fast again"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Ready = time.Time{}
	})},
	{name: "its queries fail for ever", c: queried, want: Fail, says: []string{"no query was answered after it was fast again", "status 500", "log:", "It had 2 connections to the database, and 2 afterwards", "replace a connection"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Requests[8].Status = 500
	})},
	{name: "its pool grows and grows", c: queried, want: Fail, says: []string{"It had 2 connections to the database, and made 95 more while that was slow", "limit the pool's size"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Requests[8].Status, o.Trials[1].Passage.During[0].Accepted = 500, 95
	})},
	{name: "its pool is empty afterwards", c: queried, want: Fail, says: []string{"had none afterwards", "connect again"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Ready, o.Trials[1].Passage.After = time.Time{}, nil
	})},
	{name: "whose connections those are is not known", c: queried, want: Fail, hides: []string{"It had "}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Requests[8].Status, o.Trials[1].Passage = 500, nil
	})},
	{name: "its queries come late on a busy node", c: queried, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(slowly(func(o *evidence.Outages) {
		o.Trials[1].Requests[8].Start = at(290)
	}), 0.95, 0.8)},
	{name: "one of them was not tried", c: queried, want: Inconclusive, says: []string{"slow-2s was not tried"}, e: slowly(func(o *evidence.Outages) { o.Trials = o.Trials[:1] })},
	{name: "one of them went wrong", c: queried, want: Inconclusive, says: []string{"slow-2s: the proxy has ended"}, e: slowly(func(o *evidence.Outages) { o.Trials[1].Problem = "the proxy has ended" })},
	{name: "no proxy can stand there", c: queried, want: Inconclusive, says: []string{"cannot stand in front of statefulset/postgres: no Service", "skip"}, e: slowly(func(o *evidence.Outages) {
		o.Unproxied = "no Service of the manifests leads to it"
		for i := range o.Trials {
			o.Trials[i] = evidence.Outage{Kind: o.Trials[i].Kind, Unfit: "cannot go away like that"}
		}
	})},
	{name: "nothing passed, and nothing got slow", c: queried, want: Inconclusive, says: []string{"nothing shows that the workload asked the statefulset/postgres", "slow-200ms and slow-2s"}, e: slowly(func(o *evidence.Outages) {
		for i := range o.Trials {
			t := &o.Trials[i]
			t.Passage, t.Unready, t.Ready = &evidence.Passage{}, time.Time{}, time.Time{}
			for k := range t.Requests {
				t.Requests[k].End = 0.01
			}
		}
	})},
	{name: "its connections stood idle", c: queried, want: Inconclusive, says: []string{"did not ask the statefulset/postgres while that was slow (slow-200ms and slow-2s)", "counted 2 connections of its pod's and no byte", "as from a cache"},
		hides: []string{"a Service of theirs"}, e: stoodIdle()},
	{name: "its connections stood idle, and no query is known", c: goodContract(), want: Inconclusive, says: []string{"name a route whose answer comes from the database"}, hides: []string{"cache"}, e: stoodIdle()},
	{name: "a worker's connection stood idle", c: worker, want: Inconclusive, says: []string{"Let the worker ask its database something every few seconds"}, e: stoodIdle()},
	{name: "what another pod sent proves nothing", c: queried, want: Inconclusive, says: []string{"slow-200ms"}, e: slowly(func(o *evidence.Outages) {
		t := &o.Trials[0]
		t.Passage.During[0].Pod = "pgbouncer-0"
		for k := range t.Requests {
			t.Requests[k].End = 0.01
		}
	})},
	{name: "the liveness probe did not ask for long enough", c: queried, want: Inconclusive, says: []string{"gives up after 15.0 s"}, e: slowly(func(o *evidence.Outages) {
		o.Trials[1].Healed, o.Trials[1].Unready, o.Trials[1].Ready = at(230), time.Time{}, time.Time{}
		o.Trials[1].Requests[8].Start = at(230.2)
	})},
	{name: "no liveness probe", c: queried, want: Pass, e: slowly(func(o *evidence.Outages) { o.Pod.Spec.Containers[0].LivenessProbe = nil })},
	{name: "a worker that has its connection", c: worker, want: Pass, e: slowly(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Requests, o.Trials[i].Reconnected = nil, o.Trials[i].Healed
		}
	})},
	{name: "a worker whose connection was not seen again", c: worker, want: Inconclusive, says: []string{"no connection of it was seen"}, e: slowly(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Requests = nil
		}
	})},
	{name: "its container was not seen", c: queried, want: Inconclusive, says: []string{"its liveness probe is not known"}, e: slowly(func(o *evidence.Outages) { o.Pod.Spec = corev1.PodSpec{} })},
	{name: "cut off", c: queried, want: Inconclusive, says: []string{"no room"}, e: with(func(e *evidence.Evidence) {
		e.Slow.Trials, e.Missing = e.Slow.Trials[:1], map[evidence.Section]string{evidence.SectionSlow: "no room for another namespace"}
	})},
	{name: "not observed", c: queried, want: Inconclusive, e: without(evidence.SectionSlow, func(e *evidence.Evidence) { e.Slow = nil })},
	{name: "no dependency", c: noDeps, want: Skipped, e: with(func(e *evidence.Evidence) { e.Slow = nil })},
}
