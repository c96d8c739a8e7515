package workload

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// InJob is the Job that a run itself is the pod of.
type InJob struct {
	Name, Namespace string
	UID             types.UID
	// Index is the run's in an Indexed Job, else empty.
	Index string
}

// Owner has the Job own what a run makes in its namespace: whatever becomes of its pod, that goes with
// the Job. It is no controller of that, and its end waits for nothing.
func (j InJob) Owner() *metav1.OwnerReference {
	no := false
	return &metav1.OwnerReference{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job", Name: j.Name, UID: j.UID, Controller: &no, BlockOwnerDeletion: &no}
}

// Image is that of podproof in a pod of the Job, as its nodes pull it. The error is nil and the image empty
// where there is no such pod.
func (j InJob) Image(ctx context.Context, client kubernetes.Interface) (string, error) {
	list, err := client.CoreV1().Pods(j.Namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.ControllerUidLabel + "=" + string(j.UID)})
	if err != nil {
		return "", fmt.Errorf("looking for podproof's own image in the pods of job/%s: %w", j.Name, err)
	}
	for _, p := range list.Items {
		for _, c := range p.Spec.Containers {
			if c.Name == InJobContainer {
				return c.Image, nil
			}
		}
	}
	return "", nil
}

// InJobContainer is the container of the Job's pod that podproof is.
const InJobContainer = "podproof"

// Has tells whether a pod is one of the Job's own.
func (j InJob) Has(p corev1.Pod) bool {
	return p.Labels[batchv1.ControllerUidLabel] == string(j.UID) && j.UID != ""
}
