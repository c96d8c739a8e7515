package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/evidence"
)

// bed is an observer of a cluster whose watches the test writes, and whose containers all
// say the same.
type bed struct {
	*Observer
	pods, events *watch.RaceFreeFakeWatcher
	version      int
}

func observe(t *testing.T, log string, tell func(string)) *bed {
	t.Helper()
	b := &bed{pods: watch.NewRaceFreeFake(), events: watch.NewRaceFreeFake()}
	client := fake.NewClientset()
	client.PrependWatchReactor("pods", ktesting.DefaultWatchReactor(b.pods, nil))
	client.PrependWatchReactor("events", ktesting.DefaultWatchReactor(b.events, nil))
	client.PrependReactor("get", "pods/log", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, &runtime.Unknown{Raw: []byte(log)}, nil
	})
	var err error
	b.Observer, err = Observe(t.Context(), client, "shop", strings.NewReplacer("hunter2", "[masked]").Replace, tell)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

// pod is a state of the pod "api-1". An informer takes two states of one version for the same.
func (b *bed) pod(uid string, change ...func(*corev1.Pod)) *corev1.Pod {
	b.version++
	p := podIs(change...)
	p.Namespace, p.UID, p.ResourceVersion = "shop", types.UID(uid), fmt.Sprint(b.version)
	return p
}

// until waits for what the test has just caused; only a failure takes the whole time.
func (b *bed) until(t *testing.T, what string, is func(*Observed) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := b.Wait(ctx, func(*corev1.Pod) bool { return true }, func(ps []*Observed) (bool, string, error) {
		return len(ps) == 1 && is(ps[0]), what, nil
	})
	if err != nil {
		t.Fatalf("never seen: %s", what)
	}
}

func TestObserverSeesAPodsLife(t *testing.T) {
	b := observe(t, noonText+" Started server\n"+noonText+" password hunter2\n", func(string) {})
	up := container(corev1.ContainerStatus{State: running(), ContainerID: "containerd://0a1b"})
	ready := has(corev1.PodReady, corev1.ConditionTrue, "", "")

	b.pods.Add(b.pod("u1", container(corev1.ContainerStatus{State: waiting("ContainerCreating", "")})))
	b.until(t, "the pod", func(*Observed) bool { return true })
	b.pods.Modify(b.pod("u1", up))
	b.until(t, "its container running", func(o *Observed) bool { return Running(o.Pod, "api") != nil })
	b.until(t, "its log", func(o *Observed) bool { return o.Said("api", "password") })
	b.pods.Modify(b.pod("u1", up, ready))
	b.until(t, "it ready", func(o *Observed) bool { return IsReady(o.Pod) })
	b.pods.Modify(b.pod("u1", up, ready, deleted))
	b.until(t, "its deletion", func(o *Observed) bool { return o.Pod.DeletionTimestamp != nil })
	b.pods.Delete(b.pod("u1", container(corev1.ContainerStatus{State: ended(0, "Completed"), ContainerID: "containerd://0a1b"}), ready, deleted))
	b.until(t, "it gone", func(o *Observed) bool { return !o.Gone.IsZero() })

	e := b.Evidence("u1", "api")
	if e.Name != "api-1" || e.UID != "u1" {
		t.Errorf("evidence of %s (%s)", e.Name, e.UID)
	}
	var timeline []string
	for _, m := range e.Timeline {
		timeline = append(timeline, m.What)
	}
	if diff := cmp.Diff([]string{"container api: waiting: ContainerCreating", "container api: running", "Ready: True",
		"deletion requested", "container api: exited with 0 (Completed)", "pod removed"}, timeline); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
	// Read once, although several states named the container.
	if diff := cmp.Diff([]evidence.LogLine{{At: noon, Text: "Started server"}, {At: noon, Text: "password [masked]"}}, e.Log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if other := b.Evidence("u1", "proxy"); len(other.Log) != 0 {
		t.Errorf("the log of another container: %v", other.Log)
	}
}

// A pod's own last words come by its status, past the logs.
func TestObserverRedactsMessages(t *testing.T) {
	b := observe(t, "", func(string) {})
	last := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "bad key hunter2"}}
	p := b.pod("u1", container(corev1.ContainerStatus{LastTerminationState: last,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "RunContainerError", Message: "exec hunter2"}}}))
	p.Status.Message = "evicted hunter2"
	p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", State: *last.DeepCopy()}}
	given := p.DeepCopy()
	b.saw(t.Context(), p, false)

	if diff := cmp.Diff(given, p); diff != "" {
		t.Errorf("the watch's own object was changed (-before +after):\n%s", diff)
	}
	s := b.Evidence("u1", "api").Status
	got := []string{s.Message, s.InitContainerStatuses[0].State.Terminated.Message, s.ContainerStatuses[0].State.Waiting.Message,
		s.ContainerStatuses[0].LastTerminationState.Terminated.Message}
	if diff := cmp.Diff([]string{"evicted [masked]", "bad key [masked]", "exec [masked]", "bad key [masked]"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.until(t, "the same in what others read", func(o *Observed) bool { return LastTerminated(o.Pod, "api").Message == "bad key [masked]" })
}

func TestObserverHearsEvents(t *testing.T) {
	b := observe(t, "", func(string) {})
	event := func(name, kind, reason, message string, count int32) *corev1.Event {
		b.version++
		return &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", ResourceVersion: fmt.Sprint(b.version)},
			InvolvedObject: corev1.ObjectReference{Kind: kind, UID: "u1", FieldPath: "spec.containers{api}"},
			Type:           "Warning", Reason: reason, Message: message, Count: count, LastTimestamp: metav1.Time{Time: noon}}
	}
	b.pods.Add(b.pod("u1"))
	b.events.Add(event("e0", "ReplicaSet", "FailedCreate", "no", 1)) // not about a pod
	b.events.Add(event("e1", "Pod", "Unhealthy", "hunter2 refused", 1))
	b.events.Modify(event("e1", "Pod", "Unhealthy", "hunter2 refused", 2))
	b.events.Add(event("e2", "Pod", "BackOff", "Back-off", 1))
	b.until(t, "the last event", func(o *Observed) bool {
		return len(o.events) > 0 && o.events[len(o.events)-1].Reason == "BackOff"
	})
	want := []evidence.Event{
		{At: noon, Type: "Warning", Reason: "Unhealthy", Message: "[masked] refused", Count: 2, FieldPath: "spec.containers{api}"},
		{At: noon, Type: "Warning", Reason: "BackOff", Message: "Back-off", Count: 1, FieldPath: "spec.containers{api}"},
	}
	if diff := cmp.Diff(want, b.Evidence("u1", "api").Events); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	cause := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	var told []string
	b := observe(t, "", func(s string) { told = append(told, s); cancel(cause) })
	err := b.Wait(ctx, func(*corev1.Pod) bool { return true }, func(ps []*Observed) (bool, string, error) {
		return false, fmt.Sprintf("%d pods", len(ps)), nil
	})
	var over *WaitError
	if !errors.As(err, &over) || over.Seen != "0 pods" || !errors.Is(err, cause) {
		t.Errorf("it ended with %#v, want what was seen last, and %v", err, cause)
	}
	if diff := cmp.Diff([]string{"0 pods"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWaitEndsWhenItIsHopeless(t *testing.T) {
	b := observe(t, "", func(string) {})
	hopeless := errors.New("the image cannot be pulled")
	err := b.Wait(t.Context(), func(*corev1.Pod) bool { return true }, func([]*Observed) (bool, string, error) {
		return false, "", hopeless
	})
	if err != hopeless {
		t.Errorf("it ended with %v, want %v", err, hopeless)
	}
}

func TestWaitLooksAtTheOldestFirst(t *testing.T) {
	b := observe(t, "", func(string) {})
	for i, uid := range []string{"young", "old", "other"} {
		p := b.pod(uid)
		p.Name, p.CreationTimestamp = uid, metav1.Time{Time: noon.Add(-time.Duration(i) * time.Hour)}
		b.pods.Add(p)
	}
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := b.Wait(ctx, func(p *corev1.Pod) bool { return p.Name != "other" }, func(ps []*Observed) (bool, string, error) {
		got = nil
		for _, o := range ps {
			got = append(got, o.Pod.Name)
		}
		return len(ps) == 2, fmt.Sprint(got), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old", "young"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
