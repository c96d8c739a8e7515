package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// meanwhileWords say how the pod fared without the database, in brackets; empty where it waited.
func meanwhileWords(w evidence.StartWithout, p evidence.Pod) string {
	switch {
	case w.InitExits > 0:
		return fmt.Sprintf(" (its init container %s ended %s, with exit code %d)", w.Init, times(w.InitExits), w.InitLast)
	case w.Init != "":
		return fmt.Sprintf(" (its init container %s waited)", w.Init)
	case w.Exits > 0 && livenessKills(p):
		return fmt.Sprintf(" (its liveness probe had it restarted %s)", times(w.Exits))
	case w.Exits > 0:
		return fmt.Sprintf(" (its container ended %s, with exit code %d)", times(w.Exits), w.LastExit)
	}
	return ""
}

// neverUp is the judgement about a pod that did not become Ready once its database was there.
func (j Judgement) neverUp(c contract.Contract, e evidence.Evidence, meanwhile string) Judgement {
	w, p := e.Outages.Without, e.Outages.Pod
	seen := fmt.Sprintf("not Ready in the %s without it%s, and not Ready %s after the %s was there", seconds(w.Waited), meanwhile, seconds(w.After), noun(c))
	if w.BecameReady {
		seen = fmt.Sprintf("not Ready %s after the %s was there", seconds(w.After), noun(c))
	}
	if name := heldBack(p, w.Up); name != "" {
		return j.undecided(fmt.Sprintf("%s: the kubelet had not started container %s again by then (CrashLoopBackOff)", seen, name),
			fmt.Sprintf("Run podproof again. A process that waits for its %s, and does not end, is not held back by the kubelet.", noun(c)))
	}
	j.tail(p, 8)
	if saysNoSince(p, w.Up.Add(tellingMargin), "Readiness") {
		return j.fail(seen, "")
	}
	return j.late(e, w.Up, lasting(w.Up, w.After), seen, "")
}

// heldBack names a container of the pod that has ended before a time and is still to be started
// again, for which the kubelet waits longer each time.
func heldBack(p evidence.Pod, since time.Time) string {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		last := s.LastTerminationState.Terminated
		if s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" && last != nil && last.FinishedAt.Time.Before(since) {
			return s.Name
		}
	}
	return ""
}

// workerWaits judges a worker that neither a probe nor a request asks: that it is Ready says only
// that it runs.
func (j Judgement) workerWaits(c contract.Contract, e evidence.Evidence, meanwhile string) Judgement {
	w := e.Outages.Without
	switch {
	case w.Connected == nil:
		return j.undecided("it runs; the worker answers no requests, and podproof cannot see whether it has a connection to its "+noun(c), tellable(c))
	case !*w.Connected:
		return j.undecided(fmt.Sprintf("it runs; the worker answers no requests, and no connection of it was seen in the %s after its %s was there", seconds(w.After), noun(c)), tellable(c))
	}
	return j.pass("Start before its "+noun(c)+" OK", fmt.Sprintf("it was started %s before its %s%s, and had a connection %s after that was there",
		seconds(w.Waited), noun(c), meanwhile, seconds(w.After)))
}

// startsAnyway judges a start without what the workload calls optional.
func startsAnyway(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: fmt.Sprintf("Ready without the optional %s, without a restart, and Ready when that is there", c.Dependencies[0])}
	w, p := e.Outages.Without, e.Outages.Pod
	j.Seconds = w.Waited + w.After
	meanwhile := meanwhileWords(*w, p)
	for _, l := range w.InitLog {
		j.detail("pod "+p.Name+", init container "+w.Init+", log", "%s", said(l.Text, 300))
	}
	const fix = "Start without it: try the first connection beside the start, with a time limit, and let the readiness route not ask for it."
	given := e.Outages.Unreachable == ""
	switch {
	case w.Exits > 0 || w.InitExits > 0:
		j.tail(p, 5)
		return j.fail("its container exited when it was started without the optional "+noun(c)+meanwhile, fix)
	case !w.BecameReady:
		seen := fmt.Sprintf("not Ready in the %s without the optional %s%s", seconds(w.Waited), noun(c), meanwhile)
		j.tail(p, 5)
		if w.Init != "" || saysNo(p, "Readiness") {
			return j.fail(seen, fix)
		}
		return j.late(e, w.Began, lasting(w.Began, w.Waited), seen, fix)
	case given && !w.Recovered:
		return j.neverUp(c, e, meanwhile)
	case given && unasked(c, e) && (w.Connected == nil || !*w.Connected):
		return j.workerWaits(c, e, meanwhile)
	}
	if other, ok := j.isUnused(c, e); ok {
		return other
	}
	seen := fmt.Sprintf("Ready in the %s without it", seconds(w.Waited))
	if why := notGivenBack(c, e.Outages); why != "" {
		j.note("not seen", "what it does when that comes up: %s", why)
	} else {
		seen += fmt.Sprintf(", and Ready when the %s was there", noun(c))
	}
	return j.pass("Start without the optional "+noun(c)+" OK", seen)
}
