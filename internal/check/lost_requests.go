package check

import (
	"cmp"
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
	n, lost, stale, undecided := 0, 0, 0, ""
	unreached, short := 0, ""
	for _, o := range tried {
		j.Seconds += o.Seconds
		gone := lostIn(o)
		n, lost, stale = n+len(o.Requests), lost+len(gone), stale+len(staleIn(o, gone))
		switch {
		case o.Problem != "":
			undecided = o.Kind + ": " + said(o.Problem, 300)
		case !o.Finished:
			undecided = fmt.Sprintf("the %s was not over after %s", o.Kind, seconds(o.Seconds))
		case len(o.Requests) < fewest:
			undecided = fmt.Sprintf("only %s were sent during the %s", count(len(o.Requests), "request"), o.Kind)
		}
		if len(gone) > 0 {
			j.lostWhere(o, gone)
			unreached += len(unreachedOf(gone))
			short = cmp.Or(short, starved(e, o.Began, lasting(o.Began, o.Seconds)))
		}
	}
	switch {
	case lost > 0 && stale == lost:
		return j.undecided(fmt.Sprintf("%d of %d requests lost, all of them sent to a pod more than %s after it had been taken out of the Service: the cluster was that slow to tell its nodes",
			lost, n, proxyWithin), "Run podproof again while the machine has less to do: a pod cannot serve for as long as that takes.")
	case lost > 0 && unreached == lost && short != "":
		// A node without CPU is told late which pods are gone, and is later than any process can wait for.
		return j.undecided(fmt.Sprintf("%d of %d requests found nobody listening; %s", lost, n, short), "Run podproof again while the machine has less to do.")
	case lost > 0:
		return j.fail(fmt.Sprintf("%d of %d requests lost: %s", lost, n, j.firstBroken().Message), rolloutFix(e.Rollouts))
	case undecided != "":
		return j.undecided(undecided, "Let the rollout finish in the time that the contract gives a start; kubectl rollout status shows what it waits for.")
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

// unreachedOf are the requests that no process took: new connections to where nobody listens.
func unreachedOf(lost []evidence.Request) []evidence.Request {
	return slices.DeleteFunc(slices.Clone(lost), func(r evidence.Request) bool {
		return r.Stream != streamNew || r.Failure != "refused" && r.Failure != "timeout" && r.Failure != "unreachable"
	})
}

// staleIn are the requests that new connections brought to a pod which no Service had led
// to any more for longer than that.
func staleIn(o evidence.Rollout, lost []evidence.Request) []evidence.Request {
	var out []evidence.Request
	for _, r := range unreachedOf(lost) {
		// Which pod it went to is not known. The last one that ended is the one in its favour.
		last, ended := time.Time{}, map[string]bool{}
		for _, m := range o.Endpoints {
			pod, _, ends := strings.Cut(m.What, ": terminating")
			if ends && !ended[pod] && m.At.Before(r.Start) {
				last, ended[pod] = m.At, true
			}
		}
		if !last.IsZero() && r.Start.Sub(last) > proxyWithin {
			out = append(out, r)
		}
	}
	return out
}

// lostWhere says what was lost, by the way in which it was, and when.
func (j *Judgement) lostWhere(o evidence.Rollout, lost []evidence.Request) {
	by := map[string]int{}
	var ways []string
	for _, r := range lost {
		way := fmt.Sprintf("%s %s", lossWords(r), requestPlace(r.Stream))
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
		if o.PreStopSleep == 0 || o.Problem != "" || !o.Finished {
			continue
		}
		if lost := len(lostIn(o)); lost > 0 {
			return fmt.Sprintf("A preStop sleep of %d s alone does not mend it: %d of %d requests were still lost. Look at maxUnavailable, at the readiness probe of the new pods, and at what the process does with open connections.",
				o.PreStopSleep, lost, len(o.Requests))
		}
		return fmt.Sprintf("Add lifecycle: {preStop: {sleep: {seconds: %d}}} to the container (or a delay in the process), within the grace period: with it, none of %d requests was lost.",
			o.PreStopSleep, len(o.Requests))
	}
	return ""
}
