package check

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func init() {
	bothBroken.Outages.Without.BecameReady = true
	for id, more := range dependenciesExamples {
		examples[id] = append(examples[id], more...)
	}
}

// dependenciesExamples are those of contracts with two dependencies, by check.
var dependenciesExamples = map[string][]example{
	"startup/waits-for-database": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass,
			says: []string{db + ": not Ready in the 5.0 s without it", cache + ": Ready in the 5.0 s without it, and Ready when the cache was there", "Start before its database OK, Start without the optional cache OK"}},
		{name: "not Ready without what is optional", c: withCache, want: Fail, says: []string{cache + ": not Ready in the 5.0 s without the optional cache", db + ": holds: not Ready"}, hides: []string{db + ": not Ready"},
			e: cacheOutages(func(o *evidence.Outages) { o.Without.BecameReady = false })},
		{name: "ends without what is optional", c: withCache, want: Fail, says: []string{"its container exited when it was started without the optional cache (its container ended 2 times, with exit code 1)"},
			e: cacheOutages(func(o *evidence.Outages) { o.Without.Exits, o.Without.LastExit = 2, 1 })},
		{name: "not Ready without what is optional on a busy node", c: withCache, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(
			cacheOutages(func(o *evidence.Outages) {
				o.Without.BecameReady, o.Without.Began, o.Without.Waited = false, at(10), 5
			}), 0.95, 0.8)},
		{name: "Ready without the one, not without the other", c: withCache, e: bothBroken, want: Fail, says: []string{db + ": it was Ready without its database", cache + ": not Ready", "optional: true"}},
		{name: "two that are needed", c: withQueue, e: twoDatabases, want: Pass, says: []string{"Ready 0.8 s after the queue was there"}},
		{name: "Ready without its queue", c: withQueue, want: Fail, says: []string{"statefulset/mq: it was Ready without its queue", "route ask the queue", "optional: true"},
			e: further("statefulset/mq", func(t *evidence.Taken) { queue(t); t.Outages.Without.BecameReady = true })},
		{name: "the second not taken away", c: withCache, e: notTaken, want: Inconclusive, says: []string{cache + ": it was not observed in this run"}},
		{name: "no room for the second", c: withCache, e: noRoom, want: Inconclusive, says: []string{cache + ": no room for redis"}},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive, says: []string{cache + ": cut off"}},
		{name: "a host that is never given back", c: withStore, e: further(s3, unreachable), want: Pass, says: []string{s3 + ": Ready in the 5.0 s without it", "what it does when that comes up: the object store could not be given back: no route to host"}},
		{name: "a needed host that is never given back", want: Inconclusive, says: []string{"whether it comes up with it was not seen, since the object store could not be given back"},
			c: required(withStore), e: further(s3, func(t *evidence.Taken) { unreachable(t); t.Outages.Without.BecameReady = false })},
		{name: "its init container ends without what is optional", c: withCache, want: Fail, says: []string{"its init container wait ended 2 times, with exit code 1", "log: connection refused"},
			e: cacheOutages(func(o *evidence.Outages) {
				o.Without.BecameReady, o.Without.Init, o.Without.InitExits, o.Without.InitLast = false, "wait", 2, 1
				o.Without.InitLog = []evidence.LogLine{{Text: "connection refused"}}
			})},
		{name: "its init container waits for what is optional", c: withCache, want: Fail, says: []string{"(its init container wait waited)"},
			e: cacheOutages(func(o *evidence.Outages) { o.Without.BecameReady, o.Without.Init = false, "wait" })},
		{name: "not Ready when what is optional came", c: withCache, want: Fail, says: []string{"not Ready 0.8 s after the cache was there"},
			e: cacheOutages(func(o *evidence.Outages) { o.Without.Recovered = false })},
		{name: "a worker that does without it", c: worksAlone, want: Pass, e: workerAlone(func(o *evidence.Outages) { o.Without.Connected = ptr(true) })},
		{name: "a worker that does without it, or does not use it", c: worksAlone, want: Inconclusive, says: []string{"no connection of it was seen in the 0.8 s after its cache was there"},
			e: workerAlone(func(o *evidence.Outages) { o.Without.Connected = ptr(false) })},
		{name: "a host that is not used", c: withStore, e: further(s3, func(t *evidence.Taken) { unreachable(t); unusedCache(t) }), want: Inconclusive, says: []string{"reach it by the name in the contract (s3.example.com:443)"}},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive, says: []string{cache + ": nothing shows that the workload uses the deployment/redis that was taken away", "name the cache by a Service", "where it is not used"}},
	},
	"probes/readiness-tells-the-truth": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass, says: []string{cache + ": Ready, and answering, all the while it was away: disconnected, for 0.2 s", "Ready without the optional cache OK", db + ": refused: not Ready 2.0 s after it began"}},
		{name: "not Ready without what is optional", c: withCache, want: Fail, says: []string{cache + ", cache away (nobody listening): the pod was not Ready 2.0 s after it began, though it is optional", "ask nothing of the optional cache", db + ": holds"},
			e: cacheOutages(func(o *evidence.Outages) { o.Trials[2].Unready, o.Trials[2].Ready = at(122), at(126) })},
		{name: "not Ready when it was over", c: withCache, want: Fail, says: []string{"the pod was not Ready 0.5 s after it was over"},
			e: cacheOutages(func(o *evidence.Outages) { o.Trials[2].Unready, o.Trials[2].Ready = at(125.5), at(126) })},
		{name: "not Ready without what is optional on a busy node", c: withCache, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(
			cacheOutages(func(o *evidence.Outages) { o.Trials[2].Unready, o.Trials[2].Ready = at(122), at(126) }), 0.95, 0.8)},
		{name: "says no itself on a busy node", c: withCache, want: Fail, e: pressed(
			cacheOutages(func(o *evidence.Outages) {
				o.Trials[2].Unready, o.Trials[2].Ready = at(122), at(126)
				o.Trials[2].Requests = append(o.Trials[2].Requests, answer("ready", 120.5, 503), answer("ready", 121, 503), answer("ready", 121.5, 503))
			}), 0.95, 0.8)},
		{name: "its health route comes to nothing", c: withCache, want: Fail, says: []string{"most requests to the health route came to nothing"},
			e: cacheOutages(func(o *evidence.Outages) { o.Trials[3].Requests[1].Status = 503 })},
		{name: "its queries come to nothing", c: withCache, want: Fail, says: []string{"most requests to the query route came to nothing"},
			e: cacheOutages(func(o *evidence.Outages) { o.Trials[3].Requests[7].Status = 503 })},
		{name: "its queries come to nothing on a busy node", c: withCache, want: Inconclusive, says: []string{"query route came to nothing", "short of CPU"},
			e: pressed(cacheOutages(func(o *evidence.Outages) { o.Trials[3].Requests[7] = failed("query", 150, 5, "timeout") }), 0.95, 0.8)},
		{name: "queries of what is optional and alone", c: optionalAlone, want: Inconclusive, says: []string{"http.query may be a route whose answer comes from it"}, e: with(func(e *evidence.Evidence) {
			e.Outages = unmovedOutages(cache)
			e.Outages.Trials[3].Requests[7].Status = 503
		})},
		{name: "no probe", c: withCache, want: Inconclusive, says: []string{"probes/declared"}, e: cacheOutages(func(o *evidence.Outages) {
			o.Pod.Spec = *o.Pod.Spec.DeepCopy()
			o.Pod.Spec.Containers[0].ReadinessProbe = nil
		})},
		{name: "a worker that nobody asks", c: worksAlone, want: Skipped, says: []string{"the worker has no readiness probe"}, e: workerAlone(func(*evidence.Outages) {})},
		{name: "only by a restart", c: withCache, want: Inconclusive, says: []string{"cache away (connections that are never answered): the container was restarted once", "liveness-survives-outage"}, e: cacheOutages(func(o *evidence.Outages) { o.Trials[3].Restarts = 1 })},
		{name: "two that are needed", c: withQueue, e: twoDatabases, want: Pass, says: []string{"Readiness follows the database OK, Readiness follows the queue OK"}},
		{name: "stays Ready without its queue", c: withQueue, want: Fail, says: []string{"statefulset/mq, queue away (nobody listening): the pod stayed Ready", "route ask the queue", "optional: true"},
			e: further("statefulset/mq", func(t *evidence.Taken) { queue(t); t.Outages.Trials[2].Unready = time.Time{} })},
		{name: "the second not taken away", c: withCache, e: notTaken, want: Inconclusive},
		{name: "the second not taken away, the first broken", c: withCache, want: Fail, says: []string{db + ", database away", cache + ": not decided: it was not observed"}, e: with(func(e *evidence.Evidence) {
			e.SchemaVersion, e.Outages.Trials[2].Unready = evidence.SchemaVersion, time.Time{}
		})},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive},
		{name: "a host that is never given back", c: withStore, e: further(s3, unreachable), want: Pass, says: []string{"refused, for 5.0 s and frozen, for 23.0 s", "connections that end, and a restart: the object store could not be given back"}},
		{name: "a needed host that is never given back", c: required(withStore), want: Inconclusive, says: []string{"refused: not Ready 2.0 s after it began", "whether it is Ready again with it was not seen"},
			e: further(s3, func(t *evidence.Taken) {
				unreachable(t)
				t.Outages.Trials[0].Unready, t.Outages.Trials[1].Unready = at(122), at(142)
			})},
		{name: "a needed host without which it stays Ready", c: required(withStore), want: Fail, says: []string{"object store away (nobody listening): the pod stayed Ready"}, e: further(s3, unreachable)},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive, says: []string{"podproof's proxy in front of it saw no connection of its pod before"}},
	},
	"probes/liveness-survives-outage": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass, says: []string{cache + ": no restart in outages of up to 23.0 s"}},
		{name: "restarted without its cache", c: withCache, want: Fail, says: []string{cache + ", cache away (connections that are never answered)", "go on without its cache"},
			e: cacheOutages(func(o *evidence.Outages) { o.Trials[3].Restarts = 1 })},
		{name: "the second not taken away", c: withCache, e: notTaken, want: Inconclusive},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive},
		{name: "a host that is never given back", c: withStore, e: further(s3, unreachable), want: Pass, says: []string{"(refused and frozen)"}},
		{name: "a needed host without which it is never Ready", c: required(withStore), want: Inconclusive, says: []string{"the pod was never Ready without it, and the object store could not be given back: no route to host, so refused and frozen was not tried"},
			e: further(s3, func(t *evidence.Taken) { unreachable(t); t.Outages.Without.BecameReady, t.Outages.Trials = false, nil })},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive},
	},
	"database/recovers": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass, says: []string{"Recovery from database outages OK, Recovery from cache outages OK", cache + ": its pod had a connection to it again after each outage (disconnected, restarted, refused and frozen)"}},
		{name: "never connects again, though it used it", c: withCache, want: Fail, says: []string{cache + ", cache away (nobody listening): its pod had connections to it, and none in the 40.0 s after it was back"}, e: cacheOutages(func(o *evidence.Outages) {
			t := &o.Trials[2]
			t.Passage.After = nil
			t.Requests[7].End = 2 // it had to wait
			t.Requests = append(t.Requests, answer("query", 164.99, 200))
		})},
		{name: "never connects again on a busy node", c: withCache, want: Inconclusive, says: []string{"short of CPU"}, e: pressed(cacheOutages(func(o *evidence.Outages) {
			t := &o.Trials[2]
			t.Passage.After = nil
			t.Requests[7].End = 2
			t.Requests = append(t.Requests, answer("query", 164.99, 200))
		}), 0.95, 0.8)},
		{name: "no connection again, and not known to need one", c: withCache, want: Inconclusive, says: []string{"podproof cannot see whether it connects when it needs one", "route that uses the cache"}, e: cacheOutages(func(o *evidence.Outages) {
			o.Trials[2].Passage.After = nil
			o.Trials[2].Requests = append(o.Trials[2].Requests, answer("query", 164.99, 200))
		})},
		{name: "connected when the next one began", c: withCache, e: cacheOutages(func(o *evidence.Outages) { o.Trials[1].Passage.After = nil }), want: Pass},
		{name: "seen to be connected", c: withCache, e: cacheOutages(func(o *evidence.Outages) {
			o.Trials[2].Passage.After, o.Trials[2].Reconnected = nil, o.Trials[2].Healed.Add(time.Second)
		}), want: Pass},
		{name: "connections that cannot be seen", c: withCache, want: Inconclusive, says: []string{"cannot see whether its pod has a connection to it again"}, e: cacheOutages(func(o *evidence.Outages) { o.Trials[2].Passage = nil })},
		{name: "only by a restart", c: withCache, want: Inconclusive, says: []string{"cache away (connections that are never answered): the container was restarted once", "liveness-survives-outage"}, e: cacheOutages(func(o *evidence.Outages) { o.Trials[3].Restarts = 1 })},
		{name: "hangs without what is optional, on a busy node", c: withCache, want: Inconclusive, says: []string{"hung for 21.5 s", "short of CPU"}, e: pressed(cacheOutages(func(o *evidence.Outages) {
			o.Trials[3].Requests[7] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
		}), 0.95, 0.8)},
		{name: "connections of somebody whom the network hides", c: withCache, want: Inconclusive, says: []string{"cannot see whether its pod has a connection"}, e: cacheOutages(func(o *evidence.Outages) {
			o.Trials[2].Passage.After = []evidence.Client{{Address: "10.0.0.1", Open: 1}}
		})},
		{name: "hangs without what is optional", c: withCache, want: Fail, says: []string{"query route hung for 21.5 s, until the cache was back"}, e: cacheOutages(func(o *evidence.Outages) {
			o.Trials[3].Requests[7] = evidence.Request{Stream: "query", Start: at(142), End: 21.5, Status: 200}
		})},
		{name: "a queue that no query asks", c: withQueue, want: Pass, says: []string{"statefulset/mq: a query was answered this long after the queue was back", "the readiness route was asked, which follows the queue"},
			e: further("statefulset/mq", func(t *evidence.Taken) {
				queue(t)
				for i := range t.Outages.Trials {
					x := &t.Outages.Trials[i]
					x.Requests = append(x.Requests, answer("ready", x.Began.Sub(at(0)).Seconds()-1, 200), answer("query", x.Began.Sub(at(0)).Seconds()+2.5, 200))
				}
			})},
		{name: "the second not taken away", c: withCache, e: notTaken, want: Inconclusive},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive},
		{name: "a host that is never given back", c: withStore, e: further(s3, unreachable), want: Inconclusive, says: []string{s3 + ": nothing was seen of its coming back, since the object store could not be given back: no route to host", db + ": holds"}},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive},
	},
	"database/slow": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass, says: []string{"A slow database OK, A slow cache OK"}},
		{name: "not Ready while what is optional is slow", c: withCache, want: Fail, says: []string{cache + ", cache slow (2 s for each round trip): the pod was not Ready 5.0 s after it began, though it is optional", "ask nothing of the optional cache"},
			e: further(cache, func(t *evidence.Taken) { t.Slow.Trials[1].Unready, t.Slow.Trials[1].Ready = at(225), at(244) })},
		{name: "not Ready while what is optional is slow, on a busy node", c: withCache, want: Inconclusive, says: []string{"short of CPU"},
			e: pressed(further(cache, func(t *evidence.Taken) { t.Slow.Trials[1].Unready, t.Slow.Trials[1].Ready = at(225), at(244) }), 0.95, 0.8)},
		{name: "the second not made slow", c: withCache, e: notTaken, want: Inconclusive},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive},
		{name: "a host that is not reached", c: withStore, e: further(s3, unreachable), want: Inconclusive, says: []string{"the object store was not made slow, since it could not be reached: no route to host"}},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive, says: []string{"nothing shows that the workload asked the deployment/redis"}},
	},
	"termination/exit-under-outage": {
		{name: "two, one optional", c: withCache, e: further(cache, asItIs), want: Pass, says: []string{"Shutdown with a frozen database OK (exit 0), Shutdown with a frozen cache OK (exit 0)"}},
		{name: "hangs with its cache", c: withCache, want: Fail, says: []string{cache + ": exit code 0, 44.0 s after the deletion", db + ": holds"}, e: further(cache, func(t *evidence.Taken) { t.Termination.Seconds = 44 })},
		{name: "the second not frozen", c: withCache, e: notTaken, want: Inconclusive},
		{name: "the second cut short", c: withCache, e: cutShort, want: Inconclusive},
		{name: "never used", c: withCache, e: further(cache, unusedCache), want: Inconclusive},
	},
	"config/secrets-stay-secret": {
		{name: "a log of a further dependency's outage", c: withCache, want: Fail, says: []string{"the value of secret/db key password stands in it"}, e: further(cache, func(t *evidence.Taken) {
			t.Outages.Pod.Log = []evidence.LogLine{{Text: "redis://:[value of secret/db key password]@redis"}}
		})},
		{name: "a log of a further dependency's outage that was not read", c: withCache, want: Inconclusive, says: []string{"pod api-further: the kubelet hung up"}, e: further(cache, func(t *evidence.Taken) {
			t.Slow.Pod.Name, t.Slow.Pod.Unread = "api-further", "the kubelet hung up"
		})},
	},
}

// Evidence that is kept of a podproof which took away the first dependency alone is judged as it was then.
func TestEvidenceOfTheFirstDependencyAlone(t *testing.T) {
	e := goodEvidence()
	e.SchemaVersion = "podproof/evidence/v1alpha2"
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"further"`) {
		t.Error("evidence of one dependency says something of others")
	}
	var old evidence.Evidence
	if err := json.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	for _, c := range []contract.Contract{goodContract(), withCache} {
		for _, v := range Judge(Catalogue(), c, old) {
			if v.Status != Pass {
				t.Errorf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
			}
			told := strings.Contains(strings.Join(findingTexts(v.Judgement), "\n"), cache+": it was not taken away: the podproof that wrote this")
			if about := len(dependenciesExamples[v.Check.ID]) > 2; told != (about && len(c.Dependencies) > 1) {
				t.Errorf("%s tells that a dependency was not tried: %t", v.Check.ID, told)
			}
		}
	}
}

// A record is judged by what it holds of a dependency, in whatever order a contract names them.
func TestDependenciesAreFoundByTheirNames(t *testing.T) {
	turned := withCache
	turned.Dependencies = []contract.Dependency{withCache.Dependencies[1], withCache.Dependencies[0]}
	for _, v := range Judge(Catalogue(), turned, further(cache, asItIs)) {
		if len(dependenciesExamples[v.Check.ID]) > 0 && v.Status != Pass {
			t.Errorf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
		}
	}
	other := goodContract()
	other.Dependencies = contract.Needs("statefulset/mysql")
	if v := verdictOn(t, "database/recovers", other, goodEvidence()); v.Status != Inconclusive {
		t.Errorf("a dependency that was not tried: %s: %s", v.Status, v.Seen)
	}
}

// What went wrong is the story that is told, of whichever dependency.
func TestTheStoryOfAFurtherDependency(t *testing.T) {
	e := further(cache, func(t *evidence.Taken) {
		t.Outages.Trials[0].Restarts, t.Termination.Seconds = 1, 99
		t.Termination.Signalled, t.Outages.Pod.Name, t.Slow.Pod.Name, t.Termination.Pod.Name = at(21), "c-away", "c-slow", "c-end"
	})
	text := ""
	for _, m := range allOutages(e) {
		text += m.What + "\n"
	}
	if !strings.Contains(text, cache+" closes all connections") || strings.Contains(text, db) {
		t.Errorf("got %s", text)
	}
	if ms := endsUnderOutage(e); len(ms) == 0 || ms[0].What != "SIGTERM sent to the container" {
		t.Errorf("the end is told as %v", ms)
	}
	for _, name := range []string{"c-away", "c-slow", "c-end"} {
		if !slices.ContainsFunc(podsOfRun(e), func(p evidence.Pod) bool { return p.Name == name }) {
			t.Errorf("pod %s is not looked at", name)
		}
	}
}

// What is to be done is told once where it is the same for all, and else by the dependency's name.
func TestTheFixesOfSeveralDependencies(t *testing.T) {
	broken := func(name, fix string) judged {
		return judged{name, Judgement{Status: Fail, Seen: "no answer", Fix: fix}}
	}
	for name, c := range map[string]struct {
		all  []judged
		want string
	}{
		"the same":             {[]judged{broken("db", "Reconnect."), broken("cache", "Reconnect.")}, "Reconnect."},
		"each its own":         {[]judged{broken("db", "Reconnect."), broken("cache", "Set a limit.")}, "db: Reconnect. cache: Set a limit."},
		"the check's":          {[]judged{broken("db", ""), broken("cache", "")}, "Let it reconnect."},
		"one has its own":      {[]judged{broken("db", ""), broken("cache", "Set a limit.")}, "db: Let it reconnect. cache: Set a limit."},
		"of the broken alone":  {[]judged{{"db", Judgement{Status: Pass, Fix: "None."}}, broken("cache", "Set a limit.")}, "Set a limit."},
		"none, where all hold": {[]judged{{"db", Judgement{Status: Pass}}, {"cache", Judgement{Status: Pass}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := together(c.all, "Let it reconnect.").Fix; got != c.want {
				t.Errorf("what to do is %q, want %q", got, c.want)
			}
		})
	}
}

// What is told of a dependency that fares better than the worst is a note, and breaks nothing.
func TestTheFindingsOfSeveralDependencies(t *testing.T) {
	got := together([]judged{
		{"db", Judgement{Status: Fail, Findings: []Finding{{Where: "pod a", Message: "hangs"}, {Where: "pod a", Message: "aside", Note: true}}}},
		{"cache", Judgement{Status: Pass, Findings: []Finding{{Where: "pod b", Message: "a moment late"}}}},
	}, "").Findings
	want := map[string]bool{"db, pod a: hangs": false, "db, pod a: aside": true, "cache, pod b: a moment late": true, "cache: holds: ": true}
	for _, f := range got {
		if note, ok := want[f.Where+": "+f.Message]; !ok || note != f.Note {
			t.Errorf("%s: %s, a note %t", f.Where, f.Message, f.Note)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d findings, want %d", len(got), len(want))
	}
}
