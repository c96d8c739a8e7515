package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
)

func TestPullsAs(t *testing.T) {
	const account = `{apiVersion: v1, kind: ServiceAccount, metadata: {name: shop}, imagePullSecrets: [{name: of-the-account}]}`
	own := []corev1.LocalObjectReference{{Name: "of-the-pod"}}
	for name, c := range map[string]struct {
		manifests string
		spec      corev1.PodSpec
		secret    string
		account   string
	}{
		"nothing of its own":                {"", corev1.PodSpec{}, "", ""},
		"secrets of the pod":                {account, corev1.PodSpec{ImagePullSecrets: own, ServiceAccountName: "shop"}, "of-the-pod", ""},
		"those of a service account":        {account, corev1.PodSpec{ServiceAccountName: "shop"}, "of-the-account", ""},
		"one that is in the namespace":      {account, corev1.PodSpec{ServiceAccountName: "other"}, "", "other"},
		"the default one, of the manifests": {`{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}, imagePullSecrets: [{name: a}]}`, corev1.PodSpec{ServiceAccountName: "default"}, "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var objects []Object
			if c.manifests != "" {
				objects = parse(t, c.manifests)
			}
			var want []corev1.LocalObjectReference
			if c.secret != "" {
				want = append(want, corev1.LocalObjectReference{Name: c.secret})
			}
			secrets, account := PullsAs(objects, c.spec)
			if diff := cmp.Diff(want, secrets, cmpopts.EquateEmpty()); diff != "" || account != c.account {
				t.Errorf("as %q, (-want +got):\n%s", account, diff)
			}
		})
	}
}
