package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var waitsForDatabase = Check{
	ID:    "startup/waits-for-database",
	Title: "Started before its database, it waits or is restarted, and comes up once the database is there",
	Why: "After a power cut, or in a new cluster, everything starts at once. A process that is Ready without its database serves errors; " +
		"one that gives up for good needs somebody to deploy it again.",
	Fix:      "Retry the first connection for as long as it takes, and be not ready meanwhile; or exit non-zero, and let the kubelet start it again.",
	Story:    Reliable,
	Needs:    []evidence.Section{evidence.SectionOutages},
	Judge:    judgeWaitsForDatabase,
	Timeline: func(e evidence.Evidence) []Moment { return withoutMoments(e.Outages) },
}

func judgeWaitsForDatabase(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "never Ready without its database, and Ready once that is, without a deploy"}
	if len(c.Dependencies) > 0 {
		j.Promised = fmt.Sprintf("never Ready without %s, and Ready once that is, without a deploy", c.Dependencies[0])
	}
	if e.Outages == nil || e.Outages.Without == nil {
		return withoutDependency(c, e, evidence.SectionOutages, j)
	}
	w, p := e.Outages.Without, e.Outages.Pod
	j.Seconds = w.Waited + w.After
	meanwhile := meanwhileWords(*w, p)
	for _, l := range w.InitLog {
		j.detail("pod "+p.Name+", init container "+w.Init+", log", "%s", said(l.Text, 300))
	}
	switch {
	case !w.Recovered:
		return j.neverUp(e, meanwhile)
	case unasked(c, e):
		return j.workerWaits(e, meanwhile)
	}
	if other, ok := j.isUnused(e); ok {
		return other
	}
	if w.BecameReady {
		return j.fail("it was Ready without its database", "Let the readiness route ask the database, or start listening only once it was reached.")
	}
	if w.Exits > 0 && w.LastExit == 0 && !livenessKills(p) {
		j.note("pod "+p.Name, "without its database it ended with exit code 0, which a Job or restartPolicy: OnFailure would take for success")
	}
	return j.pass("Start before its database OK", fmt.Sprintf("not Ready in the %s without it%s; Ready %s after the database was there", seconds(w.Waited), meanwhile, seconds(w.After)))
}

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
func (j Judgement) neverUp(e evidence.Evidence, meanwhile string) Judgement {
	w, p := e.Outages.Without, e.Outages.Pod
	seen := fmt.Sprintf("not Ready in the %s without it%s, and not Ready %s after the database was there", seconds(w.Waited), meanwhile, seconds(w.After))
	if w.BecameReady {
		seen = fmt.Sprintf("not Ready %s after the database was there", seconds(w.After))
	}
	if name := heldBack(p, w.Up); name != "" {
		return j.undecided(fmt.Sprintf("%s: the kubelet had not started container %s again by then (CrashLoopBackOff)", seen, name),
			"Run podproof again. A process that waits for its database, and does not end, is not held back by the kubelet.")
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
func (j Judgement) workerWaits(e evidence.Evidence, meanwhile string) Judgement {
	w := e.Outages.Without
	switch {
	case w.Connected == nil:
		return j.undecided("it runs; the worker answers no requests, and podproof cannot see whether it has a connection to its database", askable)
	case !*w.Connected:
		return j.undecided(fmt.Sprintf("it runs; the worker answers no requests, and no connection of it was seen in the %s after its database was there", seconds(w.After)), askable)
	}
	return j.pass("Start before its database OK", fmt.Sprintf("it was started %s before its database%s, and had a connection %s after that was there",
		seconds(w.Waited), meanwhile, seconds(w.After)))
}
