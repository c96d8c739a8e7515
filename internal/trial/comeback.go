package trial

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// comeBack waits until the workload is Ready and answers again, and, where nobody can ask it or it answers
// without the dependency, too, has a connection again. What it did not do in time is the evidence. Before is how often the
// container had been restarted before the outage.
func (o *outager) comeBack(ctx context.Context, load *outageLoad, e *evidence.Outage, before int32) error {
	ended := int32(0)
	for _, p := range o.Observer.Pods(o.own) {
		ended = exits(o.status(p)) - before
	}
	limit := o.recovery(ended)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := o.comeBackWithin(limited, limit, load, e)
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

func (o *outager) comeBackWithin(ctx context.Context, limit time.Duration, load *outageLoad, e *evidence.Outage) error {
	if load != nil {
		if err := o.answersAgain(ctx, load.Load, *e); err != nil {
			return err
		}
	}
	err := o.watch(ctx, limit, func(p *corev1.Pod) bool {
		if !workload.IsReady(p) {
			if e.Unready.IsZero() {
				e.Unready = time.Now()
			}
			return false
		}
		if !e.Unready.IsZero() {
			e.Ready = time.Now()
		}
		return true
	})
	if err == nil && (load == nil || o.optional) {
		_, e.Reconnected, err = o.await(ctx, limit, false)
	}
	return err
}

// readyAgain waits for a workload that was back, and is not Ready all the same: the kubelet tells a moment later of a
// probe that had failed before it was.
func (o *outager) readyAgain(ctx context.Context, e evidence.Outage) (bool, error) {
	if !e.Unready.IsZero() && e.Ready.IsZero() { // it had its time
		return false, nil
	}
	if err := o.watch(ctx, o.recovery(0), workload.IsReady); err != nil {
		return false, err
	}
	_, err := o.readyOf(o.own) // the end of the time is no error
	return err == nil, nil
}

// mostExits is after how many ends of a container in a row its trial waits no longer.
const mostExits = 4

// recovery is how long the workload is given to be Ready again: what a start may take, and
// more where its container has ended, which the kubelet starts again after 10 s, then 20 s,
// and so on (MaxContainerBackOff in pkg/kubelet).
func (b *TestBed) recovery(exits int32) time.Duration {
	if exits > 0 {
		return b.Patience + max(30*time.Second, 10*time.Second<<min(exits, mostExits))
	}
	return b.Patience + probeMargin
}
