package trial

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

func TestRounds(t *testing.T) {
	rolling := func(surge, away string) appsv1.DeploymentStrategy {
		s, a := intstr.Parse(surge), intstr.Parse(away)
		return appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &s, MaxUnavailable: &a}}
	}
	restart := func(n int) disturbance { return disturbance{kind: "restart", leave: n, stay: n} }
	for _, c := range []struct {
		name string
		s    appsv1.DeploymentStrategy
		d    disturbance
		want int
	}{
		{"Kubernetes' default", appsv1.DeploymentStrategy{}, restart(4), 2},
		{"one by one", rolling("1", "0"), restart(3), 3},
		{"two by two, the last alone", rolling("1", "1"), restart(5), 3},
		{"all at once", rolling("100%", "0"), restart(4), 1},
		{"percentages that come to nothing", rolling("0", "10%"), restart(2), 2},
		{"all gone first", appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, restart(3), 1},
		{"one pod", appsv1.DeploymentStrategy{}, disturbance{kind: "eviction", leave: 1, stay: 5}, 1},
	} {
		if got := rounds(c.s, c.d); got != c.want {
			t.Errorf("%s: %d rounds, want %d", c.name, got, c.want)
		}
	}
}

func TestOrdinary(t *testing.T) {
	began := time.Now()
	r := func(stream string, after time.Duration, status int) evidence.Request {
		return evidence.Request{Stream: stream, Start: began.Add(after), End: 0.01, Status: status}
	}
	failed := r("kept", -time.Second, 0)
	failed.Failure = "refused"
	got := ordinary(began, []evidence.Request{r("new", -3*time.Second, 503), r("new", -2*time.Second, 200), r("new", -time.Second, 200), r("new", time.Second, 404), failed})
	if diff := cmp.Diff(map[string]int{"new": 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// rolled is a roller of deployment/api, whose cluster holds that and more.
func rolled(d *appsv1.Deployment, more ...runtime.Object) *roller {
	d.ObjectMeta.Name, d.ObjectMeta.Namespace = "api", "shop"
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}}}
	b := bench(template, append(more, d)...)
	b.Redact = func(s string) string { return s }
	return &roller{TestBed: b, within: 20 * time.Second}
}

func TestARolloutThatIsNotOverIsTold(t *testing.T) {
	two, three := int32(2), int32(3)
	meta := metav1.ObjectMeta{Name: "api", Namespace: "shop"}
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "api"}}}
	other := hpa.DeepCopy()
	other.Spec.ScaleTargetRef.Name = "web"
	says := func(kind appsv1.DeploymentConditionType, is corev1.ConditionStatus) appsv1.DeploymentStatus {
		return appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{Type: kind, Status: is, Reason: "R", Message: "m"}}}
	}
	late := appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse,
		Reason: "ProgressDeadlineExceeded", Message: `ReplicaSet "api-7d9f" has timed out progressing.`}}}
	keda := metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "keda-operator", Subresource: "scale"}}}
	for _, c := range []struct {
		name string
		r    *roller
		want string
	}{
		{"as asked", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}}), ""},
		{"an autoscaler", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &three}}, hpa), "horizontalpodautoscaler/api scaled deployment/api to 3 replicas, and podproof had asked for 2"},
		{"an operator", rolled(&appsv1.Deployment{ObjectMeta: keda, Spec: appsv1.DeploymentSpec{Replicas: &three}}), "keda-operator scaled deployment/api to 3"},
		{"an autoscaler of another", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &three}}, other), "something else scaled deployment/api to 3"},
		{"it may not make pods", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: says(appsv1.DeploymentReplicaFailure, corev1.ConditionTrue)}), "deployment/api says R: m"},
		{"it may", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: says(appsv1.DeploymentReplicaFailure, corev1.ConditionFalse)}), ""},
		{"it goes on", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: says(appsv1.DeploymentProgressing, corev1.ConditionTrue)}), ""},
		{"nobody says how many", rolled(&appsv1.Deployment{}), ""},
		{"its own deadline", rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &two}, Status: late}), "deployment/api says ProgressDeadlineExceeded"},
	} {
		if got := c.r.told(t.Context(), 2); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheBoundOfARollout(t *testing.T) {
	r := rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{MinReadySeconds: 10, Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}}})
	var o evidence.Rollout
	got, err := r.bound(t.Context(), disturbance{kind: "restart", leave: 2, stay: 2}, &o)
	if want := 2*(20+10+30)*time.Second + killMargin; err != nil || got != want || o.Within != want.Seconds() || o.Strategy != "RollingUpdate" {
		t.Errorf("%s (%v), want %s; %+v", got, err, want, o)
	}
}

func TestTheTightestBudgetIsTold(t *testing.T) {
	budget := func(name, app string, allowed int32) *policyv1.PodDisruptionBudget {
		two := intstr.FromInt32(2)
		return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"},
			Spec:   policyv1.PodDisruptionBudgetSpec{MinAvailable: &two, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
			Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allowed, CurrentHealthy: 2, DesiredHealthy: 2, ExpectedPods: 2}}
	}
	r := rolled(&appsv1.Deployment{}, budget("loose", "api", 1), budget("full", "api", 0), budget("other", "postgres", 0))
	got := r.budget(t.Context())
	want := &evidence.Budget{Name: "full", MinAvailable: "2", Healthy: 2, Expected: 2, Desired: 2}
	if diff := cmp.Diff(want, got); diff != "" || !got.Full() {
		t.Errorf("full: %t (-want +got):\n%s", got.Full(), diff)
	}
	if none := rolled(&appsv1.Deployment{}).budget(t.Context()); none.Full() {
		t.Error("no budget is full")
	}
}

// A new pod that will not become Ready ends the wait; an old one that crashes while it ends does not.
func TestCensus(t *testing.T) {
	crashing := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "api", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}}
	ready := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	pod := func(uid types.UID, s corev1.PodStatus) *workload.Observed {
		return &workload.Observed{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: uid}, Status: s}}
	}
	gone := pod("old-1", ready)
	gone.Gone = time.Now()
	old := map[string]bool{"old-1": true, "old-2": true}
	got := tally([]*workload.Observed{gone, pod("old-2", crashing), pod("new-1", ready)}, old)
	if want := (census{gone: 1, there: 2, ready: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := tally([]*workload.Observed{pod("new-1", crashing)}, old); !strings.Contains(got.hopeless, "CrashLoopBackOff") {
		t.Errorf("%+v", got)
	}
}

// That a rollout is not over is evidence; that the run is, an error.
func TestHowTheWaitForARolloutEnds(t *testing.T) {
	ready := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	crashing := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "api", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}}
	pod := func(uid types.UID, s corev1.PodStatus) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: string(uid), Namespace: "shop", UID: uid, Labels: map[string]string{"app": "api"}}, Status: s}
	}
	cut := errors.New("cut off")
	const limit = time.Minute
	for _, c := range []struct {
		name     string
		pods     []runtime.Object
		leave    int
		stop     time.Duration // when the run is cut off
		took     time.Duration
		finished bool
		seen     string
		unready  int
		err      error
	}{
		{name: "it is over", pods: []runtime.Object{pod("new", ready)}, finished: true},
		{name: "its time is over", pods: []runtime.Object{pod("old", ready)}, leave: 1, took: limit, seen: "0 of 1 pods are gone, 1 of 1 Ready"},
		{name: "a pod will not become Ready", pods: []runtime.Object{pod("old", ready), pod("new", crashing)}, leave: 1, unready: 1,
			seen: "0 of 1 pods are gone, 1 of 1 Ready; pod new, container api: "},
		{name: "pods too many", pods: []runtime.Object{pod("new-1", ready), pod("new-2", ready)}, took: surplusWithin + time.Second,
			seen: "0 of 0 pods are gone, 2 of 1 Ready; there are 2 pods where 1 were asked for"},
		{name: "the run is cut off", pods: []runtime.Object{pod("old", ready)}, leave: 1, stop: 5 * time.Second, took: 5 * time.Second,
			seen: "0 of 1 pods are gone", err: cut},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one := int32(1)
				r := rolled(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &one}}, c.pods...)
				o, err := workload.Observe(t.Context(), r.client(), "shop", r.Redact, func(string) {})
				if err != nil {
					t.Fatal(err)
				}
				defer o.Stop()
				r.Observer = o
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if c.stop > 0 {
					time.AfterFunc(c.stop, func() { cancel(cut) })
				}
				began, got := time.Now(), evidence.Rollout{}
				err = r.settle(ctx, []string{"old"}, disturbance{kind: "restart", leave: c.leave, stay: 1}, limit, &got)
				if took := time.Since(began); took < c.took || took > c.took+2*time.Second {
					t.Errorf("it took %s, want %s", took, c.took)
				}
				if !errors.Is(err, c.err) || got.Finished != c.finished || len(got.Unready) != c.unready {
					t.Errorf("%v, %+v", err, got)
				}
				if !strings.HasPrefix(got.Seen, c.seen) || c.seen == "" && got.Seen != "" {
					t.Errorf("seen %q, want %q at its beginning", got.Seen, c.seen)
				}
			})
		})
	}
}
