package workload

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// InJob is the Job that a run itself is the pod of.
type InJob struct {
	Name, Namespace string
	UID             types.UID
}

// Owner has the Job own what a run makes in its namespace: whatever becomes of its pod, that goes with
// the Job. It is no controller of that, and its end waits for nothing.
func (j InJob) Owner() *metav1.OwnerReference {
	no := false
	return &metav1.OwnerReference{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job", Name: j.Name, UID: j.UID, Controller: &no, BlockOwnerDeletion: &no}
}

// Has tells whether a pod is one of the Job's own.
func (j InJob) Has(p corev1.Pod) bool {
	return p.Labels[batchv1.ControllerUidLabel] == string(j.UID) && j.UID != ""
}
