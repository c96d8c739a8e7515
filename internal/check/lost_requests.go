package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noLostRequests = Check{
	ID:    "rollout/no-lost-requests",
	Title: "A rolling restart, and an eviction, lose no request",
	Why: "The endpoint of a pod that ends is removed everywhere a moment after SIGTERM. A process that stops listening at once " +
		"loses the requests that are still sent to it, in every deploy and in every drain of a node.",
	Fix:   "Keep serving for a few seconds after SIGTERM (lifecycle.preStop.sleep, or a delay in the process) with maxUnavailable: 0 and at least two replicas.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionRollouts},
	Judge: func(c contract.Contract, e evidence.Evidence) Judgement {
		return judgeRollouts(e, "a rolling restart and an eviction under load", "Rollout without lost requests OK", "restart", "eviction")
	},
	Timeline: func(e evidence.Evidence) []Moment { return rolloutMoments(e.Rollouts, "restart", "eviction") },
}

var scaleDown = Check{
	ID:    "rollout/scale-down",
	Title: "Scaling down to one replica loses no request",
	Why:   "An autoscaler removes pods many times a day, while they serve. No new pod covers for one that drops what it was sent last.",
	Fix:   "Keep serving for a few seconds after SIGTERM (lifecycle.preStop.sleep, or a delay in the process).",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionRollouts},
	Judge: func(c contract.Contract, e evidence.Evidence) Judgement {
		if w := e.Workload; w != nil && w.Replicas < 2 && len(e.Rollouts) > 0 {
			return Judgement{}.skip("the workload has one replica")
		}
		return judgeRollouts(e, "a scale-down to one replica under load", "Scale-down without lost requests OK", "scale-down")
	},
	Timeline: func(e evidence.Evidence) []Moment { return rolloutMoments(e.Rollouts, "scale-down") },
}

// fewest requests from which anything is concluded.
const fewest = 100

func judgeRollouts(e evidence.Evidence, what, line string, kinds ...string) Judgement {
	j := Judgement{Promised: "no request is lost (status below 500, no retries) in " + what}
	if w := e.Workload; w != nil && w.Kind != "Deployment" {
		return j.skip(w.Kind + " has no rolling update with a surge; a Deployment has")
	}
	var tried []evidence.Rollout
	for _, o := range e.Rollouts {
		if slices.Contains(kinds, o.Kind) && o.PreStopSleep == 0 {
			tried = append(tried, o)
		}
	}
	if len(tried) == 0 {
		return inconclusive(e, evidence.SectionRollouts, j.Promised)
	}
	n, lost, undecided, excuse := 0, 0, "", ""
	const finish = "Let the rollout finish in the time that the contract gives a start; kubectl rollout status shows what it waits for."
	fix := finish
	switch w := e.Workload; {
	case len(tried) == len(kinds):
	case w != nil && w.Replicas < 2:
		j.note("workload", "it has one replica, which an eviction, as for the drain of a node, takes away: that was not tried")
	default:
		undecided, fix = "not all was tried: "+e.Why(evidence.SectionRollouts), runAgain
	}
	var guilty *Finding
	for _, o := range tried {
		j.Seconds += o.Seconds
		gone := lostIn(o)
		n, lost = n+len(o.Requests), lost+len(gone)
		switch {
		case o.Problem != "":
			undecided, fix = o.Kind+": "+said(o.Problem, 300), finish
		case !o.Finished:
			undecided, fix = fmt.Sprintf("the %s was not over after %s", o.Kind, seconds(o.Seconds)), finish
		case len(o.Requests) < fewest:
			undecided, fix = fmt.Sprintf("only %s were sent during the %s", count(len(o.Requests), "request"), o.Kind), whenQuiet
		case len(o.Unreached) > 0:
			undecided = fmt.Sprintf("in the %s the Service did not lead to pod %s, whose end could lose nothing", o.Kind, list(o.Unreached))
			fix = "Let the Service lead to every pod that is Ready; kubectl get endpointslices shows which it knows."
		}
		if len(gone) == 0 {
			continue
		}
		j.lostWhere(o, gone)
		if why := slowCluster(e, o, gone); why != "" {
			excuse = why
		} else if guilty == nil {
			guilty = &j.Findings[len(j.Findings)-1]
		}
	}
	switch {
	case guilty != nil:
		return j.fail(fmt.Sprintf("%d of %d requests lost: %s", lost, n, guilty.Message), rolloutFix(e.Rollouts))
	case lost > 0:
		return j.undecided(fmt.Sprintf("%d of %d requests lost, %s", lost, n, excuse),
			"Run podproof again while the machine has less to do: a pod cannot serve for as long as that takes.")
	case undecided != "":
		return j.undecided(undecided, fix)
	}
	bound := 3 / float64(n) * 100
	return j.pass(fmt.Sprintf("%s (0 of %d)", line, n),
		fmt.Sprintf("0 of %d requests lost, so with 95 %% confidence fewer than %.2f %%", n, bound))
}

func lostIn(o evidence.Rollout) []evidence.Request {
	var out []evidence.Request
	for _, r := range o.Requests {
		if !answered(r) {
			out = append(out, r)
		}
	}
	return out
}

// proxyWithin is how long a cluster may take to tell its nodes that a pod is to get no more
// requests. It is well below a second where CPU is not scarce; a pod that serves on for less
// than this loses requests in earnest.
const proxyWithin = 2 * time.Second

// slowCluster says why the losses of a rollout are the cluster's: it was late to tell its
// nodes which pods are gone, later than any process can wait for. It is empty where one of
// them is not.
func slowCluster(e evidence.Evidence, o evidence.Rollout, lost []evidence.Request) string {
	stale := true
	for _, r := range lost {
		// A connection that was made was the process's to serve.
		unreached := !r.Reused && r.Connected == 0 && (r.Failure == "refused" || r.Failure == "timeout" || r.Failure == "unreachable")
		ready, told := routes(o, r.Start)
		if !unreached || ready < 1 {
			return ""
		}
		stale = stale && !told.IsZero() && r.Start.Sub(told) > proxyWithin
	}
	if stale {
		return fmt.Sprintf("all of them sent to a pod more than %s after it had been taken out of the Service: the cluster was that slow to tell its nodes", proxyWithin)
	}
	if short := starved(e, lost[0].Start.Add(-proxyWithin), lost[len(lost)-1].Ended()); short != "" {
		return "all of them where nobody listened any more; " + short
	}
	return ""
}

// routes are how many pods a Service led to at a time, and when it was last told that one of
// them ends: which pod a request went to is not known, and this one is the one in its favour.
func routes(o evidence.Rollout, at time.Time) (ready int, told time.Time) {
	ready = int(o.Replicas)
	is := map[string]bool{}
	ended := map[string]bool{}
	for _, m := range o.Endpoints {
		if m.At.After(at) {
			continue
		}
		pod, state, _ := strings.Cut(m.What, ": ")
		was, known := is[pod]
		ending := strings.HasPrefix(state, "terminating")
		is[pod] = state == "ready"
		switch {
		case is[pod] && !was:
			ready++
		case !is[pod] && (was || !known && ending): // one that was there before the first change
			ready--
		}
		if ending && !ended[pod] {
			ended[pod], told = true, m.At
		}
	}
	return ready, told
}

// lostWhere says what was lost, by the way in which it was, and when.
func (j *Judgement) lostWhere(o evidence.Rollout, lost []evidence.Request) {
	by := map[string]int{}
	var ways []string
	for _, r := range lost {
		way := fmt.Sprintf("%s %s", lossWords(r), placeOf(r))
		if by[way]++; by[way] == 1 {
			ways = append(ways, way)
		}
	}
	var parts []string
	for _, w := range ways {
		parts = append(parts, fmt.Sprintf("%d %s", by[w], w))
	}
	begun, ended := lost[0].Start.Sub(o.Began), lost[len(lost)-1].Ended().Sub(o.Began)
	j.broken(o.Kind, "%s; %s to %s after it began", strings.Join(parts, ", "), seconds(begun.Seconds()), seconds(ended.Seconds()))
}

func lossWords(r evidence.Request) string {
	if r.Failure == "" {
		return fmt.Sprintf("with status %d", r.Status)
	}
	return r.Failure
}

// rolloutFix says whether the sleep that was tried would have been enough.
func rolloutFix(all []evidence.Rollout) string {
	for _, o := range all {
		if o.PreStopSleep == 0 || o.Problem != "" || !o.Finished || len(o.Unreached) > 0 {
			continue
		}
		if lost := len(lostIn(o)); lost > 0 {
			return fmt.Sprintf("A preStop sleep of %d s alone does not mend it: %d of %d requests were still lost in the %s. Look at maxUnavailable, at the readiness probe of the new pods, and at what the process does with open connections.",
				o.PreStopSleep, lost, len(o.Requests), o.Kind)
		}
		return fmt.Sprintf("Add lifecycle: {preStop: {sleep: {seconds: %d}}} to the container (or a delay in the process), within the grace period: with it, none of %d requests was lost in the %s.",
			o.PreStopSleep, len(o.Requests), o.Kind)
	}
	return ""
}
