package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// AwaitNode watches until a node is Ready and takes pods. Until then every pod is
// unschedulable, which would look like the pod's own fault.
func AwaitNode(ctx context.Context, client kubernetes.Interface) error {
	seen := "the cluster has no node"
	lw := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "nodes", metav1.NamespaceAll, fields.Everything())
	_, err := watchtools.UntilWithSync(ctx, lw, &corev1.Node{}, nil, func(ev watch.Event) (bool, error) {
		n, ok := ev.Object.(*corev1.Node)
		if !ok {
			return false, nil
		}
		ready, why := takesPods(n)
		seen = why
		return ready, nil
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("waiting for the node to be Ready: %s: %w", seen, context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("waiting for the node to be Ready: %s: %w", seen, err)
	}
	return nil
}

func takesPods(n *corev1.Node) (bool, string) {
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeNotReady {
			return false, fmt.Sprintf("node %s has the taint %s", n.Name, t.Key)
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue, fmt.Sprintf("node %s is not Ready: %s", n.Name, c.Message)
		}
	}
	return false, fmt.Sprintf("node %s has not said whether it is Ready", n.Name)
}
