package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/pipeline"
)

// clientOf talks to the cluster of a kubeconfig's current context, or to that of podproof's own pod.
func clientOf(ctx context.Context, kubeconfig string) (kubernetes.Interface, error) {
	var o pipeline.Options
	where := clusterFlags{cluster: "current", kubeconfig: kubeconfig}
	if err := where.ofKubeconfig(&o); err != nil {
		return nil, err
	}
	c, err := existing.Provider{}.Prepare(ctx, cluster.Spec{Existing: o.Existing, Kubeconfig: o.Kubeconfig})
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(c.REST())
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return client, nil
}
