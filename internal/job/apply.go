package job

import (
	"context"
	"errors"
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/workload"
)

// Refused is an error for which nothing was left in the cluster: what the user has to change.
type Refused struct{ Err error }

func (e *Refused) Error() string { return e.Err.Error() }
func (e *Refused) Unwrap() error { return e.Err }

// creating makes an object; dry is a try that makes nothing.
func creating(ctx context.Context, client kubernetes.Interface, o Object, dry bool) (made Object, err error) {
	how := metav1.CreateOptions{FieldManager: workload.FieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		how.DryRun = []string{metav1.DryRunAll}
	}
	ns := o.GetNamespace()
	switch o := o.(type) {
	case *corev1.ServiceAccount:
		made, err = client.CoreV1().ServiceAccounts(ns).Create(ctx, o, how)
	case *corev1.Secret:
		made, err = client.CoreV1().Secrets(ns).Create(ctx, o, how)
	case *corev1.ConfigMap:
		made, err = client.CoreV1().ConfigMaps(ns).Create(ctx, o, how)
	case *batchv1.Job:
		made, err = client.BatchV1().Jobs(ns).Create(ctx, o, how)
	default:
		made, err = creatingRole(ctx, client, o, how)
	}
	return made, err
}

// name is as kubectl has it.
func name(o Object) string {
	return strings.ToLower(o.GetObjectKind().GroupVersionKind().Kind) + "/" + o.GetName()
}

// explained says what a refusal asks for.
func explained(o Object, err error) error {
	ns := o.GetNamespace()
	switch {
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("%s is in namespace %s already, and this run did not make it: give the Job another --name, or remove it with `kubectl delete %s -n %s`", name(o), ns, name(o), ns)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("--namespace %s: there is no such namespace; create it, or name another", ns)
	case apierrors.IsForbidden(err) && strings.HasPrefix(name(o), "role"):
		return fmt.Errorf("you may not give the Job the rights that it needs, as you do not have them or may not make a %s: have somebody who may apply what the same command without --run prints: %w", name(o), err)
	}
	return fmt.Errorf("creating %s in namespace %s: %w", name(o), ns, err)
}

// Apply tries first whether everything can be made, and then makes the Job, suspended, and what it needs,
// which it owns, and lets it begin. Remove is called for whatever comes of it. An error of the user's is
// a *Refused.
func Apply(ctx context.Context, client kubernetes.Interface, o Objects) (workload.InJob, error) {
	j := workload.InJob{Name: o.Job.Name, Namespace: o.Job.Namespace}
	var wrong []error
	for _, x := range o.All() {
		if _, err := creating(ctx, client, x, true); err != nil {
			if ctx.Err() != nil {
				return j, context.Cause(ctx)
			}
			wrong = append(wrong, explained(x, err))
			if apierrors.IsNotFound(err) {
				break // the namespace: the rest would say the same
			}
		}
	}
	if len(wrong) > 0 {
		return j, &Refused{fmt.Errorf("the Job was not made, and nothing else (nothing was changed in the cluster):\n  %w", errors.Join(wrong...))}
	}
	suspended := o.Job.DeepCopy()
	yes := true
	suspended.Spec.Suspend = &yes
	made, err := creating(ctx, client, suspended, false)
	if err != nil {
		return j, &Refused{explained(suspended, err)}
	}
	j.UID = made.GetUID()
	for _, x := range o.All() {
		if x == Object(o.Job) {
			continue
		}
		own := x.DeepCopyObject().(Object)
		own.SetOwnerReferences([]metav1.OwnerReference{*j.Owner()})
		if _, err := creating(ctx, client, own, false); err != nil {
			return j, explained(own, err)
		}
	}
	_, err = client.BatchV1().Jobs(j.Namespace).Patch(ctx, j.Name, types.MergePatchType, []byte(`{"spec":{"suspend":false}}`), metav1.PatchOptions{FieldManager: workload.FieldManager})
	if err != nil {
		return j, fmt.Errorf("starting job/%s in namespace %s: %w", j.Name, j.Namespace, err)
	}
	return j, nil
}
