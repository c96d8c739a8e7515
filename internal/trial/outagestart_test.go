package trial

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// object is one without a spec.
func object(kind, name string) workload.Object {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "shop"}}}
	return workload.Object{Unstructured: u}
}

// job is a Job, which the kubelet's cluster has completed at once.
func job(t *testing.T, name string) workload.Controller {
	t.Helper()
	js, err := workload.Jobs([]workload.Object{{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": name, "namespace": "shop"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return js[0]
}

func TestTheWorkloadIsStartedBesideAllThatItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{ready: time.Second})
		s.copy.Others, s.copy.Jobs = []workload.Controller{controller(t, "StatefulSet", "cache")}, []workload.Controller{job(t, "migrate")}
		s.copy.Objects = []workload.Object{object("ConfigMap", "api"), s.copy.Others[0].Object}
		if _, _, err := s.outages(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"configmap/api", "statefulset/db", "statefulset/cache", "job/migrate", "deployment/api"}; !slices.Equal(s.applied, want) {
			t.Errorf("applied were %q, want %q", s.applied, want)
		}
	})
	for name, c := range map[string]struct {
		change func(*shop)
		want   string
	}{
		"its dependency": {func(s *shop) {}, "statefulset/db did not become Ready"},
		"another": {func(s *shop) {
			s.copy.Others = []workload.Controller{s.copy.Dependency}
			s.copy.Dependency = controller(t, "StatefulSet", "other")
		}, "statefulset/db did not become Ready"},
		"an unknown object": {func(s *shop) { s.copy.Objects = []workload.Object{object("Nothing", "x")} }, "nothing/x"},
	} {
		for _, without := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, life{})
				s.life = func(p *corev1.Pod) life { return life{never: p.Labels["app"] == "db"} }
				s.spec.Without = without
				c.change(s)
				if _, _, err := s.outages(briefOutages...); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s, without: %t: %v", name, without, err)
				}
			})
		}
	}
}

// startedWithout is what the workload does without its database, and once that is up; back is when
// it is Ready then, zero for never.
func startedWithout(t *testing.T, api life, back time.Duration, change ...func(*shop)) (*evidence.StartWithout, *shop, error) {
	t.Helper()
	s := newShop(t, life{})
	s.life = func(p *corev1.Pod) life {
		if p.Name != "db-0" {
			return api
		}
		if back > 0 {
			time.AfterFunc(back, func() { s.ready("api-0", true) })
		}
		return life{}
	}
	s.spec.Without, s.b.StartTook = true, 6*time.Second
	for _, c := range change {
		c(s)
	}
	r, _, err := s.outages(evidence.OutageRestarted)
	return r.Outages.Without, s, err
}

// unhealthy has the kubelet tell that a probe of the API has failed.
func unhealthy(after time.Duration) func(*shop) {
	return func(s *shop) {
		before := s.life
		s.life = func(p *corev1.Pod) life {
			if p.Name == "api-0" {
				p = p.DeepCopy()
				time.AfterFunc(after, func() { s.event(p, "Unhealthy") })
			}
			return before(p)
		}
	}
}

func TestAStartWithoutTheDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s, err := startedWithout(t, life{never: true}, 4*time.Second, unhealthy(time.Second))
		if err != nil || w == nil || w.BecameReady || w.Exits != 0 || !w.Recovered || w.Init != "" || w.Connected != nil {
			t.Fatalf("got %+v (%v)", w, err)
		}
		if w.Waited < 9 || w.Waited > 10 || w.After < 2 || w.After > 5 || w.Up.Sub(w.Began).Seconds() < w.Waited {
			t.Errorf("got %+v", w)
		}
		if want := []string{"deployment/api", "statefulset/db"}; !slices.Equal(s.applied, want) {
			t.Errorf("applied were %q", s.applied)
		}
		if s.count("signal") == 0 {
			t.Error("after it has recovered, nothing is taken away")
		}
	})
	synctest.Test(t, func(t *testing.T) { // no probe has said anything
		if w, _, err := startedWithout(t, life{never: true}, 4*time.Second); err != nil || w.Waited < 29 || w.Waited > 30 {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it says that it is Ready
		if w, _, err := startedWithout(t, life{ready: 2 * time.Second}, 4*time.Second); err != nil || !w.BecameReady || w.Waited > 10 {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it says so late, before a probe has said anything else
		if w, _, err := startedWithout(t, life{ready: 15 * time.Second}, 4*time.Second); err != nil || !w.BecameReady || w.Waited < 15 || w.Waited > 16 {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it ends
		w, _, err := startedWithout(t, life{never: true, ends: 2 * time.Second, code: 7}, 4*time.Second)
		if err != nil || w.Exits != 1 || w.LastExit != 7 || w.Waited > 10 {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // and never comes back
		w, s, err := startedWithout(t, life{never: true}, 0, unhealthy(time.Second))
		if err != nil || w.Recovered || w.After < 23 || w.After > 25 || s.count("signal") != 0 {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // it is not even started
		if w, _, err := startedWithout(t, life{waits: "ContainerCreating"}, 0); err == nil || w != nil || !strings.Contains(err.Error(), "no container of deployment/api started within 2m0s") {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
}

// An init container that waits is told, with the end of its log.
func TestAStartThatWaitsInAnInitContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := func(s *shop) {
			s.b.Node = nil // the log comes over the API
			before := s.life
			s.life = func(p *corev1.Pod) life {
				if p.Name == "api-0" {
					time.AfterFunc(time.Second, func() {
						s.change("api-0", func(p *corev1.Pod) {
							p.Status.Conditions = nil
							p.Status.ContainerStatuses = nil
							p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait", RestartCount: 1,
								State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
								LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2}}}}
						})
					})
				}
				return before(p)
			}
		}
		w, _, err := startedWithout(t, life{never: true}, 0, waits)
		if err != nil || w.Init != "wait" || w.InitExits != 1 || w.InitLast != 2 || w.Waited > 10 {
			t.Errorf("got %+v (%v)", w, err)
		}
		if w.After < 49 { // the kubelet waits before it starts it again
			t.Errorf("it was given %g s", w.After)
		}
	})
}

// Of one that nobody can ask, a connection tells that it has come up.
func TestAWorkerThatStartsWithoutItsDependency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		worker := func(s *shop) { s.b.Asked, s.b.agent = Asked{}, nil }
		w, _, err := startedWithout(t, life{}, time.Second, worker)
		if err != nil || !w.Recovered || w.Connected == nil || !*w.Connected {
			t.Errorf("got %+v (%v)", w, err)
		}
	})
}

func TestTheTrialsOfOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		seen := func(x Trial, wants bool) evidence.Evidence {
			t.Helper()
			s := newShop(t, life{stops: time.Second})
			s.b.End = func(context.Context) { ended = true }
			from := &TestBed{Trial: x.ID, Wants: func(evidence.Section) bool { return wants }, Taken: []Taken{s.taken},
				Elsewhere: func(_ context.Context, suffix, dependency string) (*TestBed, Copy, error) {
					if suffix != x.ID || dependency != "statefulset/db" {
						t.Errorf("%s is made in a namespace called %q, for %s", x.ID, suffix, dependency)
					}
					return s.as(x), s.copy, nil
				}}
			var e evidence.Evidence
			see, err := x.Run(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			see(&e)
			if !ended {
				t.Error("its namespace stays")
			}
			return e
		}
		if e := seen(Outages, true); len(e.Outages.Trials) != 3 || e.Outages.Without == nil || e.OutageTermination != nil {
			t.Errorf("got %+v", e.Outages)
		}
		e := seen(Frozen, true)
		if len(e.Outages.Trials) != 1 || e.Outages.Without != nil || e.OutageTermination == nil || e.Outages.Trials[0].Pod == nil || e.Outages.Trials[0].Unready.IsZero() {
			t.Errorf("got %+v", e.Outages)
		}
		if e := seen(Frozen, false); !e.Outages.Trials[0].Unready.IsZero() {
			t.Errorf("nobody wants the outage itself: %+v", e.Outages)
		}
	})
	synctest.Test(t, func(t *testing.T) { // what was cut off is no evidence
		s := newShop(t, life{stops: time.Hour})
		cause := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
		defer cancel()
		from := &TestBed{Wants: func(evidence.Section) bool { return true }, Taken: []Taken{s.taken}, Elsewhere: func(context.Context, string, string) (*TestBed, Copy, error) { return s.as(Frozen), s.copy, nil }}
		var e evidence.Evidence
		see, err := Frozen.Run(ctx, from)
		if see(&e); !errors.Is(err, cause) || e.Outages != nil && len(e.Outages.Trials) > 0 || e.OutageTermination != nil {
			t.Errorf("got %+v (%v)", e, err)
		}
	})
}

func TestTheQueryIsAwaitedBeforeAnythingIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, life{})
		s.b.Asked.Health.Path = "/live"
		o := &outager{TestBed: s.b}
		plan := o.plan("10.0.0.7")
		if len(plan.Streams) != 3 || plan.Streams[0].Path != "/live" || plan.Streams[1].Path != "/ready" || plan.Streams[2].Path != "/items" || plan.Streams[2].Every != outageEvery {
			t.Errorf("got %+v", plan)
		}
		s.b.Asked.Query = nil
		if n := len(o.plan("10.0.0.7").Streams); n != 2 {
			t.Errorf("without a query there are %d streams", n)
		}
		s.b.Asked.Query = &Route{Method: "GET", Path: "/items"}
		s.away = true // the query fails
		began := time.Now()
		load, err := o.ask(t.Context(), "10.0.0.7")
		if took := time.Since(began).Round(time.Second); err != nil || took != firstQuery {
			t.Fatalf("after %s: %v", took, err)
		}
		load.quit()
		for r, want := range map[*evidence.Request]bool{
			{Stream: "query", Status: 200}: true, {Stream: "query", Status: 299}: true, {Stream: "query", Status: 300}: false, {Stream: "query", Status: 199}: false,
			{Stream: "ready", Status: 200}: false, {Stream: "query", Status: 200, Failure: "closed"}: false,
		} {
			if got := succeeded("query")(*r); got != want {
				t.Errorf("%+v: %t", *r, got)
			}
		}
	})
}
