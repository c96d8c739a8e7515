package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

func TestSince(t *testing.T) {
	began := time.Now()
	sent := func(stream string, after time.Duration, connected, end float64) evidence.Request {
		return evidence.Request{Stream: stream, Start: began.Add(after), Connected: connected, End: end}
	}
	got := since(began, []evidence.Request{
		sent("over", -time.Second, 0.001, 0.5), sent("found no pod", -time.Second, 0, 3),
		sent("under way", -time.Second, 0.001, 3), sent("refused", time.Second, 0, 0.001),
	})
	if len(got) != 2 || got[0].Stream != "under way" || got[1].Stream != "refused" {
		t.Errorf("got %+v", got)
	}
}

// rolling is a bench whose Deployment has so many pods, with a Service and the agent's pod.
func rolling(t *testing.T, k *kubelet, replicas int32, change ...func(*corev1.PodTemplateSpec)) *TestBed {
	t.Helper()
	b := k.bench(template(change...))
	published(t)(k, b)
	k.ops["unreached"] = func(...string) (string, error) {
		time.Sleep(100 * time.Millisecond) // the load has been answered for a while then
		return "", nil
	}
	b.agent = answers(fine).attach
	a := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: agentName, Namespace: "shop"}, Status: corev1.PodStatus{PodIP: "10.244.0.200"}}
	if err := k.client.Tracker().Add(a); err != nil {
		t.Fatal(err)
	}
	k.deploy(b, replicas)
	return b
}

// kinds are those of rollouts, with the preStop sleep of each that had one.
func kinds(os []evidence.Rollout) string {
	var out []string
	for _, o := range os {
		kind := o.Kind
		if o.PreStopSleep > 0 {
			kind += fmt.Sprintf(" (sleep %d)", o.PreStopSleep)
		}
		out = append(out, kind)
	}
	return strings.Join(out, ", ")
}

func TestADeploymentIsRolledOutUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{ready: time.Second, stops: time.Second, says: "bye"})
		b := rolling(t, k, 2)
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err != nil || kinds(got) != "restart, eviction, scale-down" {
			t.Fatalf("got %s (%v)", kinds(got), err)
		}
		for _, o := range got {
			if !o.Finished || o.Seen != "" || o.Problem != "" || o.Replicas != 2 || o.Seconds <= 0 || o.Within < 30 || len(o.Unready)+len(o.Unreached) > 0 {
				t.Errorf("%s: %+v", o.Kind, o)
			}
			gone := map[string]int{"restart": 2, "eviction": 1, "scale-down": 1}[o.Kind]
			if len(o.Ended) != gone || o.Ended[0].Log != nil || o.Before[evidence.StreamNew] != 200 || o.Before[evidence.StreamKept] != 200 {
				t.Errorf("%s: %d pods ended, before it was answered %v", o.Kind, len(o.Ended), o.Before)
			}
			last := o.Requests[len(o.Requests)-1]
			if o.Requests[0].Ended().Before(o.Began) || last.Start.Sub(o.Began).Seconds() < o.Seconds+0.4 {
				t.Errorf("%s: its requests are those from %s to %s", o.Kind, o.Requests[0].Start, last.Start)
			}
		}
		if left := k.alive(); len(left) != 1 {
			t.Errorf("%d pods are left", len(left))
		}
	})
}

// Where an autoscaler keeps some at least, there are never fewer of them, and as many as can go.
func TestAScaleDownStaysAboveWhatAnAutoscalerKeeps(t *testing.T) {
	for _, c := range []struct{ replicas, least, from, stay int32 }{{2, 2, 3, 2}, {3, 2, 3, 2}, {2, 1, 2, 1}} {
		synctest.Test(t, func(t *testing.T) {
			k := newKubelet(t, life{ready: time.Second, stops: time.Second})
			b := rolling(t, k, c.replicas).as(t, Rollouts)
			b.Least = c.least
			got, err := rollOut(t.Context(), b)
			if err != nil || kinds(got) != "restart, eviction, scale-down" {
				t.Fatalf("of %d, at least %d: got %s (%v)", c.replicas, c.least, kinds(got), err)
			}
			if o := got[2]; !o.Finished || o.Replicas != c.from || len(o.Ended) != int(c.from-c.stay) || len(k.alive()) != int(c.stay) {
				t.Errorf("of %d, at least %d: from %d, %d ended, %d are left", c.replicas, c.least, o.Replicas, len(o.Ended), len(k.alive()))
			}
		})
	}
}

func TestADeploymentOfOnePodIsOnlyRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := rolling(t, newKubelet(t, life{}), 1)
		if got, err := rollOut(t.Context(), b.as(t, Rollouts)); err != nil || kinds(got) != "restart" || !got[0].Finished {
			t.Errorf("got %s (%v)", kinds(got), err)
		}
	})
}

// refusing fails each request that is sent while a pod ends which has no preStop hook.
func refusing(k *kubelet) answers {
	return func(s agent.Stream, at time.Time) evidence.Request {
		list, _ := k.client.Tracker().List(podsResource, corev1.SchemeGroupVersion.WithKind("Pod"), "shop")
		for _, p := range list.(*corev1.PodList).Items {
			if p.DeletionTimestamp != nil && p.Spec.Containers[0].Lifecycle == nil {
				return evidence.Request{End: 0.001, Failure: evidence.FailureRefused, Error: "connection refused"}
			}
		}
		return fine(s, at)
	}
}

// What loses requests is tried again on pods with a preStop sleep, unless they have a hook of their own.
func TestALossIsTriedAgainWithASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: time.Second})
		b := rolling(t, k, 2)
		b.agent = refusing(k).attach
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err != nil || kinds(got) != "restart, eviction, scale-down, restart (sleep 5)" {
			t.Fatalf("got %s (%v)", kinds(got), err)
		}
		if last := got[3]; !lost(got[0]) || lost(last) || !last.Finished || last.Replicas != 2 || last.Ended[0].Spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds != triedSleep {
			t.Errorf("with a sleep: %+v", last)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: time.Second})
		b := rolling(t, k, 1)
		b.agent = refusing(k).attach
		b.Subject.Template.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}
		if got, err := rollOut(t.Context(), b.as(t, Rollouts)); err != nil || kinds(got) != "restart" || !lost(got[0]) {
			t.Errorf("got %s (%v)", kinds(got), err)
		}
	})
}

// What the cluster itself has spoilt is tried once more, with all pods there again.
func TestARolloutThatTheClusterSpoiltIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: 6 * time.Second})
		b := rolling(t, k, 1)
		spoils := true
		var told time.Time
		b.agent = answers(func(s agent.Stream, at time.Time) evidence.Request {
			if spoils && told.IsZero() && len(k.alive()) < len(k.there())-1 {
				told = time.Now()
				reroute(t, k)
			}
			if spoils && !told.IsZero() && time.Since(told) > 3*time.Second && s.Name == evidence.StreamNew {
				spoils = false
				return evidence.Request{End: 0.001, Failure: evidence.FailureRefused}
			}
			return fine(s, at)
		}).attach
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err != nil || kinds(got) != "restart, restart" || spoils || !check.Overtaken(got[0]) || check.Overtaken(got[1]) {
			t.Errorf("got %s, spoilt: %t (%v)", kinds(got), !spoils, err)
		}
	})
}

// reroute has the Service lead to a pod that is Ready, beside one that ends.
func reroute(t *testing.T, k *kubelet) {
	t.Helper()
	yes, no := true, false
	pod := func(name string) *corev1.ObjectReference { return &corev1.ObjectReference{Kind: "Pod", Name: name} }
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		Endpoints: []discoveryv1.Endpoint{{TargetRef: pod("new"), Conditions: discoveryv1.EndpointConditions{Ready: &yes}},
			{TargetRef: pod("old"), Conditions: discoveryv1.EndpointConditions{Ready: &no, Terminating: &yes, Serving: &no}}}}
	if err := k.client.Tracker().Add(s); err != nil {
		t.Error(err)
	}
}

func TestARolloutThatIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 2)
		k.life = func(*corev1.Pod) life { return life{never: true, says: "no database"} }
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err == nil || !strings.Contains(err.Error(), "the restart was not over after") || kinds(got) != "restart" {
			t.Fatalf("got %s (%v)", kinds(got), err)
		}
		o := got[0]
		if o.Finished || o.Seen != "0 of 2 pods are gone, 2 of 2 Ready" || len(o.Unready) != 1 || o.Unready[0].Log[0].Text != "no database" || o.Seconds < o.Within {
			t.Errorf("got %+v", o)
		}
	})
	synctest.Test(t, func(t *testing.T) { // what cannot end is not waited for
		k := newKubelet(t, life{})
		b := rolling(t, k, 2)
		k.life = func(*corev1.Pod) life { return life{waits: "ErrImageNeverPull"} }
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err == nil || !strings.Contains(got[0].Seen, "; pod api-2, container api: the image is not on the node") || got[0].Seconds > 5 {
			t.Errorf("got %+v (%v)", got, err)
		}
	})
}

func TestMorePodsThanWereAskedForAreNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 2)
		r := &roller{TestBed: b, within: b.Patience}
		three := int32(3)
		scaled := func(ctx context.Context, _ []string) error {
			return r.change(ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = &three })
		}
		if err := scaled(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		var o evidence.Rollout
		before := r.living()
		time.Sleep(2 * time.Second)
		began := time.Now()
		err := r.settle(t.Context(), before, disturbance{kind: "restart", leave: 0, stay: 2}, time.Minute, &o)
		if took := time.Since(began); err != nil || o.Finished || !strings.Contains(o.Seen, "; there are 3 pods where 2 were asked for") || took > surplusWithin+3*time.Second {
			t.Errorf("%s: %+v (%v)", took, o, err)
		}
		if !strings.Contains(o.Seen, "something else scaled deployment/api to 3 replicas, and podproof had asked for 2") {
			t.Errorf("got %q", o.Seen)
		}
	})
}

// An eviction is asked for again while a budget may still allow it, and no longer.
func TestAnEvictionThatIsRefused(t *testing.T) {
	budget := func(allowed, healthy int32) *policyv1.PodDisruptionBudget {
		return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"},
			Spec:   policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "api"}}},
			Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed, CurrentHealthy: healthy, ExpectedPods: 2}}
	}
	for name, c := range map[string]struct {
		objects []runtime.Object
		until   time.Duration // it is refused
		err     error
		refused bool
		took    time.Duration
	}{
		"the budget is full":        {[]runtime.Object{budget(0, 2)}, time.Hour, nil, true, 0},
		"it never allows it":        {[]runtime.Object{budget(0, 1)}, time.Hour, nil, true, evictWithin},
		"no budget is there":        {nil, time.Hour, nil, true, evictWithin},
		"a moment later it may":     {[]runtime.Object{budget(0, 1)}, 3 * time.Second, nil, false, 3 * time.Second},
		"the API server knows none": {nil, time.Hour, apierrors.NewForbidden(corev1.Resource("pods"), "api-0", nil), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, life{}, c.objects...)
				r := &roller{}
				began := time.Now()
				k.client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
					if a.GetSubresource() != "eviction" || time.Since(began) >= c.until {
						return false, nil, nil
					}
					if e := a.(clienttesting.CreateAction).GetObject().(*policyv1.Eviction); e.Name != "api-0" || *e.DeleteOptions.Preconditions.UID != types.UID(r.living()[0]) {
						t.Errorf("evicted is %+v", e)
					}
					return true, nil, cmp.Or(c.err, error(apierrors.NewTooManyRequests("it would break the budget", 1)))
				})
				r.TestBed = rolling(t, k, 2)
				began = time.Now()
				err := r.evict(t.Context(), r.living())
				var refused *evictionRefused
				if errors.As(err, &refused) != c.refused || (err == nil) != (!c.refused && c.err == nil) || time.Since(began).Round(time.Second) != c.took {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				if c.refused && (!strings.Contains(err.Error(), "refuses to evict pod api-0") || (refused.budget == nil) != (len(c.objects) == 0) || !apierrors.IsTooManyRequests(err)) {
					t.Errorf("%v, for the budget %+v", err, refused.budget)
				}
			})
		})
	}
	if err := (&roller{}).evict(t.Context(), nil); err == nil {
		t.Error("no pod was evicted without an error")
	}
}

func TestARefusedEvictionIsToldByTheRollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"},
			Spec:   policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "api"}}},
			Status: policyv1.PodDisruptionBudgetStatus{CurrentHealthy: 2, ExpectedPods: 2}}
		k := newKubelet(t, life{}, full)
		k.client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
			return a.GetSubresource() == "eviction", nil, apierrors.NewTooManyRequests("it would break the budget", 1)
		})
		b := rolling(t, k, 2)
		got, err := rollOut(t.Context(), b.as(t, Rollouts))
		if err != nil || kinds(got) != "restart, eviction, scale-down" {
			t.Fatalf("got %s (%v)", kinds(got), err)
		}
		if o := got[1]; o.Finished || !strings.Contains(o.Problem, "refuses to evict") || o.Budget == nil || o.Budget.Name != "api" || len(o.Requests) == 0 {
			t.Errorf("got %+v", o)
		}
	})
}

func TestWhatCannotBeRolledOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 1)
		fails := func(want string) {
			t.Helper()
			if got, err := rollOut(t.Context(), b.as(t, Rollouts)); err == nil || len(got) > 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("got %s (%v), want %q", kinds(got), err, want)
			}
		}
		b.agent = answers(always(500)).attach
		fails("was answered 500")
		b.agent = answers(fine).attach
		services := b.Services
		b.Services = nil
		fails("no Service with a cluster address")
		b.Services = services
		if err := k.client.Tracker().Delete(deploymentsResource, "shop", "api"); err != nil {
			t.Fatal(err)
		}
		fails("reading deployment/api")
		if err := k.client.Tracker().Delete(podsResource, "shop", agentName); err != nil {
			t.Fatal(err)
		}
		fails("reading the address of podproof's agent")
		b.Subject = controller(t, "StatefulSet", "api")
		fails("statefulset/api is not a Deployment")
	})
}

// A pod to which no connection leads is tried to be reached again, for a time.
func TestPodsThatTheLoadDoesNotReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 2)
		first := workload.ContainerID(k.alive()[0], "api")
		r := &roller{TestBed: b, from: "C800F40A", plan: rolloutPlan(stream(evidence.StreamNew, b.Asked.Load, "10.96.0.2:80"), 2, keptConnections)}
		missed := 3
		k.ops["unreached"] = func(args ...string) (string, error) {
			if len(args) != 3 || args[0] != "C800F40A" {
				t.Errorf("asked for %q", args)
			}
			if missed--; missed < 0 {
				return "", nil
			}
			return first + "\n", nil
		}
		load, unreached, err := r.reach(t.Context(), r.living())
		if err != nil || len(unreached) != 0 || missed != -1 {
			t.Fatalf("unreached are %q, %d left (%v)", unreached, missed, err)
		}
		load.cancel()
		// So long a load of all its streams would take the test seconds.
		r.plan.Streams = r.plan.Streams[:1]
		k.ops["unreached"] = func(...string) (string, error) {
			time.Sleep(time.Second)
			return first + "\n", nil
		}
		began := time.Now()
		load, unreached, err = r.reach(t.Context(), r.living())
		if took := time.Since(began); err != nil || len(unreached) != 1 || unreached[0] != "api-0" || took < reachWithin || took > reachWithin+10*time.Second {
			t.Fatalf("unreached are %q after %s (%v)", unreached, took, err)
		}
		load.cancel()
		k.ops["unreached"] = func(args ...string) (string, error) {
			if len(args) != 2 || args[1] != first {
				t.Errorf("asked for %q", args)
			}
			return "", nil
		}
		r.unreached(t.Context(), r.living()[:1])
		none := func(why string) {
			t.Helper()
			if got := r.unreached(t.Context(), r.living()); got != nil {
				t.Errorf("%s: unreached are %q", why, got)
			}
		}
		r.sticky = true
		none("the Service sends all to one pod")
		r.sticky = false
		k.ops["unreached"] = func(args ...string) (string, error) { return strings.Join(args[1:], "\n"), nil }
		none("addresses are translated on the way")
		k.ops["unreached"] = nil
		none("the node does not tell")
		r.Node = nil
		none("there is no node to ask")
	})
}

// What is to be tried on all pods again waits for all of them.
func TestPodsThatDoNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := rolling(t, k, 1)
		r := &roller{TestBed: b, within: b.Patience}
		if err := r.restore(t.Context(), 2); err != nil {
			t.Error(err)
		}
		k.life = func(*corev1.Pod) life { return life{never: true} }
		if err := r.restore(t.Context(), 3); err == nil || !strings.Contains(err.Error(), "deployment/api did not get its 3 replicas back: 0 of 0 pods are gone, 2 of 3 Ready") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsLost(t *testing.T) {
	r := func(status int, failure string) evidence.Request {
		return evidence.Request{Stream: "new", Status: status, Failure: failure}
	}
	for _, c := range []struct {
		name     string
		before   int
		strategy string
		r        evidence.Request
		want     bool
	}{
		{"all is well", 200, "", r(200, ""), false},
		{"it failed", 200, "", r(0, "reset"), true},
		{"an error of the server's", 200, "", r(503, ""), true},
		{"worse than before", 200, "", r(404, ""), true},
		{"as bad as before", 404, "", r(404, ""), false},
		{"better", 404, "", r(200, ""), false},
		{"nobody knows what it was", 0, "", r(404, ""), false},
		{"no pod was left to serve meanwhile", 200, "Recreate", r(0, "refused"), false},
	} {
		o := evidence.Rollout{Strategy: c.strategy, Before: map[string]int{"new": c.before}, Requests: []evidence.Request{c.r}}
		if got := lost(o); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestRolloutPlan(t *testing.T) {
	for replicas, kept := range map[int]int{1: 8, 2: 8, 3: 12} {
		plan := rolloutPlan(agent.Stream{Path: "/health"}, replicas, keptConnections)
		if len(plan.Streams) != 1+kept || plan.Streams[0].KeepAlive || !plan.Streams[1].KeepAlive || plan.Streams[0].Every*kept != plan.Streams[1].Every {
			t.Errorf("%d replicas: %+v", replicas, plan.Streams)
		}
	}
}

func TestConnections(t *testing.T) {
	r := func(stream string, reused bool, failure string) evidence.Request {
		return evidence.Request{Stream: stream, Reused: reused, Failure: failure}
	}
	rs := []evidence.Request{r("new", false, ""), r("new", false, ""), r("kept", false, ""), r("kept", true, ""), r("kept", false, "reset"), r("kept", false, "")}
	if got := connections(rs); got != 3 {
		t.Errorf("%d connections carried an answer", got)
	}
	if got := connections(rs[3:5]); got != 0 {
		t.Errorf("%d connections carried an answer", got)
	}
}

func TestARolloutThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{stops: 10 * time.Second})
		b := rolling(t, k, 2)
		cause := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, cause)
		defer cancel()
		if got, err := rollOut(ctx, b.as(t, Rollouts)); !errors.Is(err, cause) || len(got) != 1 || len(got[0].Requests) > 0 {
			t.Errorf("got %+v (%v)", got, err)
		}
	})
}
