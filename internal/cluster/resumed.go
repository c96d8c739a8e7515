package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// AwaitResumed watches until a cluster that was stopped in time for a while has found out: its API server is
// ready, the node's lease is valid again, the node is Ready by a heartbeat that is no older than it reports them,
// and the namespaces and volumes that were going when it was stopped are gone.
func AwaitResumed(ctx context.Context, client kubernetes.Interface, heartbeats time.Duration) error {
	if err := awaitAPI(ctx, client); err != nil {
		return err
	}
	leases := cache.NewListWatchFromClient(client.CoordinationV1().RESTClient(), "leases", corev1.NamespaceNodeLease, fields.Everything())
	err := await(ctx, "the kubelet to renew its node's lease", leases, &coordinationv1.Lease{}, "the node has no lease", func(o runtime.Object) (bool, string) {
		l, ok := o.(*coordinationv1.Lease)
		return ok && valid(l, time.Now()), "the lease has run out"
	})
	if err != nil {
		return err
	}
	nodes := cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "nodes", metav1.NamespaceAll, fields.Everything())
	err = await(ctx, "the node to be Ready", nodes, &corev1.Node{}, "the cluster has no node", func(o runtime.Object) (bool, string) {
		n, ok := o.(*corev1.Node)
		if !ok {
			return false, ""
		}
		return isReadyNow(n, time.Now(), heartbeats)
	})
	if err != nil {
		return err
	}
	all := func(what string) *cache.ListWatch {
		return cache.NewListWatchFromClient(client.CoreV1().RESTClient(), what, metav1.NamespaceAll, fields.Everything())
	}
	if err := awaitGone(ctx, "the namespaces of the run before", all("namespaces"), &corev1.Namespace{}, func(name string) bool { return !slices.Contains(kindsOwn, name) }); err != nil {
		return err
	}
	return awaitGone(ctx, "the volumes of the run before", all("persistentvolumes"), &corev1.PersistentVolume{}, func(string) bool { return true })
}

// kindsOwn are the namespaces that a cluster of kind's begins with.
var kindsOwn = []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease, "local-path-storage"}

// awaitAPI asks until the API server says that it is ready: nothing tells when it begins to listen.
func awaitAPI(ctx context.Context, client kubernetes.Interface) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(once).Error()
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for its API server to be ready: %w; last seen: %w", context.Cause(ctx), err)
		}
	}
}

// valid tells whether a lease holds at that time.
func valid(l *coordinationv1.Lease, now time.Time) bool {
	s := l.Spec
	return s.RenewTime != nil && s.LeaseDurationSeconds != nil && now.Before(s.RenewTime.Add(time.Duration(*s.LeaseDurationSeconds)*time.Second))
}

// isReadyNow tells whether a node takes pods and has lately said so.
func isReadyNow(n *corev1.Node, now time.Time, heartbeats time.Duration) (bool, string) {
	for _, c := range n.Status.Conditions {
		if age := now.Sub(c.LastHeartbeatTime.Time); c.Type == corev1.NodeReady && age > heartbeats+heartbeatSlack {
			return false, fmt.Sprintf("node %s has said nothing for %s", n.Name, age.Round(time.Second))
		}
	}
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeUnreachable {
			return false, fmt.Sprintf("node %s has the taint %s", n.Name, t.Key)
		}
	}
	return takesPods(n)
}

// heartbeatSlack is how much later than it should a heartbeat may come, times being in whole seconds.
const heartbeatSlack = 5 * time.Second

// awaitGone watches until there is none of these objects any more.
func awaitGone(ctx context.Context, what string, lw cache.ListerWatcher, kind runtime.Object, theirs func(name string) bool) error {
	var store cache.Store
	left := func() (names []string) {
		for _, o := range store.List() {
			if m, err := meta.Accessor(o); err == nil && theirs(m.GetName()) {
				names = append(names, m.GetName())
			}
		}
		slices.Sort(names)
		return names
	}
	_, err := watchtools.UntilWithSync(ctx, lw, kind, func(s cache.Store) (bool, error) {
		store = s
		return len(left()) == 0, nil
	}, func(watch.Event) (bool, error) { return len(left()) == 0, nil })
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if store != nil {
		return fmt.Errorf("waiting for %s to go: %v: %w", what, left(), err)
	}
	return fmt.Errorf("waiting for %s to go: %w", what, err)
}
