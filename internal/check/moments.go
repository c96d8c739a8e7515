package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// terminationMoments are the story of a pod that was deleted.
func terminationMoments(t *evidence.Termination) []Moment {
	if t == nil || t.Deleted.IsZero() {
		return nil
	}
	marks := []evidence.Mark{{At: t.Signalled, Source: "node", What: t.StopSignal + " sent to the container"}}
	if !t.Released.IsZero() && t.Held > 0 && t.HeldFor == 0 {
		marks = append(marks, evidence.Mark{At: t.Released, Source: "podproof", What: fmt.Sprintf("the other half of the body sent, of %s", count(t.Held, "request"))})
	}
	for _, r := range t.Requests {
		if r.Released > 0 {
			marks = append(marks, evidence.Mark{At: lasting(r.Start, r.Released), Source: "agent", What: "the other half of a body sent"})
		}
	}
	ended := lasting(t.Deleted, t.Seconds)
	return timeline(t.Deleted, ended, podMarks(t.Pod, ""), requestMarks(t.Requests, t.Deleted), marks)
}

// rolloutMoments are the story of the rollouts of these kinds in which requests were lost,
// or else of the first.
func rolloutMoments(all []evidence.Rollout, kinds ...string) []Moment {
	var told *evidence.Rollout
	tried, _ := decisive(all, kinds...)
	for i, o := range tried {
		if told == nil || len(Lost(*told)) == 0 && len(Lost(o)) > 0 {
			told = &tried[i]
		}
	}
	if told == nil {
		return nil
	}
	sources := [][]evidence.Mark{{{At: told.Began, Source: "podproof", What: told.Kind + " begun"}}, told.Endpoints, requestMarks(told.Requests, told.Began)}
	for _, p := range told.Ended {
		sources = append(sources, podMarks(p, "pod "+p.Name))
	}
	return timeline(told.Began, lasting(told.Began, told.Seconds), sources...)
}

// outageMoments are the story of the first outage that the workload did not bear as it
// should, or else of all of them. What happened in a namespace of its own, beside the others,
// begins with the kind of its outage.
func outageMoments(o *evidence.Outages) []Moment {
	if o == nil {
		return nil
	}
	tried := slices.DeleteFunc(slices.Clone(o.Trials), func(t evidence.Outage) bool { return t.Began.IsZero() })
	if len(tried) == 0 {
		return nil
	}
	all := *o
	all.Trials, o = tried, &all
	if i := slices.IndexFunc(o.Trials, struck); i >= 0 {
		one := *o
		one.Trials = o.Trials[i : i+1]
		if own := one.Trials[0].Pod; own != nil {
			one.Pod = evidence.Pod{} // the others'
		}
		o = &one
	}
	began, ended := o.Trials[0].Began, time.Time{}
	for _, t := range o.Trials {
		if t.Began.Before(began) {
			began = t.Began
		}
	}
	sources := [][]evidence.Mark{podMarks(o.Pod, "")}
	for _, t := range o.Trials {
		own := slices.Concat(requestMarks(t.Requests, began), []evidence.Mark{
			{At: t.Began, Source: "podproof", What: o.Dependency + " " + doings[t.Kind].begins}, {At: t.Healed, Source: "podproof", What: o.Dependency + " " + doings[t.Kind].ends}})
		if t.Pod != nil {
			own = prefixed(append(own, podMarks(*t.Pod, "")...), t.Kind)
		}
		sources = append(sources, own)
		ended = latest(ended, latest(t.Healed, t.Ready))
		for _, r := range t.Requests {
			ended = latest(ended, r.Ended())
		}
	}
	return timeline(began, ended, sources...)
}

// doings say what a dependency does when an outage begins, and when it is over.
var doings = map[string]struct{ begins, ends string }{
	evidence.OutageRefused:      {"refuses connections", "is back"},
	evidence.OutageFrozen:       {"answers nothing any more", "is back"},
	evidence.OutageRestarted:    {"resets all connections, as in a restart", "is back"},
	evidence.OutageDisconnected: {"closes all connections", "accepts new ones"},
	evidence.OutageSlow200ms:    {"takes 200 ms longer for each round trip", "is fast again"},
	evidence.OutageSlow2s:       {"takes 2 s longer for each round trip", "is fast again"},
}

// struck tells whether something went wrong in an outage, or after it.
func struck(o evidence.Outage) bool {
	if o.Restarts > 0 || !o.Unready.IsZero() && o.Ready.IsZero() || o.Unready.IsZero() && (o.Kind == evidence.OutageRefused || o.Kind == evidence.OutageFrozen) {
		return true
	}
	last := map[string]evidence.Request{}
	for _, r := range o.Requests {
		if r.Failure == evidence.FailureTimeout {
			return true
		}
		last[r.Stream] = r
	}
	for _, r := range last {
		if r.Failure != "" || r.Status >= 500 {
			return true
		}
	}
	return false
}

// startMoments are the story of a start: that of the pod which did not get Ready, or else of the first.
func startMoments(s *evidence.Startup) []Moment {
	if s == nil || len(s.Pods) == 0 {
		return nil
	}
	p := s.Pods[0]
	if i := slices.IndexFunc(s.Pods, func(p evidence.Pod) bool { return !isReady(p) }); i >= 0 {
		p = s.Pods[i]
	}
	applied := []evidence.Mark{{At: s.Applied, Source: "podproof", What: "applied"}}
	return timeline(s.Applied, lasting(s.Applied, s.Seconds), applied, podMarks(p, ""))
}

// withoutMoments are the story of the start without a dependency.
func withoutMoments(o *evidence.Outages) []Moment {
	if o == nil || o.Without == nil || o.Without.Began.IsZero() {
		return nil
	}
	w := o.Without
	marks := []evidence.Mark{{At: w.Began, Source: "podproof", What: "started, without " + o.Dependency}, {At: w.Up, Source: "podproof", What: o.Dependency + " is ready"}}
	return timeline(w.Began, lasting(latest(w.Began, w.Up), w.After), marks, podMarks(o.Pod, ""))
}

// variableMoments are the story of the first pod that did not end as it should have without a
// variable, or with a wrong one, or else of the first.
func variableMoments(r *evidence.RequiredEnv) []Moment {
	if r == nil || len(r.Trials) == 0 {
		return nil
	}
	t := r.Trials[max(0, slices.IndexFunc(r.Trials, ranOn))]
	return podMoments(t.Pod, variableWords(t), r.Seconds)
}

// ranOn tells whether a pod of such a trial ended badly, or not at all.
func ranOn(t evidence.EnvTrial) bool {
	return !t.Exited || t.Last == nil || t.Last.ExitCode == 0 || t.Wrong == "" && !names(t, t.Variable) || printed(t)
}

// variantMoments are the story of a pod with another securityContext.
func variantMoments(v *evidence.Variant) []Moment {
	if v == nil {
		return nil
	}
	return podMoments(v.Pod, "", v.Seconds)
}

// podMoments are the story of a trial's own pod, from the first that was seen of it.
func podMoments(p evidence.Pod, how string, seconds float64) []Moment {
	if len(p.Timeline) == 0 {
		return nil
	}
	began := p.Timeline[0].At
	first := evidence.Mark{At: began, Source: "watch", What: strings.TrimSpace("pod created " + how)}
	return timeline(began, lasting(began, seconds), []evidence.Mark{first}, podMarks(p, ""))
}
