package drawing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podproof.dev/podproof/internal/evidence"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func at(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }

// leaves is a pod that was Ready before the trial, whose deletion is asked for at 2 s, and whose container
// ends at 4 s.
func leaves(name string) evidence.Pod {
	return evidence.Pod{Name: name, Timeline: []evidence.Mark{
		evidence.ContainerIs("api", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}).On(at(-9)),
		evidence.ConditionIs(corev1.PodReady, corev1.ConditionTrue).On(at(-8)),
		evidence.DeletionRequested.On(at(2)),
		evidence.ConditionIs(corev1.PodReady, corev1.ConditionFalse).On(at(3)),
		evidence.ContainerIs("api", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}).On(at(4)),
		evidence.PodRemoved.On(at(5)),
	}}
}

// oneLost is a rollout of 10 s in which one request of a thousand is lost, at 3 s.
func oneLost() evidence.Rollout {
	r := evidence.Rollout{Kind: evidence.RolloutRestart, Replicas: 2, Began: began, Seconds: 10, Finished: true,
		Before: map[string]int{evidence.StreamKept: 200, evidence.StreamNew: 200}, Ended: []evidence.Pod{leaves("api-7d9f-old")},
		Endpoints: []evidence.Mark{
			evidence.RouteIs("service/api, pod api-8c1e-new", evidence.RouteNotReady).On(at(0.5)),
			evidence.RouteIs("service/api, pod api-8c1e-new", evidence.RouteReady).On(at(1)),
			evidence.RouteIs("service/api, pod api-7d9f-old", evidence.RouteServing).On(at(2.1)),
			evidence.RouteIs("service/other, pod api-7d9f-old", evidence.RouteGone).On(at(2.2)),
			evidence.RouteIs("service/api, pod api-7d9f-old", evidence.RouteGone).On(at(4.5)),
		}}
	for i := range 1000 {
		q := evidence.Request{Stream: evidence.StreamKept, Reused: true, Start: at(float64(i) / 100), End: 0.002, Status: 200}
		if i == 300 {
			q.Status = 503
		}
		r.Requests = append(r.Requests, q)
	}
	r.Requests = append(r.Requests, evidence.Request{Stream: evidence.StreamKept, Start: at(9), End: 0.1, Status: 200}) // a new one
	return r
}

func with(ls []Line, class string) []Line {
	return slices.DeleteFunc(slices.Clone(ls), func(l Line) bool { return l.Class != class })
}

func rects(d Drawing, class string) []Rect {
	return slices.DeleteFunc(slices.Clone(d.Rects), func(r Rect) bool { return r.Class != class })
}

func says(d Drawing, want string) bool {
	return slices.ContainsFunc(d.Texts, func(t Text) bool { return strings.Contains(t.S, want) })
}

// One lost request of a thousand is seen, between the request for the deletion and the end of the endpoint.
func TestOneLostRequestIsSeen(t *testing.T) {
	ds := rollouts(evidence.Evidence{Rollouts: []evidence.Rollout{oneLost()}})
	if len(ds) != 1 {
		t.Fatalf("%d drawings", len(ds))
	}
	d := ds[0]
	lost, edges, band := with(d.Lines, "lost"), with(d.Lines, "edge"), rects(d, "band")
	if len(lost) != 1 || len(edges) != 2 || len(band) != 1 {
		t.Fatalf("%d marks of lost requests, %d edges, %d bands", len(lost), len(edges), len(band))
	}
	x := lost[0].X
	if x <= edges[0].X || x >= edges[1].X || x <= band[0].X || x >= band[0].X+band[0].W {
		t.Errorf("the lost request at %v is not between %v and %v", x, edges[0].X, edges[1].X)
	}
	if lost[0].Y1 >= band[0].Y+band[0].H || edges[1].Y2 < lost[0].Y2 || d.Rects[0].Class != "band" {
		t.Error("the band does not reach the lane of the lost request, or lies over it")
	}
	if got := rects(d, "bad"); len(got) != 1 {
		t.Errorf("%d bars of lost requests", len(got))
	}
	for _, want := range []string{"deletion requested, 2.00 s", "no endpoint any more, 4.50 s", "Requests over kept connections: 1 of 1000 requests lost", "Requests over new connections: 1 request, none lost"} {
		if !says(d, want) {
			t.Errorf("no text %q", want)
		}
	}
	for _, want := range []string{"1 of 1001 requests lost", "…old: deletion requested at 2.00 s, container ended at 4.00 s, no endpoint any more at 4.50 s", "sent at 3.00 s"} {
		if !strings.Contains(d.Told, want) {
			t.Errorf("the words have no %q: %s", want, d.Told)
		}
	}
	if !d.Bad {
		t.Error("it is not told to be bad")
	}
}

func TestStatesOfAPod(t *testing.T) {
	restarted := track{marks: []evidence.Mark{
		evidence.ContainerIs("api", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}).On(at(0)),
		evidence.ContainerIs("api", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}).On(at(1)),
		evidence.ConditionIs(corev1.PodReady, corev1.ConditionTrue).On(at(2)),
		evidence.ConditionIs(corev1.PodReady, corev1.ConditionFalse).On(at(3)),
		evidence.ContainerIs("api", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}).On(at(4)),
		evidence.ContainerIs("api", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}).On(at(5)),
	}}
	for name, c := range map[string]struct {
		t    track
		want string
	}{
		"leaves":    {track{marks: leaves("x").Timeline}, "starting -9, Ready -8, terminating 2,  4"},
		"restarted": {restarted, "waiting 0, starting 1, Ready 2, not Ready 3, exited 4, not Ready 5"},
		"nothing":   {track{}, ""},
	} {
		var got []string
		for _, s := range c.t.states() {
			got = append(got, fmt.Sprintf("%s %v", s.word, s.at.Sub(began).Seconds()))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %s, want %s", name, strings.Join(got, ", "), c.want)
		}
	}
}

func TestUsageBesideLimits(t *testing.T) {
	e := evidence.Evidence{
		Resources: &evidence.Resources{Idle: evidence.Usage{Memory: 60 << 20, CPU: 0.01, Window: 2}, Loaded: evidence.Usage{Memory: 123 << 20, CPU: 0.2, Window: 2}},
		Workload: &evidence.Workload{Container: "api", Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}, Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}}}}}}},
	}
	d := usage(e)[0]
	limit, bad := with(d.Lines, "limit"), rects(d, "bad")
	if len(limit) != 1 || len(bad) != 1 || bad[0].W >= limit[0].X || bad[0].W < 0.9*limit[0].X {
		t.Errorf("limit %v, over nine tenths of it %v", limit, bad)
	}
	if !strings.Contains(d.Told, "Memory: request 64.0 MiB, limit 128.0 MiB. idle 60.0 MiB. under load 123.0 MiB. CPU: no request, no limit.") {
		t.Error(d.Told)
	}
	if usage(evidence.Evidence{}) != nil {
		t.Error("something is drawn of nothing")
	}
}

func TestLayersAndTheirWaste(t *testing.T) {
	d := layers(evidence.Evidence{Image: &evidence.Image{
		Layers: []evidence.Layer{{Size: 4 << 20, CreatedBy: "COPY . ."}, {Size: 1 << 20, CreatedBy: "RUN curl -u me:hunter2hunter2 https://x && rm -rf /app/tests # buildkit"}},
		Size:   &evidence.ImageSize{Uncompressed: 5 << 20, Wasted: 2 << 20, Waste: []evidence.Waste{{Layer: 1, Bytes: 2 << 20, Files: 7, Example: "/app/tests/a.py"}}},
	}})[0]
	bad, ok := rects(d, "bad"), rects(d, "ok")
	if len(ok) != 2 || ok[0].W != 100 || ok[1].W != 25 || len(bad) != 1 || bad[0].W != 50 {
		t.Errorf("layers %v, waste %v", ok, bad)
	}
	if !strings.Contains(d.Told, "It deletes or replaces 7 files of lower layers, 2.0 MiB: /app/tests/a.py.") || !strings.Contains(d.Told, "5.0 MiB in 2 layers, 2.0 MiB wasted.") {
		t.Error(d.Told)
	}
	if strings.Contains(d.Told, "hunter2") || strings.Contains(d.Told, "# buildkit") {
		t.Errorf("a secret of an instruction, or a builder's mark, is shown: %s", d.Told)
	}
}

func TestStepsAndTheCriticalPath(t *testing.T) {
	d := steps(evidence.Evidence{Run: evidence.Run{Started: began, Finished: at(20)}, Steps: []evidence.Step{
		{Name: "build", Seconds: 3}, {Name: "cluster", Seconds: 12, Error: "slow"}, {Name: "startup", Started: 12, Seconds: 8, After: []string{"build", "cluster"}},
	}, Pressure: []evidence.Pressure{{At: at(5), Waiting: 0.5}, {At: at(6), Waiting: 1}}})[0]
	if c, b := rects(d, "critical"), rects(d, "bad"); len(c) != 1 || len(b) != 1 || c[0].X <= b[0].X || len(rects(d, "step")) != 1 || len(rects(d, "load")) != 2 {
		t.Errorf("critical %v, failed %v", c, b)
	}
	if want := "3 steps in 20.0 s. The critical path: cluster 12.0 s, startup 8.00 s. Processes waited for a CPU 75 % of the time."; d.Told != want {
		t.Errorf("got  %s\nwant %s", d.Told, want)
	}
}

func TestHeldRequestsAndTheirEnds(t *testing.T) {
	p := leaves("podproof-requests-in-flight")
	d := termination(evidence.Termination{Pod: p, Exited: true, Last: &corev1.ContainerStateTerminated{}, GraceSeconds: 30, Deleted: at(1.5), Signalled: at(1.6), Seconds: 2.5, StopSignal: "SIGTERM", Held: 2,
		Requests: []evidence.Request{
			{Stream: evidence.StreamSlow, Start: at(1), End: 2, Status: 200}, {Stream: evidence.StreamSlow, Start: at(1), End: 3, Failure: evidence.FailureReset},
			{Stream: evidence.StreamNew, Start: at(1.2), End: 0.1, Failure: evidence.FailureRefused}, {Stream: evidence.StreamNew, Start: at(3), End: 0.1, Failure: evidence.FailureRefused},
			{Stream: evidence.StreamReady, Start: at(2), End: 0.1, Status: 503},
		}}, evidence.SectionInFlight, "x")
	if !strings.Contains(d.Told, "exit code 0 after 2.50 s of the 30 s that are granted") || !strings.Contains(d.Told, "1 of 2 answered whole") || !says(d, "SIGTERM sent, 0.10 s") {
		t.Error(d.Told)
	}
	// One that was held and one before the deletion are lost; what is refused later may be right.
	if n := len(rects(d, "bad")); n != 2 {
		t.Errorf("%d are bad", n)
	}
	if len(rects(d, "none")) != 1 || len(rects(d, "warn")) != 1 {
		t.Error("a refusal after the deletion, or an error, is not drawn as such")
	}
}

func TestOutageIsABandOverItsRequests(t *testing.T) {
	o := evidence.Outage{Kind: evidence.OutageFrozen, Began: began, Away: at(1), Healed: at(5), Unready: at(2), Ready: at(6), Requests: []evidence.Request{
		{Stream: evidence.StreamQuery, Start: at(-30), End: 0.1, Status: 200}, {Stream: evidence.StreamQuery, Start: at(2), End: 1, Failure: evidence.FailureTimeout}, {Stream: evidence.StreamHealth, Start: at(7), End: 0.1, Status: 200}}}
	other := evidence.Pod{Name: "own"}
	o2 := o
	o2.Pod = &other
	ds := outages(evidence.Evidence{
		Outages: &evidence.Outages{Dependency: "statefulset/postgres", Trials: []evidence.Outage{o, {Kind: evidence.OutageRefused, Problem: "none"}}, Pod: evidence.Pod{Name: "shared"}},
		Further: []evidence.Taken{{Dependency: "statefulset/redis", Slow: &evidence.Outages{Dependency: "statefulset/redis", Trials: []evidence.Outage{o2}}}},
	})
	if len(ds) != 2 || ds[0].Title != "statefulset/postgres away: it accepts connections and never answers" || ds[1].Section != evidence.SectionSlow || !says(ds[1], "Pod own") || !says(ds[0], "Pod shared") {
		t.Fatalf("%d drawings", len(ds))
	}
	d := ds[0]
	lost, band := with(d.Lines, "lost"), rects(d, "band")
	if len(lost) != 1 || len(band) != 1 || lost[0].X <= band[0].X || lost[0].X >= band[0].X+band[0].W {
		t.Errorf("lost %v, away %v", lost, band)
	}
	if !strings.Contains(d.Told, "for 4.00 s. Health route: 1 request. Query, which the dependency has to answer: 1 request, 1 time no answer. The pod was not Ready from 2.00 s. It was Ready again at 6.00 s.") {
		t.Error(d.Told)
	}
}

// Nothing stands outside of the picture, whatever the evidence: an axis without length, times of no order.
func TestNothingStandsOutside(t *testing.T) {
	odd := oneLost()
	odd.Seconds = -1
	for _, r := range []evidence.Rollout{oneLost(), odd} {
		for _, d := range rollouts(evidence.Evidence{Rollouts: []evidence.Rollout{r}}) {
			for _, x := range d.Rects {
				if x.X < 0 || x.W < 0 || x.X+x.W > 100.01 || x.Y < 0 || x.H < 0 || x.Y+x.H > d.Height {
					t.Errorf("a rectangle at %+v of %d", x, d.Height)
				}
			}
			for _, l := range d.Lines {
				if l.X < 0 || l.X > 100 || l.Y2 > d.Height {
					t.Errorf("a line at %+v of %d", l, d.Height)
				}
			}
		}
	}
}

func TestTextGoesWhereThereIsRoom(t *testing.T) {
	var d Drawing
	for _, x := range []float64{0, 40, 50, 60, 100} {
		d.label(x, 0, "at", "deletion requested, 2.15 s")
	}
	var got []string
	for _, x := range d.Texts {
		got = append(got, fmt.Sprintf("%s %d", x.Anchor, x.From))
	}
	if want := "start 320, start 320, middle 320, end 320, end 320"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	for s, want := range map[string]int{"Ready": 320, "endpoint not ready": 840, strings.Repeat("x", 99): 0} {
		if got := fitting(s, 15); got != want {
			t.Errorf("%q is shown from %d on, not %d", s, got, want)
		}
	}
}

func TestScale(t *testing.T) {
	for span, want := range map[float64]float64{8: 1, 9: 2, 40: 5, 0.3: 0.05, 0: 1, 700: 100} {
		if got := niceStep(span / 8); got < want*0.999 || got > want*1.001 {
			t.Errorf("%v s have a number every %v s, not %v", span, got, want)
		}
	}
	for _, c := range []struct {
		s, step float64
		want    string
	}{{0.5, 0.5, "0.5 s"}, {-0, 1, "0 s"}, {20, 10, "20 s"}, {0.05, 0.05, "0.05 s"}, {-1e-12, 0.5, "0.0 s"}} {
		if got := number(c.s, c.step); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
