package check

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// undecidedExit says why the trial tells nothing, empty when it does.
func undecidedExit(t evidence.Termination, e evidence.Evidence) string {
	switch {
	case !t.WasRunning:
		return "the container did not run when its pod was deleted: it was " + stateWords(underTest(t.Pod, containerName(e)))
	case !t.Exited || t.Last == nil:
		return fmt.Sprintf("no exit was seen in the %s after the deletion", seconds(t.Seconds))
	case t.Last.Reason == "ContainerStatusUnknown":
		return "the kubelet lost the container's exit code (ContainerStatusUnknown; the 137 that it reports then is made up)"
	}
	return ""
}

// noExit is the judgement about an end of which nothing is known; it is false where something is.
func (j Judgement) noExit(t evidence.Termination, e evidence.Evidence) (Judgement, bool) {
	why := undecidedExit(t, e)
	switch {
	case why == "":
		return j, false
	case !t.WasRunning:
		return j.undecided(why, fixFirst("startup/ready")), true
	case !t.Exited || t.Last == nil:
		return j.undecided(why, "Run podproof again while the machine has less to do. If it says the same, see what keeps the pod: its events, its finalizers, or a volume that is not unmounted."), true
	}
	return j.undecided(why, whenQuiet), true
}

func stateWords(s *corev1.ContainerStatus) string {
	switch {
	case s == nil:
		return "not created yet"
	case s.State.Waiting != nil:
		return "waiting (" + s.State.Waiting.Reason + ")"
	case s.State.Terminated != nil:
		return "ended already, with " + exitWords(*s.State.Terminated)
	case s.State.Running != nil:
		return "running"
	}
	return "in no known state"
}

// killedAtTheEnd tells whether a container had to be killed when its grace period was over.
func killedAtTheEnd(t *evidence.Termination) bool {
	return t != nil && t.Last != nil && t.Last.ExitCode == 137 && t.Last.Reason != "OOMKilled" && t.Seconds >= float64(t.GraceSeconds)-1
}
