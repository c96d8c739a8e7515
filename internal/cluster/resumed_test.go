package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// What a node said before it was paused is not taken for what it says now.
func TestANodeThatWasPaused(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		said  time.Duration // ago
		ready corev1.ConditionStatus
		taint string
		want  bool
		says  string
	}{
		"Ready, as it says":                {said: 10 * time.Second, ready: corev1.ConditionTrue, want: true},
		"Ready hours ago":                  {said: 2 * time.Hour, ready: corev1.ConditionTrue, says: "worker has said nothing for 2h0m0s"},
		"its runtime is taken for dead":    {ready: corev1.ConditionFalse, says: "worker is not Ready: why"},
		"Ready, and not found out by all":  {ready: corev1.ConditionTrue, taint: corev1.TaintNodeUnreachable, says: "taint node.kubernetes.io/unreachable"},
		"Ready, and not all know it again": {ready: corev1.ConditionTrue, taint: corev1.TaintNodeNotReady, says: "taint node.kubernetes.io/not-ready"},
	} {
		t.Run(name, func(t *testing.T) {
			n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{
				{Type: corev1.NodeReady, Status: c.ready, Message: "why", LastHeartbeatTime: metav1.NewTime(now.Add(-c.said))}}}}
			if c.taint != "" {
				n.Spec.Taints = []corev1.Taint{{Key: c.taint}}
			}
			got, says := isReadyNow(n, now, 20*time.Second)
			if got != c.want || !strings.Contains(says, c.says) {
				t.Errorf("%t: %q", got, says)
			}
		})
	}
}

func TestALeaseThatHolds(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	lasts := int32(40)
	for ago, want := range map[time.Duration]bool{0: true, 39 * time.Second: true, 41 * time.Second: false, time.Hour: false} {
		renewed := metav1.NewMicroTime(now.Add(-ago))
		if got := valid(&coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{RenewTime: &renewed, LeaseDurationSeconds: &lasts}}, now); got != want {
			t.Errorf("renewed %s ago: %t", ago, got)
		}
	}
	if valid(&coordinationv1.Lease{}, now) {
		t.Error("one that was never renewed holds")
	}
}

func TestAwaitGone(t *testing.T) {
	named := func(name string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: "2"}}
	}
	list := func(names ...string) *corev1.NamespaceList {
		l := &corev1.NamespaceList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
		for _, n := range names {
			l.Items = append(l.Items, *named(n))
		}
		return l
	}
	seen := func() {}
	gone := func(ctx context.Context, l *corev1.NamespaceList, w watch.Interface) error {
		lw := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc:  func(context.Context, metav1.ListOptions) (runtime.Object, error) { return l, nil },
			WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) { return w, nil },
		}, noWatchList{})
		return awaitGone(ctx, "the run's namespaces", lw, &corev1.Namespace{}, func(name string) bool {
			seen()
			return name != "default"
		})
	}
	if err := gone(t.Context(), list("default"), watch.NewFake()); err != nil {
		t.Errorf("there is none: %v", err)
	}
	w := watch.NewFakeWithChanSize(2, false)
	w.Delete(named("podproof-a"))
	w.Delete(named("podproof-b"))
	if err := gone(t.Context(), list("default", "podproof-a", "podproof-b"), w); err != nil {
		t.Errorf("they go: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("it is not itself after 45 s")
	seen = func() { cancel(late) }
	if err := gone(ctx, list("default", "podproof-a"), watch.NewFake()); !errors.Is(err, late) || !strings.Contains(err.Error(), "the run's namespaces to go: [podproof-a]") {
		t.Errorf("one stays: %v", err)
	}
}

// noWatchList has the reflector list first, as what plays the API server here does.
type noWatchList struct{}

func (noWatchList) IsWatchListSemanticsUnSupported() bool { return true }
