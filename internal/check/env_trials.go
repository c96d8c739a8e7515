package check

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// requiredLine has variables left out, and spoilt.
const requiredLine = "env: {required: [NAME, …]} in the contract"

// notByItself says why an exit tells nothing of the process, empty where it ended on its own account.
func notByItself(last *corev1.ContainerStateTerminated) string {
	switch {
	case last == nil, last.Reason == "ContainerStatusUnknown":
		return "it exited, and its exit code is not known"
	case last.Reason == "StartError", last.Reason == "ContainerCannotRun", last.Reason == "OOMKilled":
		return "the process did not exit by itself: " + exitWords(*last)
	}
	return ""
}

// trialStarved says how short of CPU the node was in a trial, empty where it was not.
func trialStarved(e evidence.Evidence, t evidence.EnvTrial) string {
	if t.Pod.Status.StartTime == nil {
		return ""
	}
	from := t.Pod.Status.StartTime.Time
	return starved(e, from, lasting(from, t.Seconds))
}

// crashesAnyway tells whether the workload ends by itself although nothing was left out.
func crashesAnyway(e evidence.Evidence) bool {
	if e.Startup == nil || e.Startup.Ready {
		return false
	}
	return slices.ContainsFunc(e.Startup.Pods, func(p evidence.Pod) bool {
		s := underTest(p, containerName(e))
		return s != nil && (s.State.Terminated != nil || s.LastTerminationState.Terminated != nil)
	})
}

const exitsAnyway = "it exited without naming the variable, but so does the workload with all variables set; see startup/ready"

// variableWords say what a trial did to a variable.
func variableWords(t evidence.EnvTrial) string {
	switch t.Wrong {
	case "":
		return "without " + t.Variable
	case "empty":
		return "with " + t.Variable + " empty"
	}
	return "with " + t.Variable + " set to what is " + t.Wrong
}

// printed tells whether a container wrote the value that it refused.
func printed(t evidence.EnvTrial) bool { return t.Value != "" && logSays(t.Pod, t.Value) }

// logSays tells whether a text stands in a line of a pod's log.
func logSays(p evidence.Pod, text string) bool {
	for _, l := range p.Log {
		if strings.Contains(l.Text, text) {
			return true
		}
	}
	return false
}
