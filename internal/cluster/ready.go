package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// AwaitNode watches until a node is Ready and takes pods. Until then every pod is
// unschedulable, which would look like the pod's own fault.
func AwaitNode(ctx context.Context, client kubernetes.Interface) error {
	lw := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "nodes", metav1.NamespaceAll, fields.Everything())
	return await(ctx, "the node to be Ready", lw, &corev1.Node{}, "the cluster has no node", func(o runtime.Object) (bool, string) {
		n, ok := o.(*corev1.Node)
		if !ok {
			return false, ""
		}
		return takesPods(n)
	})
}

// HastenDNS makes CoreDNS ready sooner in a cluster of our own. kubeadm asks it every ten
// seconds, and a kubelet that has just started waits a random part of that before it asks at
// all (pkg/kubelet/prober/worker.go). One replica is enough for one node.
func HastenDNS(ctx context.Context, client kubernetes.Interface) error {
	patch := []byte(`{"spec": {"replicas": 1, "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}},
		"template": {"spec": {"containers": [{"name": "coredns", "readinessProbe": {"periodSeconds": 1}}]}}}}`)
	_, err := client.AppsV1().Deployments("kube-system").Patch(ctx, "coredns", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("letting CoreDNS be asked more often whether it is ready: %w", err)
	}
	return nil
}

// AwaitDNS watches until the cluster's DNS answers. A process that looks its database up
// before that waits for a resolver's timeout of several seconds, which would look like a
// slow start of its own. A cluster without the Service that kubeadm, and kind with it,
// names kube-dns is left to its own ways.
func AwaitDNS(ctx context.Context, client kubernetes.Interface) error {
	const namespace, service = "kube-system", "kube-dns"
	_, err := client.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking for service/%s: %w", service, err)
	}
	lw := cache.NewFilteredListWatchFromClient(client.DiscoveryV1().RESTClient(), "endpointslices", namespace, func(o *metav1.ListOptions) {
		o.LabelSelector = discoveryv1.LabelServiceName + "=" + service
	})
	return await(ctx, "the cluster's DNS to be ready", lw, &discoveryv1.EndpointSlice{}, "service/kube-dns has no endpoints", func(o runtime.Object) (bool, string) {
		s, ok := o.(*discoveryv1.EndpointSlice)
		return ok && answers(s), "no pod of CoreDNS is Ready yet"
	})
}

// await watches objects until one is as is wanted; its error tells what was seen last.
func await(ctx context.Context, what string, lw cache.ListerWatcher, kind runtime.Object, seen string, look func(runtime.Object) (bool, string)) error {
	_, err := watchtools.UntilWithSync(ctx, lw, kind, nil, func(ev watch.Event) (done bool, err error) {
		done, seen = look(ev.Object)
		return done, nil
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("waiting for %s: %s: %w", what, seen, err)
	}
	return nil
}

func answers(s *discoveryv1.EndpointSlice) bool {
	for _, e := range s.Endpoints {
		if e.Conditions.Ready != nil && *e.Conditions.Ready {
			return true
		}
	}
	return false
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
