package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

func told(ms []Moment) []string {
	var out []string
	for _, m := range ms {
		out = append(out, fmt.Sprintf("%+.2f/%g %s: %s", m.Seconds, m.Resolution, m.Source, m.What))
	}
	return out
}

func TestTerminationStory(t *testing.T) {
	e := goodTermination()
	e.Held, e.Released = 1, at(22)
	e.Pod = evidence.Pod{
		Timeline: []evidence.Mark{watched(1, "long before"), watched(20.01, "deletion requested"),
			{At: at(25.4), Source: "node", What: "its processes are gone"}},
		// The deletion was at 20.0 here; an event of its second may be told as 19.x.
		Events: []evidence.Event{{At: at(19.5), Type: corev1.EventTypeNormal, Reason: "Killing", Message: "Stopping container api"}},
		Log: []evidence.LogLine{{At: at(20.02), Stream: "stdout", Text: "draining"}, {At: at(20.03), Stream: "stdout", Text: "closing"},
			{At: at(25.3), Stream: "stderr", Text: "bye"}},
	}
	e.Requests = []evidence.Request{answer("new", 19.9, 200), answer("new", 20.5, 200), failed("new", 21, 0.001, "refused"),
		failed("new", 21.1, 0.001, "refused"), answer("slow", 19.8, 200)}
	want := []string{
		"+0.00/1 kubelet: event Killing: Stopping container api",
		"+0.00/0.001 agent: 2 requests over a new connection: status 200, until 0.51 s",
		"+0.01/0.01 watch: deletion requested",
		"+0.02/0.001 cri: log stdout: draining (and 1 more line)",
		"+1.00/0.001 agent: 2 requests over a new connection: connection refused, until 1.10 s",
		"+2.00/0.01 podproof: the other half of the body sent, of 1 request",
		"+5.30/0.001 cri: log stderr: bye",
		"+5.40/0.1 node: its processes are gone",
	}
	if diff := cmp.Diff(want, told(terminationMoments(e))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ms := terminationMoments(&evidence.Termination{}); ms != nil {
		t.Errorf("what never began has the story %v", told(ms))
	}
}

func TestRolloutStoryIsOfTheOneThatLost(t *testing.T) {
	rs := goodRollouts()
	losing(&rs[1])
	rs[1].Requests = rs[1].Requests[20:24]
	rs[1].Began = at(200)
	want := []string{"+0.00/0.01 podproof: eviction begun", "+0.80/0.01 watch: pod api-1: deletion requested"}
	got := told(rolloutMoments(rs, "restart", "eviction"))
	if diff := cmp.Diff(want, got[:min(2, len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ms := rolloutMoments(rs, "drain"); ms != nil {
		t.Errorf("a kind that was not tried has the story %v", told(ms))
	}
}

func TestOutageStory(t *testing.T) {
	o := goodOutages()
	o.Pod.Timeline, o.Trials = []evidence.Mark{watched(122, "Ready: False")}, o.Trials[2:3]
	want := []string{
		"+0.00/0.01 podproof: statefulset/postgres refuses connections",
		"+0.10/0.001 agent: 1 request to the query route: status 503, until 0.11 s",
		"+0.10/0.001 agent: 1 request to the health route: status 200, until 0.11 s",
		"+2.00/0.01 watch: Ready: False",
		"+5.00/0.01 podproof: statefulset/postgres is back",
		"+5.20/0.001 agent: 1 request to the query route: status 200, until 5.21 s",
		"+5.20/0.001 agent: 1 request to the ready route: status 200, until 5.21 s",
	}
	if diff := cmp.Diff(want, told(outageMoments(o))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An outage that was not tried has no time, from which the others' could be counted.
func TestOutageStoryWithoutWhatWasNotTried(t *testing.T) {
	o := goodEvidence().Outages
	want := told(outageMoments(o))
	o.Trials = append([]evidence.Outage{{Kind: evidence.OutageSlow200ms, Problem: "no pod is Ready"}}, o.Trials...)
	if diff := cmp.Diff(want, told(outageMoments(o))); diff != "" {
		t.Errorf("(-without it +with it):\n%s", diff)
	}
	o.Trials = o.Trials[:1]
	if got := outageMoments(o); len(got) != 0 {
		t.Errorf("of what was not tried it tells %v", got)
	}
}

func TestOutageStoryIsOfTheOneThatStruck(t *testing.T) {
	o := goodOutages()
	for i := range o.Trials { // answered well in the end
		o.Trials[i].Requests = append(o.Trials[i].Requests, answer("query", 170, 200))
	}
	if got := told(outageMoments(o)); len(got) < 20 {
		t.Errorf("the story of all has %d moments: %q", len(got), got)
	}
	o.Trials[3].Restarts = 1
	for _, m := range told(outageMoments(o)) {
		if !strings.Contains(m, "frozen: ") {
			t.Errorf("in the story of the frozen one: %s", m)
		}
	}
}

func TestStartStoryIsOfThePodThatIsNotReady(t *testing.T) {
	bad := goodPod("api-2")
	notReady(&bad)
	bad.Timeline, bad.Log = []evidence.Mark{watched(1, "container api: waiting")}, nil
	s := &evidence.Startup{Applied: at(0), Seconds: 3, Pods: []evidence.Pod{goodPod("api-1"), bad}}
	want := []string{"+0.00/0.01 podproof: applied", "+1.00/0.01 watch: container api: waiting"}
	if diff := cmp.Diff(want, told(startMoments(s))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestVariableStoryIsOfThePodThatRanOn(t *testing.T) {
	e := &evidence.RequiredEnv{Trials: []evidence.EnvTrial{goodTrial("DATABASE_URL"), goodTrial("PORT"), goodTrial("TOKEN")}, Seconds: 9}
	for i := range e.Trials {
		e.Trials[i].Pod.Timeline = []evidence.Mark{watched(1, "PodScheduled: True"), watched(2, "container api: running")}
		e.Trials[i].Pod.Log = nil
	}
	e.Trials[0].Pod.Log = []evidence.LogLine{{At: at(2.5), Stream: "stderr", Text: "DATABASE_URL is not set"}}
	e.Trials[1].Exited, e.Trials[1].Wrong, e.Trials[1].Last = false, "no number", nil
	want := []string{"+0.00/0.01 watch: pod created with PORT set to what is no number", "+0.00/0.01 watch: PodScheduled: True", "+1.00/0.01 watch: container api: running"}
	if diff := cmp.Diff(want, told(variableMoments(e))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := told(variableMoments(&evidence.RequiredEnv{Trials: e.Trials[:1], Seconds: 9})); len(got) != 4 || got[0] != "+0.00/0.01 watch: pod created without DATABASE_URL" {
		t.Errorf("where all went well: %q", got)
	}
	if ms := variableMoments(&evidence.RequiredEnv{Trials: []evidence.EnvTrial{{Variable: "X"}}}); ms != nil {
		t.Errorf("a pod that was never seen has the story %v", told(ms))
	}
}

func TestStoryOfAStartWithoutTheDatabase(t *testing.T) {
	o := goodOutages()
	o.Without = &evidence.StartWithout{Began: at(10), Waited: 5, Up: at(16), After: 2, Recovered: true}
	o.Pod.Timeline = []evidence.Mark{watched(17.5, "Ready: True"), watched(120, "of a later outage")}
	want := []string{"+0.00/0.01 podproof: started, without statefulset/postgres", "+6.00/0.01 podproof: statefulset/postgres is ready", "+7.50/0.01 watch: Ready: True"}
	if diff := cmp.Diff(want, told(withoutMoments(o))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	o.Without = &evidence.StartWithout{Waited: 5}
	if ms := withoutMoments(o); ms != nil {
		t.Errorf("evidence without times has the story %v", told(ms))
	}
}

// What the kubelet's client of probes says of its contexts is told in words that a person knows.
func TestTheKubeletsWords(t *testing.T) {
	for said, want := range map[string]string{
		`Readiness probe failed: Get "http://10.244.0.7:8000/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`: `Readiness probe failed: Get "http://10.244.0.7:8000/": no answer within its timeout`,
		"Liveness probe failed: HTTP probe failed with statuscode: 503":                                                                     "Liveness probe failed: HTTP probe failed with statuscode: 503",
	} {
		if got := kubeletSays(said, 200); got != want {
			t.Errorf("got %s", got)
		}
	}
}

// A place that answers now so, now so, is not told answer by answer.
func TestAnswersInTurnAreToldTogether(t *testing.T) {
	var rs []evidence.Request
	for i := range 40 {
		r := evidence.Request{Stream: evidence.StreamReady, Start: at(float64(i)), Status: 200}
		if i%2 == 1 {
			r.Status = 503
		}
		rs = append(rs, r)
	}
	var got []string
	for _, m := range requestMarks(rs, at(0)) {
		got = append(got, m.What)
	}
	want := []string{"20 requests to the ready route: status 200, until 38.00 s, in turn with others", "20 requests to the ready route: status 503, until 39.00 s, in turn with others"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
