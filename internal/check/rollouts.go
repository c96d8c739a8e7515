package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// judgeRollouts judges the rollouts of these kinds; what names them in the promise, line in the
// few words for one that holds.
func judgeRollouts(c contract.Contract, e evidence.Evidence, what, line string, kinds ...string) Judgement {
	j := Judgement{Promised: "no request is lost (an answer as good as before, no retries) in " + what}
	if why := notRolled(e); why != "" {
		return j.skip(why)
	}
	tried, spoilt := decisive(e.Rollouts, kinds...)
	if len(tried) == 0 {
		return inconclusive(e, evidence.SectionRollouts, j.Promised)
	}
	for _, o := range spoilt {
		j.note(o.Kind, "tried again: the first time the cluster sent %s to a pod more than %s after it had been taken out of the Service", count(len(Lost(o)), "request"), proxyWithin)
	}
	var open, blocked, loss obstacle
	excuse := ""
	switch w := e.Workload; {
	case len(tried) == len(kinds):
	case w != nil && w.Replicas < 2:
		j.note("workload", "it has one replica, so no eviction was tried (as in the drain of a node): that would take its only pod away")
	default:
		open = obstacle{"not all was tried: " + e.Why(evidence.SectionRollouts), fixOf(e, evidence.SectionRollouts)}
	}
	n, lost, gone := 0, 0, 0
	for _, o := range tried {
		j.Seconds += o.Seconds
		n, gone = n+len(o.Requests), gone+ends(o)
		j.hooks(o)
		j.crossings(o)
		if why, fails := inTheWay(e, o); why.seen != "" && fails {
			j.broken(o.Kind, "%s", why.seen)
			j.unready(o)
			blocked = cmp.Or(blocked, why)
		} else if why.seen != "" {
			j.unready(o)
			open = why
		}
		dropped := Lost(o)
		if len(dropped) == 0 {
			continue
		}
		lost += len(dropped)
		how := j.lostWhere(e, o, dropped)
		if why := slowCluster(e, o, dropped); why != "" {
			excuse = why
		} else {
			loss = cmp.Or(loss, obstacle{how, lossFix(e.Rollouts, o)})
		}
	}
	of := fmt.Sprintf("%d of %d requests lost", lost, n)
	switch {
	case loss.seen != "":
		return j.fail(of+": "+loss.seen, loss.fix)
	case blocked.seen != "":
		return j.fail(blocked.seen, blocked.fix)
	case lost > 0:
		return j.undecided(of+", "+excuse, "Run podproof again while the machine has less to do: no pod can go on serving for as long as that took.")
	case open.seen != "":
		return j.undecided(open.seen, open.fix)
	}
	// The requests of one pod's end stand or fall together: the ends are what was sampled.
	return j.pass(fmt.Sprintf("%s (0 of %d)", line, n), fmt.Sprintf("%s in %s (%s)", of, count(gone, "pod end"), rolloutKinds(tried)))
}

// decisive are the rollouts of these kinds, on the manifest as it is, by which to judge, and those
// that were tried again because the cluster had lost their requests (see Overtaken).
func decisive(all []evidence.Rollout, kinds ...string) (tried, spoilt []evidence.Rollout) {
	for _, o := range all {
		if o.PreStopSleep > 0 || !slices.Contains(kinds, o.Kind) {
			continue
		}
		if i := len(tried) - 1; i >= 0 && tried[i].Kind == o.Kind && o.Problem == "" && o.Finished && Overtaken(tried[i]) {
			tried, spoilt = tried[:i], append(spoilt, tried[i])
		}
		tried = append(tried, o)
	}
	return tried, spoilt
}

// Lost are the requests that got no whole answer, or a worse one than their stream got before.
func Lost(o evidence.Rollout) []evidence.Request {
	var out []evidence.Request
	for _, r := range o.Requests {
		if !answeredAs(r, o.Before[r.Stream]) && !crossed(r) {
			out = append(out, r)
		}
	}
	return out
}

// crossed tells whether a request met the server's end of an idle connection on its way: it was
// not read, and any client sends it again (RFC 9112, 9.3.1).
func crossed(r evidence.Request) bool { return r.Reused && r.Unread && r.Failure != "" }

// crossings notes how many of a rollout's requests did.
func (j *Judgement) crossings(o evidence.Rollout) {
	n := 0
	for _, r := range o.Requests {
		n += count01(crossed(r))
	}
	if n > 0 {
		j.note(o.Kind, "%s met the server's end of an idle connection on the way and were not read, which a client sends again; see termination/refuses-late", count(n, "request"))
	}
}

// ends are how many pods a rollout has ended.
func ends(o evidence.Rollout) int {
	switch n := int(o.Replicas); {
	case !o.Finished:
		return len(o.Ended)
	case o.Kind == evidence.RolloutEviction:
		return 1
	case o.Kind == evidence.RolloutScaleDown:
		return n - 1
	default:
		return n
	}
}

func rolloutKinds(os []evidence.Rollout) string {
	var out []string
	for _, o := range os {
		out = append(out, o.Kind)
	}
	return list(out)
}

// lostWhere says what was lost, by the way in which it was, and when.
func (j *Judgement) lostWhere(e evidence.Evidence, o evidence.Rollout, lost []evidence.Request) string {
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
	how := fmt.Sprintf("%s; %s to %s after it began", strings.Join(parts, ", "), seconds(begun.Seconds()), seconds(ended.Seconds()))
	if takesAll(o) {
		how = "a rolling restart takes all pods away at once (strategy: Recreate): " + how
	}
	j.brokenAt(lossPlace(e, o), "%s", how)
	return how
}

// takesAll tells whether a restart ends every pod before the first new one is there.
func takesAll(o evidence.Rollout) bool {
	return o.Kind == evidence.RolloutRestart && o.Strategy == "Recreate"
}

// lossPlace is the field that lossFix names; empty where it is the check's own.
func lossPlace(e evidence.Evidence, o evidence.Rollout) place {
	if e.Workload != nil && takesAll(o) {
		return workloadPlace(*e.Workload, o.Kind, "spec.strategy")
	}
	return place{words: o.Kind}
}

// lossFix says what would keep a rollout from losing requests.
func lossFix(all []evidence.Rollout, o evidence.Rollout) string {
	if takesAll(o) {
		return "Let the Deployment's strategy be type: RollingUpdate with maxUnavailable: 0, and let an old pod and a new one run side by side."
	}
	if pod, said := failedHook(o); pod != "" {
		return fmt.Sprintf("The preStop hook of pod %s failed (%s), so SIGTERM came at once: use lifecycle.preStop.sleep, or a command that the image has.", pod, said)
	}
	return rolloutFix(all)
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
		if lost := len(Lost(o)); lost > 0 {
			return fmt.Sprintf("A preStop sleep of %d s alone is not enough: %d of %d requests were still lost in the %s. Look at maxUnavailable, at the readiness probe of the new pods, and at what the process does with open connections.",
				o.PreStopSleep, lost, len(o.Requests), o.Kind)
		}
		return fmt.Sprintf("Add lifecycle: {preStop: {sleep: {seconds: %d}}} to the container (or a delay in the process), within the grace period: with it, none of %d requests was lost in the %s.",
			o.PreStopSleep, len(o.Requests), o.Kind)
	}
	return ""
}
