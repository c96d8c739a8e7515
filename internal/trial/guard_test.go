package trial

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/fake"

	"podproof.dev/podproof/internal/workload"
)

// countedNode counts the commands that reach a node.
type countedNode struct {
	mute
	ran int
}

func (c *countedNode) Run(context.Context, string, string, ...string) ([]byte, error) {
	c.ran++
	return []byte("1"), nil
}

// A status may say that a container runs before it says which: its ID then is empty, and the
// scripts that kill and freeze by it would meet every process of the node.
func TestNoSignalIsSentByAnEmptyContainerID(t *testing.T) {
	for id, want := range map[string]int{"": 0, "containerd://": 0, "containerd://0123abcd": 1} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db", Namespace: "shop", UID: "1", Labels: map[string]string{"app": "db"}},
			Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "db", ContainerID: id,
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}}
		client := fake.NewClientset(p)
		o, err := workload.Observe(t.Context(), client, "shop", func(s string) string { return s }, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		node := &countedNode{}
		d := &onNode{TestBed: &TestBed{Observer: o, Node: Guarded{node}}, controller: workload.Controller{Object: workload.Object{Unstructured: &unstructured.Unstructured{}}, Selector: labels.SelectorFromSet(labels.Set{"app": "db"})}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err = o.Wait(ctx, podsOf(d.controller), func(ps []*workload.Observed) (bool, string, error) { return len(ps) > 0, "", nil })
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		err = d.signal(t.Context(), "KILL")
		if node.ran != want || (err == nil) != (want == 1) {
			t.Errorf("ID %q: %d commands reached the node, want %d (%v)", id, node.ran, want, err)
		}
		o.Stop()
	}
}
