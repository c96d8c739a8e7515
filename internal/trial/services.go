package trial

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// AwaitServices waits until a dependency that is Ready can be reached through its Services, too: on
// a busy node kube-proxy is seconds later, and what is started meanwhile is refused. In production
// the dependency has been there for long. A node tells, or the agent's pod, whose node has no name
// here. Where it cannot be known, nothing is waited for.
func AwaitServices(ctx context.Context, client kubernetes.Interface, on Node, node string, services []corev1.Service) {
	for _, s := range services {
		live, err := client.CoreV1().Services(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil || live.Spec.ClusterIP == "" || live.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		for _, p := range live.Spec.Ports {
			if p.Protocol == corev1.ProtocolTCP {
				_, _ = on.Run(ctx, node, "connect", live.Spec.ClusterIP, strconv.Itoa(int(p.Port)))
			}
		}
	}
}
