package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// obstacle is what stands between a trial and its verdict, and what to change.
type obstacle struct{ seen, fix string }

// notRolled says why a workload has no rollout to be tried, empty where it has.
func notRolled(e evidence.Evidence) string {
	w := e.Workload
	if w == nil {
		return ""
	}
	switch w.Kind {
	case "Deployment":
		return ""
	case "StatefulSet":
		return "a StatefulSet replaces its pods one by one, each under the name of the one before, which has to be gone first: " +
			"only a Deployment's rolling update, which starts the new pod first, is tried (see termination/requests-in-flight for the end of a pod)"
	case "DaemonSet":
		return "a DaemonSet replaces the pod of a node in its place: only a Deployment's rolling update, which starts the new pod first, is tried " +
			"(see termination/requests-in-flight for the end of a pod)"
	}
	return fmt.Sprintf("a %s has no rolling update; a Deployment has", w.Kind)
}

// inTheWay says why a rollout tells nothing, or not all of it, and whether that breaks the promise
// by itself: a drain that can never happen, or a deploy that never ends.
func inTheWay(e evidence.Evidence, o evidence.Rollout) (why obstacle, fails bool) {
	switch {
	case o.Budget.Full():
		return fullBudget(*o.Budget), true
	case o.Problem != "":
		return obstacle{o.Kind + ": " + said(o.Problem, 300), finish}, false
	case !o.Finished:
		return unfinished(e, o)
	case len(o.Requests) < fewest:
		return obstacle{fmt.Sprintf("only %s were sent during the %s", count(len(o.Requests), "request"), o.Kind), whenQuiet}, false
	case servedAs(o) != 0:
		return obstacle{fmt.Sprintf("the requests of the %s were answered with status %d from the beginning, so none could be lost", o.Kind, servedAs(o)),
			"Let the contract's http.health (or http.port) name a route that is answered with success."}, false
	case len(o.Unreached) > 0:
		return obstacle{fmt.Sprintf("in the %s the Service did not lead to pod %s, so its end could lose no request", o.Kind, list(o.Unreached)),
			"Let the Service lead to every pod that is Ready; kubectl get endpointslices shows which it knows."}, false
	}
	return obstacle{}, false
}

const finish = "Let the rollout finish in the time that the contract gives a start; kubectl rollout status shows what it waits for."

// servedAs is the status of requests that were not answered with success before a rollout, or,
// where that is not known, at any time in it; 0 where they were.
func servedAs(o evidence.Rollout) int {
	for _, stream := range slices.Sorted(maps.Keys(o.Before)) {
		if status := o.Before[stream]; !contract.Healthy(status) {
			return status
		}
	}
	first := 0
	for _, r := range o.Requests {
		if contract.Healthy(r.Status) {
			return 0
		}
		first = cmp.Or(first, r.Status)
	}
	return first
}

// fullBudget is a PodDisruptionBudget that allows nothing although all pods are well.
func fullBudget(b evidence.Budget) obstacle {
	rule := "minAvailable: " + b.MinAvailable
	if b.MinAvailable == "" {
		rule = "maxUnavailable: " + b.MaxUnavailable
	}
	return obstacle{
		fmt.Sprintf("poddisruptionbudget/%s (%s) allows 0 disruptions with %s, all of them Ready: nothing can be drained, and the API server refuses every eviction", b.Name, rule, count(int(b.Expected), "replica")),
		fmt.Sprintf("Set minAvailable: %d or maxUnavailable: 1 in poddisruptionbudget/%s.", max(1, b.Expected-1), b.Name)}
}

// unfinished says what a rollout waits for. A new pod that ended, or whose probe was told no, is
// the image's doing; one that only took its time is not, nor one on a node that was short of CPU.
func unfinished(e evidence.Evidence, o evidence.Rollout) (why obstacle, fails bool) {
	why = obstacle{fmt.Sprintf("the %s was not over after %s", o.Kind, seconds(o.Seconds)), finish}
	if o.Within > 0 {
		why.seen += fmt.Sprintf(", of the %s that its strategy, startup.within and the grace period give it", seconds(o.Within))
	}
	if o.Seen != "" {
		why.seen += ": " + said(o.Seen, 400)
	}
	for _, p := range o.Unready {
		t := troubleOf(p)
		if t.seen == "" {
			continue
		}
		why = obstacle{why.seen + fmt.Sprintf("; pod %s is not Ready: %s", p.Name, t.seen), t.fix}
		ended := restartsOf(p) > 0 || crashed(p)
		fails = !t.untried && (ended || saysNo(p, "Startup", "Readiness")) && starved(e, o.Began, lasting(o.Began, o.Seconds)) == ""
		break
	}
	return why, fails
}

// crashed tells whether one of a pod's containers has ended.
func crashed(p evidence.Pod) bool {
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Terminated != nil {
			return true
		}
	}
	return false
}

// unready adds what the pods said that a rollout waited for.
func (j *Judgement) unready(o evidence.Rollout) {
	for _, p := range o.Unready {
		j.warnings(p)
		j.tail(p, 5)
	}
}

// hooks notes the preStop hooks that failed in a rollout.
func (j *Judgement) hooks(o evidence.Rollout) {
	if pod, said := failedHook(o); pod != "" {
		j.note("pod "+pod, "its preStop hook failed in the %s, so SIGTERM came at once: %s", o.Kind, said)
	}
}

// failedHook is the first pod whose preStop hook failed, and how.
func failedHook(o evidence.Rollout) (pod, how string) {
	for _, p := range o.Ended {
		if ev := lastEvent(p, "FailedPreStopHook"); ev != nil {
			return p.Name, said(ev.Message, 200)
		}
	}
	return "", ""
}
