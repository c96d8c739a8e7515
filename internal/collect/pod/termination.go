package pod

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// killMargin is how long after the end of the grace period the exit must have been seen.
const killMargin = 15 * time.Second

// Termination starts a pod of its own, waits until it is Ready, deletes it, and watches
// its container end. A finalizer keeps the final status readable: the window between a
// pod's exit and its removal can be shorter than any poll (Kubernetes'
// test/e2e_node/pods_lifecycle_termination_test.go does the same).
func Termination(ctx context.Context, b *Bench, stopSignal string, within time.Duration) (*evidence.Termination, error) {
	p := b.trial("termination", "podproof-termination")
	p.Finalizers = []string{workload.Finalizer}
	p, err := b.create(ctx, p)
	if err != nil {
		return nil, err
	}
	// Without this the pod, and so its namespace, would stay for ever. The context may be
	// cancelled by then.
	defer b.Applier.Unfinalize(context.WithoutCancel(ctx), b.Namespace, p.Name)
	uid := string(p.UID)

	t := &evidence.Termination{StopSignal: stopSignal, GraceSeconds: grace(p)}
	if t.StopSignal == "" {
		t.StopSignal = "SIGTERM"
	}
	if err := b.started(ctx, uid); err != nil {
		return nil, err
	}
	var now *corev1.Pod
	err = b.within(ctx, within, uid, func(o *workload.Observed) (bool, string) {
		now = o.Pod
		over := workload.Hopeless(o) != "" || workload.Terminated(o.Pod, b.Container) != nil
		return workload.IsReady(o.Pod) || over, workload.Summary(o.Pod)
	})
	if err != nil {
		return nil, err
	}
	if now == nil {
		return nil, fmt.Errorf("pod %s was created, but the watch never showed it", p.Name)
	}
	t.WasReady = workload.IsReady(now)
	t.WasRunning = workload.Running(now, b.Container) != nil
	if t.WasReady && !b.probed() {
		b.awaitListener(ctx, now)
	}
	if ps, err := b.processes(ctx, now.Spec.NodeName, workload.ContainerID(now, b.Container)); err == nil && len(ps) > 0 {
		t.PID1 = &ps[0]
	}

	t.Deleted = time.Now()
	if err := b.client().CoreV1().Pods(b.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{}); err != nil {
		return nil, fmt.Errorf("deleting the trial's pod %s: %w", p.Name, err)
	}
	err = b.within(ctx, time.Duration(t.GraceSeconds)*time.Second+killMargin, uid, func(o *workload.Observed) (bool, string) {
		t.Last = workload.Terminated(o.Pod, b.Container)
		return t.Last != nil || !o.Gone.IsZero(), workload.Summary(o.Pod)
	})
	if err != nil {
		return nil, err
	}
	t.Exited = t.Last != nil
	t.Seconds = time.Since(t.Deleted).Seconds()
	t.Pod = b.podEvidence(ctx, uid)
	return t, nil
}

// listenScript waits until a process of the container's network listens on TCP (state 0A
// of proc_pid_net(5)), for at most $2 seconds.
const listenScript = `end=$(($(date +%s) + $2))
while [ "$(date +%s)" -lt "$end" ]; do
  for f in $(grep -ls -- "$1" /proc/[0-9]*/cgroup); do
    d=${f%/cgroup}
    grep -qs ' 0A ' "$d/net/tcp" "$d/net/tcp6" && exit 0
    break
  done
  sleep 0.1
done`

// awaitListener gives a process without a probe the time to come up. The kubelet calls its
// container Ready as soon as it runs, when it may not have a signal handler yet. One that
// never listens, such as a worker, is given a few seconds; no harm is done when they are over.
func (b *Bench) awaitListener(ctx context.Context, p *corev1.Pod) {
	if b.Node == nil {
		return
	}
	_, _ = b.Node.Run(ctx, p.Spec.NodeName, "sh", "-c", listenScript, "sh", workload.ContainerID(p, b.Container), "5")
}

func grace(p *corev1.Pod) int64 {
	if p.Spec.TerminationGracePeriodSeconds != nil {
		return *p.Spec.TerminationGracePeriodSeconds
	}
	return corev1.DefaultTerminationGracePeriodSeconds
}

// within waits for a pod for a time. That the time is over is no error: what was seen
// by then is the evidence.
func (b *Bench) within(ctx context.Context, d time.Duration, uid string, look func(*workload.Observed) (bool, string)) error {
	wait, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := b.waitPod(wait, uid, look)
	var over *workload.WaitError
	if errors.As(err, &over) && ctx.Err() == nil {
		return nil
	}
	return err
}
