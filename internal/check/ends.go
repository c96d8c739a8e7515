package check

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// podEnd is how one pod ended in a run, beside the one that was stopped while it was idle.
type podEnd struct {
	when string // "in the restart, with kept connections open"
	evidence.Termination
}

// otherEnds are those of the pods that were stopped with clients at work. Those that end while
// they start or while their database is away have checks of their own. What the node itself
// has removed, or podproof with a sleep of its own, tells nothing of the image.
func otherEnds(e evidence.Evidence) []podEnd {
	var out []podEnd
	if t := e.InFlight; t != nil && undecidedExit(*t, e) == "" && !heldToTheEnd(*t) {
		out = append(out, podEnd{"with requests under way", *t})
	}
	for _, o := range e.Rollouts {
		for _, p := range o.Ended {
			if t := rolloutEnd(p, containerName(e)); t != nil && o.PreStopSleep == 0 {
				out = append(out, podEnd{"in the " + o.Kind + ", with kept connections open", *t})
			}
		}
	}
	return out
}

// heldToTheEnd tells whether podproof itself held a request until the grace period was over, so
// that a process that waited for it had to be killed.
func heldToTheEnd(t evidence.Termination) bool {
	f := flight{Termination: t, ended: lasting(t.Deleted, t.Seconds)}
	return slices.ContainsFunc(t.Requests, func(r evidence.Request) bool { return r.Stream == evidence.StreamSlow && f.killedOver(r) })
}

// rolloutEnd reads the end of a pod from what the watch showed of it. It is nil where nobody
// asked for its end.
func rolloutEnd(p evidence.Pod, container string) *evidence.Termination {
	s := underTest(p, container)
	if s == nil || s.State.Terminated == nil || s.State.Terminated.Reason == "ContainerStatusUnknown" || p.Status.Reason != "" {
		return nil
	}
	grace := int64(30)
	if g := p.Spec.TerminationGracePeriodSeconds; g != nil {
		grace = *g
	}
	t := &evidence.Termination{Pod: p, Exited: true, Last: s.State.Terminated, ExitSource: "watch", GraceSeconds: grace, StopSignal: "SIGTERM"}
	for _, m := range p.Timeline {
		switch {
		case m.Kind == evidence.MarkDeletion:
			t.Deleted = m.At
		case m.Is(evidence.MarkContainer, s.Name, evidence.StateExited) && !t.Deleted.IsZero():
			t.Seconds = m.At.Sub(t.Deleted).Seconds() - shownLater(p, *t.Last)
			return t
		}
	}
	return nil
}

// watchIsLate is how much later than it happened a watch may show an end.
const watchIsLate = 2 * time.Second

// badly tells whether a pod did not end as the contract asks.
func (x podEnd) badly(c contract.Contract) bool {
	limit := terminationLimit(c, &x.Termination)
	if !x.ExitExact() {
		limit += watchIsLate
	}
	wrong := !slices.Contains(exitCodes(c), x.Last.ExitCode) && !x.orderly143()
	return x.Last.Reason == "OOMKilled" || wrong || x.Seconds > limit.Seconds()
}

// orderly143 tells of an end whose code says SIGTERM, and whose log that it was orderly. Where a
// process ends with 0 while it is idle, nothing is lost by that.
func (x podEnd) orderly143() bool {
	return x.Last.ExitCode == 143 && len(closingWords(x.Termination)) > 0
}

// judgeOtherEnds is the judgement of a process that ends well while it is idle, or of which
// that is not known.
func (j Judgement) judgeOtherEnds(c contract.Contract, e evidence.Evidence, idle string) (Judgement, bool) {
	ends := otherEnds(e)
	for _, x := range ends {
		if x.orderly143() && !slices.Contains(exitCodes(c), 143) {
			j.note("pod "+x.Pod.Name, "%s: %s, %s after the deletion, and %s", x.when, exitWords(*x.Last), seconds(x.Seconds), closingWords(x.Termination).words())
		}
	}
	i := slices.IndexFunc(ends, func(x podEnd) bool { return x.badly(c) })
	if i < 0 {
		return j, false
	}
	x := ends[i]
	for _, y := range ends {
		if y.badly(c) {
			j.broken("pod "+y.Pod.Name, "%s: %s, %s after the deletion", y.when, exitWords(*y.Last), seconds(y.Seconds))
		}
	}
	j.tail(x.Pod, 5)
	if killedAtTheEnd(&x.Termination) {
		return j.fail(fmt.Sprintf("%s; %s, it was killed after %s: %s, SIGKILL at the end of the grace period of %d s", idle, x.when, seconds(x.Seconds), exitWords(*x.Last), x.GraceSeconds),
			"Close idle connections on SIGTERM (Node: server.closeIdleConnections; Go: http.Server.Shutdown), answer what still comes with Connection: close, "+
				"and bound the wait for the rest below the grace period."), true
	}
	seen := fmt.Sprintf("%s; %s: %s, %s after the deletion", idle, x.when, exitWords(*x.Last), seconds(x.Seconds))
	if slices.Contains(exitCodes(c), x.Last.ExitCode) && x.Last.Reason != "OOMKilled" {
		return j.endsLate(c, e, x.Termination, seen, "Drain faster: stop accepting at once, bound the time that requests in flight may take, and close idle connections."), true
	}
	why, fix := pid1(e).explain(x.Termination, e)
	return j.fail(seen+": "+why, fix), true
}

// shownLater is how many seconds later than it happened a container's end is shown, since the
// kubelet tells of it when the last of the pod's containers has ended.
func shownLater(p evidence.Pod, own corev1.ContainerStateTerminated) float64 {
	later := 0.0
	for _, s := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
		if t := s.State.Terminated; t != nil {
			later = max(later, t.FinishedAt.Sub(own.FinishedAt.Time).Seconds())
		}
	}
	return later
}
