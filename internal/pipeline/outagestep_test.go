package pipeline

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/workload"
)

func TestAsManyPodsOfADependencyAreWaitedForAsAreApplied(t *testing.T) {
	for asked, want := range map[int64]int32{0: 1, 1: 1, 3: 3} {
		object := map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"name": "db"},
			"spec": map[string]any{"replicas": asked, "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "db", "image": "db:1"}}}}}}
		rs, err := workload.Controllers([]workload.Object{{Unstructured: &unstructured.Unstructured{Object: object}}})
		if err != nil {
			t.Fatal(err)
		}
		d := takable(rs[0])
		applied, _, _ := unstructured.NestedInt64(d.Object.Object, "spec", "replicas")
		if d.Replicas != want || applied != int64(want) {
			t.Errorf("%d replicas: %d applied, %d waited for", asked, applied, d.Replicas)
		}
	}
}
