package trial

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// initLines are kept of the log of an init container that the pod did not get beyond.
const initLines = 10

// startBeside starts the workload next to its dependencies, and waits until it is Ready. That
// it is not in time is told by the first outage.
func (o *outager) startBeside(ctx context.Context) error {
	if err := o.prepare(ctx, false); err != nil {
		return err
	}
	if err := o.begin(ctx); err != nil {
		return err
	}
	return o.watch(ctx, o.recovery(1), workload.IsReady)
}

// startWithout starts the workload without its dependency, and brings that up when the workload
// has run for a while.
func (o *outager) startWithout(ctx context.Context) error {
	if err := o.prepare(ctx, true); err != nil {
		return err
	}
	if err := o.begin(ctx); err != nil {
		return err
	}
	w := &evidence.StartWithout{}
	if err := o.endureStart(ctx, w); err != nil {
		return err
	}
	if err := o.bringUp(ctx); err != nil {
		return err
	}
	if o.out.Outages.Unreachable != "" {
		o.out.Outages.Without = w
		return nil
	}
	w.Up = time.Now()
	err := o.comeUp(ctx, w)
	w.After = time.Since(w.Up).Seconds()
	if err == nil {
		o.out.Outages.Without = w
	}
	return err
}

// endureStart lets the pod run without the dependency, and sees what it does.
func (o *outager) endureStart(ctx context.Context, w *evidence.StartWithout) error {
	err := o.watch(ctx, startWithin, func(p *corev1.Pod) bool {
		if w.Began.IsZero() && hasBegun(p) {
			w.Began = time.Now()
		}
		return !w.Began.IsZero()
	})
	if err != nil {
		return err
	}
	if w.Began.IsZero() {
		return fmt.Errorf("no container of %s started within %s", o.Subject, startWithin)
	}
	// Whether it is Ready at any moment of this time is what is watched for.
	err = o.watch(ctx, max(withoutFor, o.StartTook*3/2), func(p *corev1.Pod) bool {
		o.lookWithout(p, w)
		return false
	})
	if err != nil {
		return err
	}
	for _, p := range o.Observer.Pods(o.own) {
		err := o.within(ctx, firstProbe, string(p.UID), func(seen *workload.Observed) (bool, string) {
			o.lookWithout(seen.Pod, w)
			return w.BecameReady || w.Exits > 0 || w.Init != "" || seen.Heard("Unhealthy"), workload.Summary(seen.Pod)
		})
		if err != nil {
			return err
		}
		if w.Init != "" {
			log := o.Observer.Evidence(string(p.UID), w.Init).Log
			w.InitLog = log[max(0, len(log)-initLines):]
		}
	}
	w.Waited = time.Since(w.Began).Seconds()
	return nil
}

// comeUp waits until the pod is Ready beside its dependency. One that nobody can ask must have a
// connection as well, where that can be seen.
func (o *outager) comeUp(ctx context.Context, w *evidence.StartWithout) error {
	held := int32(0)
	for _, p := range o.Observer.Pods(o.own) {
		held = max(w.Exits, w.InitExits, exits(o.status(p))) // the kubelet waits longer after each
	}
	limit := o.recovery(held)
	err := o.watch(ctx, limit, func(p *corev1.Pod) bool {
		w.Recovered = workload.IsReady(p)
		return w.Recovered
	})
	if err == nil && w.Recovered && !o.Asked.serves() {
		w.Connected, _, err = o.await(ctx, limit, false)
	}
	return err
}

// hasBegun tells whether a container of the pod runs or has run, one that comes before the
// others as well.
func hasBegun(p *corev1.Pod) bool {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range list {
			if s.State.Running != nil || s.State.Terminated != nil || s.RestartCount > 0 {
				return true
			}
		}
	}
	return false
}

// lookWithout takes in what a pod does without its dependency.
func (o *outager) lookWithout(p *corev1.Pod, w *evidence.StartWithout) {
	w.BecameReady = w.BecameReady || workload.IsReady(p)
	if s := o.status(p); ended(s) != nil {
		w.Exits, w.LastExit = exits(s), ended(s).ExitCode
	}
	w.Init = ""
	for i, s := range p.Status.InitContainerStatuses {
		sidecar := i < len(p.Spec.InitContainers) && p.Spec.InitContainers[i].RestartPolicy != nil
		done := s.State.Terminated != nil && s.State.Terminated.ExitCode == 0
		if sidecar || done {
			continue
		}
		w.Init, w.InitExits = s.Name, exits(s)
		if end := ended(s); end != nil {
			w.InitLast = end.ExitCode
		}
		break // those after it wait for it
	}
}

// ended is the last end of a container, nil where it has not ended yet.
func ended(s corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	if s.State.Terminated != nil {
		return s.State.Terminated
	}
	return s.LastTerminationState.Terminated
}

// exits is how often a container has ended.
func exits(s corev1.ContainerStatus) int32 {
	if s.State.Running == nil && ended(s) != nil {
		return s.RestartCount + 1
	}
	return s.RestartCount
}
