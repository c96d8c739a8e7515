package job

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/workload"
)

// every is how often the cluster is asked.
var every = time.Second

// Remove deletes the Job and waits until all that belongs to it is gone: its pod removes first what it
// has made. A Job that was not made is no error.
func Remove(ctx context.Context, client kubernetes.Interface, o Objects, j workload.InJob) error {
	if j.UID == "" {
		return nil
	}
	stop(ctx, client, j)
	foreground := metav1.DeletePropagationForeground
	how := metav1.DeleteOptions{PropagationPolicy: &foreground, Preconditions: metav1.NewUIDPreconditions(string(j.UID))}
	err := client.BatchV1().Jobs(j.Namespace).Delete(ctx, j.Name, how)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) { // a conflict is another one of the name
		return fmt.Errorf("deleting job/%s in namespace %s: %w", j.Name, j.Namespace, err)
	}
	for {
		left, err := belongings(ctx, client, o, j)
		if err == nil && len(left) == 0 || apierrors.IsForbidden(err) { // who may not look cannot wait
			return nil
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			if err == nil {
				err = fmt.Errorf("%s are still there; Kubernetes removes what belongs to a Job that is gone", strings.Join(left, ", "))
			}
			return fmt.Errorf("removing job/%s from namespace %s: %w: %w", j.Name, j.Namespace, context.Cause(ctx), err)
		}
	}
}

// stopWithin is how long the pods of a Job may take to end: their grace period, and some.
var stopWithin = (graceSeconds + 20) * time.Second

// stop ends the Job's pods while it is there: each removes in order what it has made, which Kubernetes
// would take from under it otherwise. What goes wrong, the end of the Job sets right.
func stop(ctx context.Context, client kubernetes.Interface, j workload.InJob) {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	_, err := client.BatchV1().Jobs(j.Namespace).Patch(ctx, j.Name, types.MergePatchType, []byte(`{"spec":{"suspend":true}}`), metav1.PatchOptions{FieldManager: workload.FieldManager})
	for err == nil {
		all, failed := pods(ctx, client, j)
		active := slices.ContainsFunc(all, func(p corev1.Pod) bool {
			return p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed
		})
		if failed == nil && !active {
			return
		}
		err = pause(ctx)
	}
}

// belongings are what there still is of a Job.
func belongings(ctx context.Context, client kubernetes.Interface, o Objects, j workload.InJob) (left []string, err error) {
	job, err := client.BatchV1().Jobs(j.Namespace).Get(ctx, j.Name, metav1.GetOptions{})
	if err == nil && job.UID == j.UID {
		left = append(left, "job/"+j.Name)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	pods, err := pods(ctx, client, j)
	if err != nil {
		return nil, err
	}
	for _, p := range pods {
		left = append(left, "pod/"+p.Name)
	}
	maps, err := client.CoreV1().ConfigMaps(j.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, c := range maps.Items {
		if owned(c.OwnerReferences, j) {
			left = append(left, "configmap/"+c.Name)
		}
	}
	accounts, err := client.CoreV1().ServiceAccounts(j.Namespace).Get(ctx, o.ServiceAccount.Name, metav1.GetOptions{})
	if err == nil && owned(accounts.OwnerReferences, j) {
		left = append(left, name(o.ServiceAccount))
	}
	return left, nil
}

func owned(refs []metav1.OwnerReference, j workload.InJob) bool {
	return slices.ContainsFunc(refs, func(r metav1.OwnerReference) bool { return r.UID == j.UID })
}

// pods are those of the Job, the oldest first.
func pods(ctx context.Context, client kubernetes.Interface, j workload.InJob) ([]corev1.Pod, error) {
	list, err := client.CoreV1().Pods(j.Namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.ControllerUidLabel + "=" + string(j.UID)})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of job/%s in namespace %s: %w", j.Name, j.Namespace, err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return list.Items, nil
}
