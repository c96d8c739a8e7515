package job

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
)

// podOf is a pod of the Job's, with the state of its container.
func podOf(name string, age int, s corev1.ContainerState) *corev1.Pod {
	phase := corev1.PodPending
	switch {
	case s.Running != nil:
		phase = corev1.PodRunning
	case s.Terminated != nil:
		phase = corev1.PodFailed
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "proof", UID: types.UID(name), CreationTimestamp: metav1.Unix(int64(age), 0), Labels: map[string]string{batchv1.ControllerUidLabel: string(inJob.UID)}},
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "mesh", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, {Name: Container, State: s}}}}
}

func exited(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func TestAJobIsFollowed(t *testing.T) {
	failed := jobs()
	failed.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "DeadlineExceeded", Message: "Job was active longer than specified deadline"}}
	unscheduled := podOf("a", 1, corev1.ContainerState{})
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu."}}
	sidecar := podOf("a", 1, waiting("PodInitializing", ""))
	sidecar.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "sweep", State: waiting("ImagePullBackOff", "401 Unauthorized")}}
	quota := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "proof"}, InvolvedObject: corev1.ObjectReference{Kind: "Job", Name: "podproof", UID: inJob.UID}, Type: corev1.EventTypeWarning, Reason: "FailedCreate", Message: "exceeded quota: q"}
	for name, x := range map[string]struct {
		there []runtime.Object
		// next is what changes once something has been noted.
		next func(c *fake.Clientset)
		code int
		said []string
		err  string
	}{
		"a good image":      {there: []runtime.Object{jobs(), podOf("a", 1, exited(0))}, code: 0},
		"a broken one":      {there: []runtime.Object{jobs(), podOf("a", 1, exited(1))}, code: 1},
		"nothing tried":     {there: []runtime.Object{jobs(), podOf("a", 1, exited(3))}, code: 3},
		"a second try":      {there: []runtime.Object{jobs(), podOf("a", 1, exited(3)), podOf("b", 2, exited(0))}, code: 0, said: []string{"pod/a ended with exit code 3; the Job tries once more"}},
		"the deadline":      {there: []runtime.Object{failed}, err: "job/podproof ended before its pod ran: DeadlineExceeded: Job was active longer than specified deadline"},
		"no image, ever":    {there: []runtime.Object{jobs(), sidecar}, err: "pod/a does not start, container sweep: the image cannot be pulled (ImagePullBackOff): 401 Unauthorized"},
		"nobody's any more": {there: nil, err: "somebody deleted it"},
		"no node": {there: []runtime.Object{jobs(), unscheduled}, next: func(c *fake.Clientset) {
			_ = c.Tracker().Update(schema.GroupVersionResource{Version: "v1", Resource: "pods"}, podOf("a", 1, exited(0)), "proof")
		},
			said: []string{"Pending: no node takes pod/a: 0/1 nodes are available: 1 Insufficient cpu."}},
		"no image": {there: []runtime.Object{jobs(), podOf("a", 1, waiting("ErrImagePull", "401 Unauthorized"))}, next: func(c *fake.Clientset) {
			_ = c.Tracker().Update(schema.GroupVersionResource{Version: "v1", Resource: "pods"}, podOf("a", 1, exited(0)), "proof")
		},
			said: []string{"Pending: pod/a: ErrImagePull: 401 Unauthorized"}},
		"no room in a quota": {there: []runtime.Object{jobs(), quota}, next: func(c *fake.Clientset) { _ = c.Tracker().Add(podOf("a", 1, exited(1))) }, code: 1,
			said: []string{"Pending: job/podproof: FailedCreate: exceeded quota: q"}},
	} {
		client := cluster(t, x.there...)
		var said []string
		var out bytes.Buffer
		f := &Follower{Client: client, Job: inJob, Out: &out, Note: func(s string) {
			said = append(said, s)
			if x.next != nil {
				x.next(client)
			}
		}}
		code, err := f.Follow(t.Context())
		if x.err != "" {
			if err == nil || !strings.Contains(err.Error(), x.err) {
				t.Errorf("%s: the error is %v, want %q", name, err, x.err)
			}
			continue
		}
		if err != nil || code != x.code || strings.Join(said, "; ") != strings.Join(x.said, "; ") || !strings.Contains(out.String(), "fake logs") {
			t.Errorf("%s: exit code %d, said %q, shown %q (%v)", name, code, said, out.String(), err)
		}
	}
}

// Whoever stops it is not kept waiting, and a pod that goes away is not an exit code.
func TestAFollowedJobThatIsStopped(t *testing.T) {
	pressed := errors.New("Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	client := cluster(t, jobs(), podOf("a", 1, waiting("ErrImagePull", "no")))
	f := &Follower{Client: client, Job: inJob, Out: &bytes.Buffer{}, Note: func(string) { cancel(pressed) }}
	if _, err := f.Follow(ctx); !errors.Is(err, pressed) {
		t.Errorf("the error is %v", err)
	}
	client = cluster(t, jobs(), podOf("a", 1, corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}))
	f = &Follower{Client: client, Job: inJob, Out: &bytes.Buffer{}, Note: func(string) {}}
	time.AfterFunc(20*time.Millisecond, func() {
		_ = client.Tracker().Delete(schema.GroupVersionResource{Version: "v1", Resource: "pods"}, "proof", "a")
	})
	if _, err := f.Follow(t.Context()); err == nil || !strings.Contains(err.Error(), "pod/a was deleted before it told its exit code") {
		t.Errorf("the error is %v", err)
	}
}

// A stream that is taken up again shows no line twice.
func TestALogIsShownOnce(t *testing.T) {
	var out bytes.Buffer
	f := &Follower{Out: &out}
	var until time.Time
	for _, log := range []string{"2026-01-02T03:04:05.1Z one\n2026-01-02T03:04:05.2Z two\n", "2026-01-02T03:04:05.2Z two\n2026-01-02T03:04:05.3Z  three\n", "no times"} {
		if err := f.lines(strings.NewReader(log), &until); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); got != "one\ntwo\n three\nno times\n" {
		t.Errorf("shown was %q", got)
	}
}
