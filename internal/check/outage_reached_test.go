package check

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func init() {
	for id, more := range map[string][]example{
		"startup/waits-for-database":       waitsMoreExamples,
		"probes/readiness-tells-the-truth": readinessMoreExamples,
		"probes/liveness-survives-outage":  livenessMoreExamples,
		"database/recovers":                recoversMoreExamples,
		"termination/exit-under-outage":    exitMoreExamples,
	} {
		examples[id] = append(examples[id], more...)
	}
}

// untouched are outages that the workload, whose database is another one, did not notice.
func untouched(connected *bool, streams ...string) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Without.BecameReady = true
		for i := range o.Trials {
			t := &o.Trials[i]
			t.Unready, t.Ready, t.Connected, t.Requests = time.Time{}, time.Time{}, connected, nil
			from := t.Began.Sub(at(0)).Seconds()
			for s := -1.0; s < 40; s++ {
				for _, stream := range streams {
					t.Requests = append(t.Requests, answer(stream, from+s, 200))
				}
			}
		}
	})
}

var (
	otherDatabase  = untouched(ptr(false), "health", "ready", "query")
	otherUnqueried = untouched(nil, "health", "ready")
	// alwaysReady does not follow its database, and has a connection to it.
	alwaysReady = untouched(ptr(true), "health", "ready")
	worker      = contractWith(func(c *contract.Contract) { c.HTTP = contract.HTTP{} })
)

// bareWorker is a worker without a probe, which had a connection before each outage.
func bareWorker(change func(*evidence.Outages)) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Without.BecameReady, o.Without.Connected = true, ptr(true)
		o.Pod.Spec.Containers = []corev1.Container{{Name: "api"}}
		for i := range o.Trials {
			t := &o.Trials[i]
			t.Unready, t.Ready, t.Requests, t.Connected, t.Reconnected = time.Time{}, time.Time{}, nil, ptr(true), t.Healed.Add(400*time.Millisecond)
			if t.Pod != nil {
				t.Pod.Spec = o.Pod.Spec
			}
		}
		change(o)
	})
}

// heldInInit is a pod whose init container ended without the database.
func heldInInit(o *evidence.Outages) {
	o.Without.Init, o.Without.InitExits, o.Without.InitLast = "migrate", 3, 1
	o.Without.InitLog = []evidence.LogLine{{Text: "connection refused"}}
}

// delayed gives the liveness probe of the frozen outage's pod a delay, at whose end it begins.
func delayed(seconds int32, change func(*evidence.Outages)) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		o.Pod.Spec.Containers[0].LivenessProbe.InitialDelaySeconds = seconds
		change(o)
	})
}

var waitsMoreExamples = []example{
	{name: "uses another database", c: queried, e: otherDatabase, want: Inconclusive,
		says: []string{"nothing shows that the workload uses the statefulset/postgres", "queries were answered as well as before", "no connection to it", "http.query"}},
	{name: "an init container ends", c: goodContract(), e: outages(heldInInit), want: Pass,
		says: []string{"its init container migrate ended 3 times, with exit code 1", "connection refused"}},
	{name: "an init container waits", c: goodContract(), want: Pass, says: []string{"its init container migrate waited"},
		e: outages(func(o *evidence.Outages) { o.Without.Init = "migrate" })},
	{name: "not started again in time", c: goodContract(), want: Inconclusive, says: []string{"container api again", "CrashLoopBackOff"},
		e: outages(func(o *evidence.Outages) {
			o.Without.Recovered, o.Without.Up, o.Trials = false, at(60), nil
			o.Pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
			o.Pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, FinishedAt: metav1.NewTime(at(50))}
		})},
	{name: "a worker connects", c: worker, e: bareWorker(func(*evidence.Outages) {}), want: Pass, says: []string{"had a connection 0.8 s after"}},
	{name: "a worker was not seen to connect", c: worker, want: Inconclusive, says: []string{"no connection of it was seen", "readiness probe (exec"},
		e: bareWorker(func(o *evidence.Outages) { o.Without.Connected = ptr(false) })},
	{name: "a worker of which nothing is seen", c: worker, want: Inconclusive, says: []string{"cannot see whether it has a connection"},
		e: bareWorker(func(o *evidence.Outages) { o.Without.Connected = nil })},
}

var readinessMoreExamples = []example{
	{name: "uses another database", c: queried, e: otherDatabase, want: Inconclusive, says: []string{"nothing shows that", "by a Service of theirs"}},
	{name: "uses another database, as far as is known", c: goodContract(), e: otherUnqueried, want: Inconclusive,
		says: []string{"neither its readiness nor its pod changed"}, hides: []string{"no connection"}},
	{name: "connected, and stays Ready", c: goodContract(), e: alwaysReady, want: Fail, says: []string{"stayed Ready for the 5.0 s"}},
	{name: "a worker without a probe", c: worker, e: bareWorker(func(*evidence.Outages) {}), want: Skipped, says: []string{"nobody sends it requests"}},
	{name: "one kind that its dependency does not know", c: goodContract(), e: outages(unfit), want: Pass, says: []string{"not tried", "no Postgres"}},
	// 503 for 40 s after its queries work again is no want of CPU.
	{name: "says no on a starved node", c: queried, want: Fail, says: []string{"not Ready for 39.8 s after its queries were answered"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[2]
		t.Ready = at(165)
		for s := 126.0; s < 164; s++ {
			t.Requests = append(t.Requests, answer("ready", s, 503))
		}
	}), 0.95, 0.8)},
	{name: "says yes on a starved node, and is not asked", c: queried, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[2]
		t.Ready = at(165)
		for s := 126.0; s < 164; s++ {
			t.Requests = append(t.Requests, answer("ready", s, 200))
		}
	}), 0.95, 0.8)},
	{name: "never Ready again on a starved node, though it says yes", c: queried, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[2]
		t.Ready = time.Time{}
		for s := 126.0; s < 164; s++ {
			t.Requests = append(t.Requests, answer("ready", s, 200))
		}
	}), 0.95, 0.8)},
	{name: "keeps saying yes on a starved node", c: queried, want: Fail, says: []string{"Ready for 19.5 s"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[3]
		t.Away, t.Unready = at(140.5), at(160)
		for s := 143.0; s < 155; s++ {
			t.Requests = append(t.Requests, answer("ready", s, 200))
		}
	}), 0.95, 0.8)},
}

// unfit is a dependency whose connections cannot be ended from within.
func unfit(o *evidence.Outages) {
	o.Trials[0] = evidence.Outage{Kind: "disconnected", Unfit: "it is no Postgres"}
}

var livenessMoreExamples = []example{
	{name: "uses another database", c: queried, e: otherDatabase, want: Inconclusive, says: []string{"nothing shows that"}},
	{name: "had not begun", c: goodContract(), want: Inconclusive, says: []string{"of which it asked for 0.0 s", "initialDelaySeconds is 600"},
		e: delayed(600, func(*evidence.Outages) {})},
	{name: "had hardly begun", c: goodContract(), want: Inconclusive, says: []string{"of which it asked for 12.0 s", "initialDelaySeconds is 150"},
		e: delayed(150, func(*evidence.Outages) {})},
	{name: "had begun", c: goodContract(), want: Pass, e: delayed(60, func(*evidence.Outages) {})},
	{name: "the manifest's delay left out", c: goodContract(), want: Pass, says: []string{"initialDelaySeconds of 60 was left out"},
		e: container(func(k *corev1.Container) { k.LivenessProbe.InitialDelaySeconds = 60 })},
	{name: "no connection ended from within", c: goodContract(), e: outages(unfit), want: Pass, says: []string{"restarted, refused and frozen", "no Postgres"}},
	{name: "a worker", c: worker, e: bareWorker(func(*evidence.Outages) {}), want: Pass, says: []string{"no liveness probe"}},
	{name: "never Ready again", c: queried, e: neverReadyAgain(), want: Inconclusive, says: []string{"did not recover from an earlier outage", "Fix probes/readiness-tells-the-truth first"}},
	{name: "a worker never runs again", c: worker, want: Inconclusive, says: []string{"did not recover from an earlier outage", "Fix database/recovers first"}, e: bareWorker(func(o *evidence.Outages) {
		o.Trials = o.Trials[:1]
		o.Trials[0].Unready = o.Trials[0].Began
	})},
	{name: "says no to podproof's own requests on a starved node", c: goodContract(), want: Fail, says: []string{"restarted once"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[3]
		o.Pod.Spec.Containers[0].LivenessProbe.HTTPGet = &corev1.HTTPGetAction{Path: "/health"}
		t.Restarts = 1
		t.Pod.Events = []evidence.Event{event(150, "Warning", "Unhealthy", "Liveness probe failed: context deadline exceeded"),
			event(150, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
		for s := 141.0; s < 150; s++ {
			t.Requests = append(t.Requests, answer("health", s, 503))
		}
	}), 0.95, 0.8)},
}

var recoversMoreExamples = []example{
	{name: "uses another database", c: queried, e: otherDatabase, want: Inconclusive, says: []string{"nothing shows that"}},
	{name: "no Postgres", c: queried, e: outages(unfit), want: Pass, says: []string{"restarted: 0.2 s, refused: 0.2 s and frozen: 0.2 s", "disconnected: it is no Postgres"}},
	{name: "says no for long on a starved node", c: queried, want: Fail, says: []string{"answered 48.2 s after it was back"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[2]
		t.Requests = []evidence.Request{answer("query", 119, 200)}
		for s := 120.0; s < 173; s++ {
			t.Requests = append(t.Requests, answer("query", s, 503))
		}
		t.Requests = append(t.Requests, answer("query", 173.19, 200))
	}), 0.95, 0.8)},
	{name: "not answered at all on a starved node", c: queried, want: Inconclusive, says: []string{"no query was answered", "short of CPU"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[2]
		t.Requests = []evidence.Request{answer("query", 119, 200), answer("query", 120.1, 503), failed("query", 126, 30, "timeout")}
	}), 0.95, 0.8)},
	{name: "a query hangs beside others that are answered on a starved node", c: queried, want: Fail, says: []string{"query route hung for 21.5 s"}, e: pressed(outages(func(o *evidence.Outages) {
		t := &o.Trials[3]
		t.Requests[2] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
		for s := 143.0; s < 163; s++ {
			t.Requests = append(t.Requests, answer("health", s, 200))
		}
	}), 0.95, 0.8)},
	{name: "a worker connects again", c: worker, e: bareWorker(func(*evidence.Outages) {}), want: Pass, says: []string{"restarted: 0.4 s", "frozen: 0.4 s"}},
	{name: "a worker ends and connects again", c: worker, want: Pass, says: []string{"by its own exit and a restart"},
		e: bareWorker(func(o *evidence.Outages) { o.Trials[1].Restarts = 1 })},
	{name: "a worker was not seen to connect again", c: worker, want: Inconclusive, says: []string{"a restart, which ends pooled connections", "no connection of it was seen"},
		e: bareWorker(func(o *evidence.Outages) { o.Trials[1].Reconnected = time.Time{} })},
	{name: "a worker does not run again", c: worker, want: Fail, says: []string{"not Ready again after the database was back"},
		e: bareWorker(func(o *evidence.Outages) { o.Trials[1].Unready = o.Trials[1].Began })},
	{name: "a worker does not run again on a starved node", c: worker, want: Inconclusive, says: []string{"not Ready again after the database was back", "short of CPU"},
		e: pressed(bareWorker(func(o *evidence.Outages) { o.Trials[1].Unready = o.Trials[1].Began }), 0.95, 0.8)},
	{name: "a worker is restarted by its liveness probe", c: worker, want: Inconclusive, says: []string{"the container was restarted once", "probes/liveness-survives-outage"},
		e: bareWorker(func(o *evidence.Outages) {
			o.Trials[1].Restarts = 1
			o.Pod.Events = []evidence.Event{event(111, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
		})},
	{name: "a worker of which nothing is seen", c: worker, want: Inconclusive, says: []string{"cannot see whether it has a connection"},
		e: bareWorker(func(o *evidence.Outages) { o.Trials[1].Connected = nil })},
}

var exitMoreExamples = []example{
	{name: "uses another database", c: queried, e: otherDatabase, want: Inconclusive, says: []string{"nothing shows that"}},
	{name: "uses another database, and takes its time", c: queried, want: Inconclusive, says: []string{"nothing shows that"}, e: func() evidence.Evidence {
		e := untouched(ptr(false), "query")
		e.OutageTermination.Seconds = 44
		return e
	}()},
	{name: "was never Ready", c: goodContract(), want: Inconclusive, says: []string{"was not Ready when it was deleted"},
		e: with(func(e *evidence.Evidence) { e.OutageTermination.WasReady = false })},
	{name: "a worker", c: worker, e: bareWorker(func(*evidence.Outages) {}), want: Pass},
}

// byProxy are outages that podproof's proxy made.
func byProxy(change func(*evidence.Outages)) evidence.Evidence {
	return outages(func(o *evidence.Outages) {
		for i := range o.Trials {
			o.Trials[i].Fault, o.Trials[i].Connected = evidence.FaultProxy, ptr(true)
			o.Trials[i].Passage = &evidence.Passage{Before: []evidence.Client{{Address: "10.244.0.7", Pod: "api-outage", Open: 2}}, Ended: 2, Resets: 7}
		}
		change(o)
	})
}

// unconnected is otherDatabase as podproof's proxy sees it.
func unconnected() evidence.Evidence {
	e := otherDatabase
	o := *e.Outages
	e.Outages, o.Trials = &o, slices.Clone(o.Trials)
	for i := range o.Trials {
		o.Trials[i].Fault = evidence.FaultProxy
	}
	return e
}

// What podproof's proxy did and counted is told as its doing; the verdicts are as they are by signals.
var proxyExamples = map[string][]example{
	"database/recovers": {
		{name: "recovers from the proxy's outages", c: queried, e: byProxy(func(*evidence.Outages) {}), want: Pass,
			says: []string{"database connections closed (by podproof's proxy): podproof's proxy in front of it counted 2 connections before, of which it ended 2, 7 attempts refused, and 0 connections afterwards",
				"connections reset and refused for a moment, as by a restart"}, hides: []string{"by the server"}},
		{name: "does not recover from the proxy's", c: queried, want: Fail, says: []string{"connections reset and refused for a moment, as by a restart): no query was answered"},
			e: byProxy(func(o *evidence.Outages) { o.Trials[1].Requests[3] = answer("query", 114, 500) })},
		{name: "by signals, and told so", c: queried, want: Pass, says: []string{"taken away on its node, since podproof's proxy cannot stand in front of it: port 53 is UDP"}, hides: []string{"counted"},
			e: outages(func(o *evidence.Outages) { o.Unproxied = "port 53 is UDP" })},
		{name: "nothing came through the proxy", c: queried, want: Inconclusive, says: []string{"podproof's proxy in front of it saw no connection of its pod before"}, e: unconnected()},
	},
	"probes/readiness-tells-the-truth": {
		{name: "follows the proxy", c: queried, e: byProxy(func(*evidence.Outages) {}), want: Pass, says: []string{"refused: not Ready 2.0 s after"}},
		{name: "had no connection through the proxy", c: queried, want: Inconclusive, says: []string{"saw no connection of its pod"}, e: unconnected()},
	},
	"probes/liveness-survives-outage": {
		{name: "no restart by the proxy's outages", c: queried, e: byProxy(func(*evidence.Outages) {}), want: Pass},
	},
}

func init() {
	for id, more := range proxyExamples {
		examples[id] = append(examples[id], more...)
	}
}

func TestTheDelayThatTheManifestDeclares(t *testing.T) {
	of := func(probe *corev1.Probe) evidence.Evidence {
		w := evidence.Workload{Container: "api"}
		w.Template.Spec.Containers = []corev1.Container{{Name: "api", LivenessProbe: probe}}
		return evidence.Evidence{Workload: &w}
	}
	for name, x := range map[string]struct {
		e    evidence.Evidence
		want int32
	}{
		"nothing was seen":    {evidence.Evidence{}, 0},
		"no liveness probe":   {of(nil), 0},
		"one without delay":   {of(&corev1.Probe{}), 0},
		"one that waits":      {of(&corev1.Probe{InitialDelaySeconds: 60}), 60},
		"of other containers": {evidence.Evidence{Workload: &evidence.Workload{Container: "api"}}, 0},
	} {
		if got := declaredDelay(x.e); got != x.want {
			t.Errorf("%s: %d, want %d", name, got, x.want)
		}
	}
}
