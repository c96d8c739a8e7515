package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PullSecret tells whether a namespace has a Secret of that name, which podproof does not read: the
// API server says so when it is asked, in a dry run, to create one. That takes the right to create
// Secrets, without which it is Unseen.
func (a *Applier) PullSecret(ctx context.Context, namespace, name string) (Presence, error) {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{}}`)}}
	_, err := a.Client.CoreV1().Secrets(namespace).Create(ctx, s, metav1.CreateOptions{FieldManager: FieldManager, DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		return Absent, nil
	case apierrors.IsAlreadyExists(err):
		return Present, nil
	case apierrors.IsForbidden(err), apierrors.IsBadRequest(err): // a webhook may refuse dry runs
		return Unseen, nil
	}
	return Unseen, fmt.Errorf("asking whether namespace %s has secret/%s: %w", namespace, name, err)
}

// PullSecretsOf are the names of the Secrets with which a pod's images are pulled, those of its
// service account among the objects included; more may come from one that is in the cluster.
func PullSecretsOf(spec corev1.PodSpec, objects []Object) (out []string) {
	secrets, _ := PullsAs(objects, spec)
	for _, s := range secrets {
		out = append(out, s.Name)
	}
	return out
}
