package trial

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/workload"
)

// podproof's own pods pull as the workload's do: with the secrets of their service account, too.
func TestTheAgentPullsAsTheWorkload(t *testing.T) {
	account := workload.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount",
		"metadata": map[string]any{"name": "shop"}, "imagePullSecrets": []any{map[string]any{"name": "registry"}}}}}
	b := &TestBed{Manifests: []workload.Object{account}}
	b.Subject.Template.Spec = corev1.PodSpec{ServiceAccountName: "shop"}
	p := b.ownPod("podproof-agent", "agent", "podproof:1", time.Minute)
	if s := p.Spec; len(s.ImagePullSecrets) != 1 || s.ImagePullSecrets[0].Name != "registry" || s.ServiceAccountName != "" || *s.AutomountServiceAccountToken {
		t.Errorf("its secrets are %+v, and it runs as %q", s.ImagePullSecrets, s.ServiceAccountName)
	}
	b.Manifests = nil // it is there already
	if s := b.ownPod("podproof-agent", "agent", "podproof:1", time.Minute).Spec; len(s.ImagePullSecrets) > 0 || s.ServiceAccountName != "shop" || *s.AutomountServiceAccountToken {
		t.Errorf("its secrets are %+v, and it runs as %q", s.ImagePullSecrets, s.ServiceAccountName)
	}
}
