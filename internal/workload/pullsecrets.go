package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// PullsAs says how other pods get to pull what the pods of a template may: with these secrets, or as
// the service account whose own secrets Kubernetes gives to pods that name none. One that the manifests
// have is read there, as it may not be made yet; one that they do not have is there already.
func PullsAs(objects []Object, spec corev1.PodSpec) (secrets []corev1.LocalObjectReference, account string) {
	if len(spec.ImagePullSecrets) > 0 {
		return spec.ImagePullSecrets, ""
	}
	name := spec.ServiceAccountName
	i := slices.IndexFunc(objects, func(o Object) bool { return o.GetKind() == "ServiceAccount" && o.GetName() == name })
	if i < 0 {
		return nil, name
	}
	var sa corev1.ServiceAccount
	if err := convert(objects[i], &sa); err != nil {
		return nil, "" // the API server says what is wrong with it
	}
	return sa.ImagePullSecrets, ""
}
