package trial

import (
	"context"
	"strings"
	"testing"
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
