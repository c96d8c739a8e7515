package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

func observe(t *testing.T, log string, tell func(string), there ...runtime.Object) *bed {
	t.Helper()
	b := &bed{pods: watch.NewRaceFreeFake(), events: watch.NewRaceFreeFake()}
	client := fake.NewClientset(there...)
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
		return slices.ContainsFunc(ps, is), what, nil
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

// What an init container and a sidecar say is kept, too, and all of it was searched.
func TestObserverKeepsTheLogsOfAllContainers(t *testing.T) {
	b := observe(t, noonText+" key [value of secret/api:KEY]\n", func(string) {})
	ran := func(name string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, ContainerID: "containerd://" + name, State: ended(0, "Completed")}
	}
	p := b.pod("u1", func(p *corev1.Pod) {
		p.Spec.InitContainers, p.Spec.Containers = []corev1.Container{{Name: "migrate"}}, []corev1.Container{{Name: "api"}, {Name: "proxy"}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{ran("migrate")}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{ran("api"), ran("proxy")}
	})
	b.pods.Add(p)
	for _, c := range []string{"migrate", "api", "proxy"} {
		b.until(t, "the log of "+c, func(o *Observed) bool { return o.Said(c, "key") })
	}
	e := b.Evidence("u1", "api")
	if len(e.Log) != 1 || len(e.OtherLogs) != 2 || e.OtherLogs[0].Container != "migrate" || len(e.OtherLogs[1].Lines) != 1 {
		t.Errorf("%v, and %v", e.Log, e.OtherLogs)
	}
	s := b.Searched(func(*corev1.Pod) bool { return true })
	if s.Pods != 1 || s.Lines != 3 || len(s.Found) != 3 || s.Found[1].Container != "migrate" || len(s.Unread) != 0 {
		t.Errorf("searched: %+v", s)
	}
	if none := b.Searched(func(*corev1.Pod) bool { return false }); none.Pods != 0 {
		t.Errorf("searched of no pod: %+v", none)
	}
}

// A log stream that breaks is taken up again, without the lines that were read.
func TestObserverTakesALogUpAgain(t *testing.T) {
	b := observe(t, "", func(string) {})
	asked := 0
	b.client.(*fake.Clientset).PrependReactor("get", "pods/log", func(ktesting.Action) (bool, runtime.Object, error) {
		asked++
		if asked == 1 {
			return true, nil, errors.New("the API server restarts")
		}
		return true, &runtime.Unknown{Raw: []byte(noonText + " Started server\n")}, nil
	})
	b.pods.Add(b.pod("u1", container(corev1.ContainerStatus{State: running(), ContainerID: "containerd://0a1b"})))
	b.until(t, "its log", func(o *Observed) bool { return o.Said("api", "Started server") })
	if e := b.Evidence("u1", "api"); e.Unread != "" || len(e.Log) != 1 {
		t.Errorf("%d lines, unread %q", len(e.Log), e.Unread)
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

// A wait whose time is over is no error, unless the run itself was ended.
func TestWithin(t *testing.T) {
	b := observe(t, "", func(string) {})
	never := func([]*Observed) (bool, string, error) { return false, "", nil }
	anyPod := func(*corev1.Pod) bool { return true }
	if err := b.Within(t.Context(), time.Millisecond, anyPod, never); err != nil {
		t.Errorf("the time was over: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted")
	cancel(cause)
	if err := b.Within(ctx, time.Minute, anyPod, never); !errors.Is(err, cause) {
		t.Errorf("the run was ended: %v", err)
	}
}

// A pod that is gone is none that is there, and is remembered.
func TestPods(t *testing.T) {
	b := observe(t, "", func(string) {})
	anyPod := func(*corev1.Pod) bool { return true }
	gone := b.pod("u1")
	b.pods.Add(gone)
	there := b.pod("u2")
	there.Name, there.CreationTimestamp = "api-2", metav1.Time{Time: noon}
	b.pods.Add(there)
	b.until(t, "it is there", func(o *Observed) bool { return o.Pod.UID == "u1" })
	b.pods.Delete(gone)
	b.until(t, "it is gone", func(o *Observed) bool { return o.Pod.UID == "u1" && !o.Gone.IsZero() })
	b.until(t, "the other is there", func(o *Observed) bool { return o.Pod.UID == "u2" })
	if ps := b.Pods(anyPod); len(ps) != 1 || ps[0].UID != "u2" {
		t.Errorf("there are %v", ps)
	}
	if got := b.UIDs(anyPod); !slices.Equal(got, []string{"u1", "u2"}) {
		t.Errorf("remembered are %v", got)
	}
}

// A log that breaks off and cannot be taken up again, since the pod is gone by then, is not known to its end.
func TestALogThatBreaksOffWithItsPod(t *testing.T) {
	b := observe(t, "", func(string) {})
	asked := 0
	b.client.(*fake.Clientset).PrependReactor("get", "pods/log", func(ktesting.Action) (bool, runtime.Object, error) {
		asked++
		if asked == 1 {
			return true, nil, errors.New("the kubelet's connection broke")
		}
		return true, nil, apierrors.NewNotFound(corev1.Resource("pods"), "api-1")
	})
	b.pods.Add(b.pod("u1", container(corev1.ContainerStatus{State: running(), ContainerID: "containerd://0a1b"})))
	b.until(t, "why not", func(o *Observed) bool { return o.unread["api"] != "" })
	if e := b.Evidence("u1", "api"); !strings.Contains(e.Unread, "the kubelet's connection broke, and then the pod was gone") {
		t.Errorf("unread %q", e.Unread)
	}
}

// Of what has ended, or is gone, the end of the log is waited for; what runs is read for as long as it does.
func TestWhoseLogIsStillBeingRead(t *testing.T) {
	b := observe(t, "", func(string) {})
	release := make(chan struct{})
	b.client.(*fake.Clientset).PrependReactor("get", "pods/log", func(ktesting.Action) (bool, runtime.Object, error) {
		<-release
		return true, &runtime.Unknown{}, nil
	})
	defer close(release)
	unread := func() []evidence.UnreadLog { return b.Searched(func(*corev1.Pod) bool { return true }).Unread }
	one := func(s corev1.ContainerState) func(*corev1.Pod) {
		return container(corev1.ContainerStatus{State: s, ContainerID: "containerd://one"})
	}
	b.pods.Add(b.pod("u1", one(running())))
	b.until(t, "its log being read", func(o *Observed) bool { return o.reading["api"] == 1 })
	if got := unread(); len(got) != 0 {
		t.Errorf("what runs: %v", got)
	}
	b.pods.Modify(b.pod("u1", container(corev1.ContainerStatus{State: running(), ContainerID: "containerd://two"})))
	b.until(t, "the next one's", func(o *Observed) bool { return o.reading["api"] == 2 })
	if got := unread(); len(got) != 1 || got[0] != (evidence.UnreadLog{Pod: "api-1", UID: "u1", Container: "api", Why: StillRead}) {
		t.Errorf("what ran before: %v", got)
	}
	b.pods.Add(b.pod("u2", one(running())))
	b.until(t, "another", func(o *Observed) bool { return o.Pod.UID == "u2" })
	b.pods.Delete(b.pod("u2", one(running())))
	b.until(t, "it gone", func(o *Observed) bool { return o.Pod.UID == "u2" && !o.Gone.IsZero() })
	if got := unread(); len(got) != 2 {
		t.Errorf("what is gone: %v", got)
	}
	killed := func(p *corev1.Pod) {
		one(running())(p)
		p.DeletionGracePeriodSeconds = new(int64(0))
	}
	b.pods.Add(b.pod("u3", one(running())))
	b.until(t, "a third", func(o *Observed) bool { return o.Pod.UID == "u3" && o.reading["api"] == 1 })
	b.pods.Delete(b.pod("u3", killed))
	b.until(t, "it gone at once", func(o *Observed) bool { return o.Pod.UID == "u3" && !o.Gone.IsZero() })
	if got := unread(); len(got) != 2 {
		t.Errorf("what was taken away at once: %v", got)
	}
}
