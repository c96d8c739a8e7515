package trial

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/fake"

	"podproof.dev/podproof/internal/workload"
)

// migration is job/migrate of a namespace, and its pod in a state.
func migration(conditions []batchv1.JobCondition, pod corev1.PodStatus) (*batchv1.Job, *corev1.Pod) {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "migrate", Namespace: "shop"}, Status: batchv1.JobStatus{Conditions: conditions}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "migrate-1", Namespace: "shop", UID: "1", Labels: map[string]string{batchv1.JobNameLabel: "migrate"}},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "m"}}}, Status: pod}
}

func TestAJobIsWaitedForUntilItsEnd(t *testing.T) {
	terminated := func(code int32) corev1.PodStatus {
		phase := corev1.PodSucceeded
		if code != 0 {
			phase = corev1.PodFailed
		}
		return corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "m", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}}}
	}
	complete := []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	failed := []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded", Message: "Job has reached the specified backoff limit."}}
	noImage := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "m", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: "not there"}}}}}
	for _, c := range []struct {
		name       string
		conditions []batchv1.JobCondition
		later      []batchv1.JobCondition // after a moment
		pod        corev1.PodStatus
		fails      string
	}{
		{name: "it has completed", conditions: complete, pod: terminated(0)},
		{name: "it completes", later: complete, pod: terminated(0)},
		{name: "it completes after a pod that failed", later: complete, pod: terminated(1)},
		{name: "it has failed", conditions: failed, pod: terminated(1), fails: "job/migrate did not complete: Job has reached the specified backoff limit (BackoffLimitExceeded)"},
		{name: "its pod cannot run", pod: noImage, fails: "job/migrate did not complete: pod migrate-1, container m: the image is not on the node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			job, pod := migration(c.conditions, c.pod)
			client := fake.NewClientset(job, pod)
			o, err := workload.Observe(ctx, client, "shop", func(s string) string { return s }, func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Stop()
			u := &unstructured.Unstructured{}
			u.SetKind("Job")
			u.SetName("migrate")
			u.SetNamespace("shop")
			j := workload.Controller{Object: workload.Object{Unstructured: u}, Selector: labels.SelectorFromSet(labels.Set{batchv1.JobNameLabel: "migrate"})}
			if c.later != nil {
				go func() {
					changed := job.DeepCopy()
					changed.Status.Conditions = c.later
					_, _ = client.BatchV1().Jobs("shop").UpdateStatus(ctx, changed, metav1.UpdateOptions{})
				}()
			}
			d, err := awaitJob(ctx, client, o, j)
			if d.Object != "job/migrate" || len(d.Pods) != 1 || d.Ready != (c.fails == "") {
				t.Errorf("%+v", d)
			}
			switch {
			case c.fails == "" && err != nil:
				t.Error(err)
			case c.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), c.fails)):
				t.Errorf("%v, want %q at its beginning", err, c.fails)
			}
		})
	}
}

func TestJobsRunOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		out, err := Jobs(t.Context(), b.Applier, b.Observer, []workload.Controller{job(t, "migrate"), job(t, "seed")})
		if err != nil || len(out) != 2 || !out[0].Ready || out[1].Object != "job/seed" || !slices.Equal(k.applied, []string{"job/migrate", "job/seed"}) {
			t.Errorf("got %+v (%v), applied %q", out, err, k.applied)
		}
		unknown := workload.Controller{Object: object("Nothing", "x")}
		if out, err := Jobs(t.Context(), b.Applier, b.Observer, []workload.Controller{unknown}); err == nil || out != nil {
			t.Errorf("got %+v (%v)", out, err)
		}
		if out, err := Jobs(t.Context(), b.Applier, b.Observer, nil); err != nil || out != nil {
			t.Errorf("of none: %+v (%v)", out, err)
		}
	})
}

func TestAJobThatDoesNotEnd(t *testing.T) {
	running := corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "m", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}
	start := func(t *testing.T) (*kubelet, *TestBed) {
		t.Helper()
		migrate, pod := migration(nil, running)
		k := newKubelet(t, life{}, migrate, pod)
		return k, k.bench(template())
	}
	synctest.Test(t, func(t *testing.T) { // in time
		k, b := start(t)
		began := time.Now()
		d, err := awaitJob(t.Context(), k.client, b.Observer, job(t, "migrate"))
		if err == nil || d.Ready || !strings.HasPrefix(err.Error(), "job/migrate did not complete: it has not ended within 3m0s") || time.Since(began) != JobWithin || d.Seconds != JobWithin.Seconds() {
			t.Errorf("got %+v (%v)", d, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the run is ended
		k, b := start(t)
		cause := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if d, err := awaitJob(ctx, k.client, b.Observer, job(t, "migrate")); err != cause || d.Ready || len(d.Pods) != 1 {
			t.Errorf("got %+v (%v)", d, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // somebody removes it
		k, b := start(t)
		time.AfterFunc(time.Second, func() {
			_ = k.client.Tracker().Delete(batchv1.SchemeGroupVersion.WithResource("jobs"), "shop", "migrate")
		})
		if _, err := awaitJob(t.Context(), k.client, b.Observer, job(t, "migrate")); err == nil || !strings.Contains(err.Error(), "somebody removed it before its end") {
			t.Errorf("got %v", err)
		}
		if _, err := awaitJob(t.Context(), k.client, b.Observer, job(t, "other")); err == nil || !strings.Contains(err.Error(), "it was removed before its end was seen") {
			t.Errorf("of one that is not there: %v", err)
		}
	})
}

func TestRepeats(t *testing.T) {
	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
	one := func(s corev1.ContainerStatus) []corev1.ContainerStatus { return []corev1.ContainerStatus{s} }
	for _, c := range []struct {
		name string
		s    corev1.PodStatus
		want bool
	}{
		{"it runs", corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: one(corev1.ContainerStatus{})}, false},
		{"it has failed", corev1.PodStatus{Phase: corev1.PodFailed}, true},
		{"it has ended", corev1.PodStatus{ContainerStatuses: one(corev1.ContainerStatus{State: ended})}, true},
		{"it had ended", corev1.PodStatus{ContainerStatuses: one(corev1.ContainerStatus{LastTerminationState: ended})}, true},
		{"an init container has", corev1.PodStatus{InitContainerStatuses: one(corev1.ContainerStatus{State: ended})}, true},
	} {
		if got := repeats(&corev1.Pod{Status: c.s}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestTheContainerThatTellsOfTheEnd(t *testing.T) {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "m"}}}
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	for name, c := range map[string]struct {
		init corev1.ContainerStatus
		want string
	}{
		"the init container has done its work": {corev1.ContainerStatus{Name: "wait", State: ended(0)}, "m"},
		"it failed":                            {corev1.ContainerStatus{Name: "wait", State: ended(1)}, "wait"},
		"it is tried again":                    {corev1.ContainerStatus{Name: "wait", LastTerminationState: ended(1)}, "wait"},
		"it runs":                              {corev1.ContainerStatus{Name: "wait"}, "m"},
	} {
		if got := lastContainer(spec, corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{c.init}}); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestJobEnded(t *testing.T) {
	job := func(kind batchv1.JobConditionType, status corev1.ConditionStatus) *batchv1.Job {
		return &batchv1.Job{Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: kind, Status: status, Reason: "R", Message: "no."}}}}
	}
	for _, c := range []struct {
		job   *batchv1.Job
		done  bool
		fails string
	}{
		{job(batchv1.JobComplete, corev1.ConditionTrue), true, ""}, {job(batchv1.JobComplete, corev1.ConditionFalse), false, ""},
		{job(batchv1.JobFailed, corev1.ConditionTrue), true, "no (R)"}, {job(batchv1.JobFailed, corev1.ConditionFalse), false, ""},
		{job(batchv1.JobSuspended, corev1.ConditionTrue), false, ""},
	} {
		done, err := jobEnded(c.job)
		if done != c.done || (err == nil) != (c.fails == "") || err != nil && err.Error() != c.fails {
			t.Errorf("%+v: %t, %v", c.job.Status.Conditions, done, err)
		}
	}
}
