package kind

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/cluster"
)

// awakeWithin is how long a cluster may take to be itself again, which it usually is within two seconds.
const awakeWithin = 45 * time.Second

// awake waits until a cluster that was paused is as one that never was: its API server answers, its node says so
// itself, after the pause, and what the last run left to be removed is gone.
func awake(ctx context.Context, k *Kind) error {
	ctx, cancel := context.WithTimeoutCause(ctx, awakeWithin, fmt.Errorf("it is not itself %s after it was resumed", awakeWithin))
	defer cancel()
	client, err := kubernetes.NewForConfig(k.rest)
	if err != nil {
		return err
	}
	return cluster.AwaitResumed(ctx, client, heartbeats)
}
