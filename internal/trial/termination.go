package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// killMargin is how long after the end of the grace period the exit must have been seen.
const killMargin = 15 * time.Second

// Termination starts a pod of its own, waits until it is Ready, deletes it, and watches
// its container end.
var Termination = Trial{
	ID:       "termination",
	Sections: []evidence.Section{evidence.SectionTermination},
	Doing:    "Stopping a pod with SIGTERM", Done: "Pod stopped",
	Within:  forPods(3),
	usually: usually{own: 3 * time.Second, starts: 1},
	Rights:  looking(endingPods("podproof-termination"), "podproof-termination"),
	Run:     sees(terminate, func(e *evidence.Evidence, t *evidence.Termination) { e.Termination = t }),
}

// EarlyTermination deletes a pod as soon as its container runs, long before it is Ready.
var EarlyTermination = Trial{
	ID:       "early-termination",
	Sections: []evidence.Section{evidence.SectionEarlyTermination},
	Within:   forPods(3),
	usually:  usually{own: 5 * time.Second},
	Rights:   endingPods("podproof-early-termination"),
	Run:      sees(terminateEarly, func(e *evidence.Evidence, t *evidence.Termination) { e.EarlyTermination = t }),
}

func terminate(ctx context.Context, b *TestBed) (*evidence.Termination, error) {
	s, err := b.ending(ctx, b.Trial)
	if err != nil {
		return nil, err
	}
	defer s.release(ctx)
	if err := s.awaitReady(ctx, b.Patience); err != nil {
		return nil, err
	}
	if err := s.lookOn(ctx); err != nil {
		return nil, err
	}
	if err := s.delete(ctx); err != nil {
		return nil, err
	}
	if err := s.awaitExit(ctx); err != nil {
		return nil, err
	}
	if err := s.awaitOthers(ctx); err != nil {
		return nil, err
	}
	return s.evidence(ctx), nil
}

func terminateEarly(ctx context.Context, b *TestBed) (*evidence.Termination, error) {
	s, err := b.ending(ctx, b.Trial)
	if err != nil {
		return nil, err
	}
	defer s.release(ctx)
	s.t.WasReady = b.probed() && workload.IsReady(s.now)
	return s.end(ctx)
}

// ending is a pod whose end is watched. A finalizer keeps its final status readable: the
// window between a pod's exit and its removal can be shorter than any poll (Kubernetes'
// test/e2e_node/pods_lifecycle_termination_test.go does the same). Where nobody may be left to take
// that off again, the watch alone shows it, as the kubelet tells of the end before it lets a pod go.
type ending struct {
	bench *TestBed
	name  string
	uid   string
	now   *corev1.Pod // as last seen
	t     *evidence.Termination
	gone  <-chan span // when its processes were, as source tells
	// beside looks on where no node can, and source is who looks.
	beside *beside
	source string
	exit   evidence.Mark
}

// ending makes a pod of the trial's, and returns once its container has started, or never will.
func (b *TestBed) ending(ctx context.Context, name string) (*ending, error) {
	p := b.trial("podproof-" + name)
	if b.Applier.Above == nil { // a pod that is held would outlive the Job that owns it
		p.Finalizers = []string{workload.Finalizer}
	}
	p, err := b.launch(ctx, p)
	if p == nil {
		return nil, err
	}
	e := &ending{bench: b, name: p.Name, uid: string(p.UID), source: "node",
		t: &evidence.Termination{StopSignal: cmp.Or(b.StopSignal, "SIGTERM"), GraceSeconds: grace(p)}}
	if err == nil {
		err = e.look(ctx)
	}
	if err == nil {
		if why := b.initFailed(ctx, e.uid); why != "" {
			err = errors.New(why)
		}
	}
	if err != nil {
		e.release(ctx)
		return nil, err
	}
	return e, nil
}

// release lets the pod go: with its finalizer it, and so its namespace, would stay for
// ever. The context may be cancelled by then.
func (e *ending) release(ctx context.Context) {
	_ = e.bench.Applier.Unfinalize(context.WithoutCancel(ctx), e.bench.Namespace, e.name)
}

// look takes in the pod as it is.
func (e *ending) look(ctx context.Context) error {
	err := e.bench.within(ctx, time.Minute, e.uid, func(o *workload.Observed) (bool, string) {
		e.now = o.Pod
		return true, ""
	})
	if err == nil && e.now == nil {
		err = fmt.Errorf("pod %s was created, but the watch never showed it", e.name)
	}
	return err
}

// awaitReady waits until the pod is Ready, cannot become so, or the time is over.
func (e *ending) awaitReady(ctx context.Context, within time.Duration) error {
	b := e.bench
	err := b.within(ctx, within, e.uid, func(o *workload.Observed) (bool, string) {
		e.now = o.Pod
		over := workload.Hopeless(o) != "" || workload.Terminated(o.Pod, b.Container) != nil
		return workload.IsReady(o.Pod) || over, workload.Summary(o.Pod)
	})
	if err != nil {
		return err
	}
	if e.t.WasReady = workload.IsReady(e.now); e.t.WasReady && !b.probed() {
		return b.awaitListener(ctx, e.now)
	}
	return nil
}

// lookOn has podproof's own container look on where no node can. Where it may not, the kubelet's
// times remain.
func (e *ending) lookOn(ctx context.Context) error {
	b := e.bench
	if b.Node != nil || workload.Running(e.now, b.Container) == nil {
		return nil
	}
	s, err := b.lookInto(ctx, e.now)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		e.beside, e.source = s, evidence.SourceEphemeral
	}
	return e.look(ctx) // it may have ended meanwhile
}

// end deletes the pod, waits for the exit of its container, and puts the evidence together.
func (e *ending) end(ctx context.Context) (*evidence.Termination, error) {
	if err := e.delete(ctx); err != nil {
		return nil, err
	}
	if err := e.awaitExit(ctx); err != nil {
		return nil, err
	}
	return e.evidence(ctx), nil
}

func (e *ending) delete(ctx context.Context) error {
	b, t := e.bench, e.t
	t.WasRunning = workload.Running(e.now, b.Container) != nil
	if b.Node != nil {
		if ps, err := b.processesBy(ctx, b.Node, e.now.Spec.NodeName, workload.ContainerID(e.now, b.Container)); err == nil && len(ps) > 0 {
			t.PID1 = &ps[0]
		}
	}
	if s := e.beside; s != nil {
		t.PID1 = &s.processes[0]
		e.gone = s.watchGone(ctx, e.limit())
	} else {
		e.gone = b.watchGone(ctx, e.now, e.limit())
	}
	t.Deleted = time.Now()
	b.Observer.Ends(e.name)
	if err := b.client().CoreV1().Pods(b.Namespace).Delete(ctx, e.name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting the trial's pod %s: %w", e.name, err)
	}
	return nil
}

// limit is how long after the deletion an exit is waited for.
func (e *ending) limit() time.Duration {
	return time.Duration(e.t.GraceSeconds)*time.Second + killMargin
}

func (e *ending) awaitExit(ctx context.Context) error {
	b, t := e.bench, e.t
	err := b.within(ctx, e.limit(), e.uid, func(o *workload.Observed) (bool, string) {
		e.now, t.Last = o.Pod, workload.Terminated(o.Pod, b.Container)
		return t.Last != nil || !o.Gone.IsZero(), workload.Summary(o.Pod)
	})
	e.exit.At = time.Now()
	if t.Exited = t.Last != nil; t.Exited {
		var blur time.Duration
		e.exit, blur = exitTime(e.source, e.gone, e.now, t.Last, t.Deleted)
		t.ExitBlur = blur.Seconds()
		e.exit.What = fmt.Sprintf("container %s: its processes are gone", b.Container)
	}
	t.Seconds, t.ExitSource = e.exit.At.Sub(t.Deleted).Seconds(), e.exit.Source
	return err
}

// awaitOthers waits for the end of the containers beside the one under test, and for the event
// of a preStop hook that failed, which may come after the end.
func (e *ending) awaitOthers(ctx context.Context) error {
	err := e.bench.within(ctx, time.Until(e.t.Deleted.Add(e.limit())), e.uid, func(o *workload.Observed) (bool, string) {
		return !o.Gone.IsZero() || allEnded(o.Pod), workload.Summary(o.Pod)
	})
	if err != nil || !e.bench.hooked() {
		return err
	}
	return e.bench.within(ctx, told, e.uid, func(o *workload.Observed) (bool, string) {
		return o.Heard("FailedPreStopHook"), workload.Summary(o.Pod)
	})
}

// allEnded tells whether no container of a pod runs any more, native sidecars among them.
func allEnded(p *corev1.Pod) bool {
	return !slices.ContainsFunc(slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses),
		func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
}

func (e *ending) evidence(ctx context.Context) *evidence.Termination {
	e.t.Pod = e.bench.podEvidence(ctx, e.uid)
	if e.t.Exited {
		e.t.Pod.Timeline = append(e.t.Pod.Timeline, e.exit)
		slices.SortStableFunc(e.t.Pod.Timeline, func(a, b evidence.Mark) int { return a.At.Compare(b.At) })
	}
	return e.t
}

// awaitListener gives a process without a probe the time to come up. The kubelet calls its
// container Ready as soon as it runs, when it may not have a signal handler yet. One that
// never listens, such as a worker, is given a few seconds; no harm is done when they are over.
// Where no node can tell, each is given them.
func (b *TestBed) awaitListener(ctx context.Context, p *corev1.Pod) error {
	if b.Node == nil {
		return pause(ctx, listenWithin)
	}
	_, _ = b.Node.Run(ctx, p.Spec.NodeName, "listen", workload.ContainerID(p, b.Container), strconv.Itoa(int(listenWithin.Seconds())))
	return nil
}

// listenWithin is how long a process without a probe is given to come up.
const listenWithin = 5 * time.Second

func grace(p *corev1.Pod) int64 {
	if p.Spec.TerminationGracePeriodSeconds != nil {
		return *p.Spec.TerminationGracePeriodSeconds
	}
	return corev1.DefaultTerminationGracePeriodSeconds
}

// within waits for a pod for a time. That the time is over is no error: what was seen
// by then is the evidence.
func (b *TestBed) within(ctx context.Context, d time.Duration, uid string, look func(*workload.Observed) (bool, string)) error {
	return b.Observer.Within(ctx, d, ofUID(uid), lookAt(look))
}
