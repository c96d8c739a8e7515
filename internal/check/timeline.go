package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// Moment is one thing that happened in a trial, on the clock of podproof.
type Moment struct {
	At time.Time `json:"at"`
	// Seconds since the trial began, negative before that.
	Seconds float64 `json:"seconds"`
	// Resolution of the time, in seconds: metav1 has whole ones.
	Resolution float64 `json:"resolution"`
	// Source is who told the time: "podproof", "watch", "kubelet", "node", "cri", "agent".
	Source string `json:"source"`
	What   string `json:"what"`
}

// resolutions of the times of each source, in seconds. That of the kubelet is of metav1.Time;
// a node is asked every 50 ms whether a process is gone; the others write nanoseconds, and
// come through a queue.
var resolutions = map[string]float64{"kubelet": 1, "node": 0.1, "watch": 0.01, "podproof": 0.01, "agent": 0.001, "cri": 0.001}

// storyBefore and storyAfter are how much of what surrounds a trial belongs to its story.
const (
	storyBefore = 2 * time.Second
	storyAfter  = time.Second
)

// timeline puts what happened around a trial in order, from what each source tells.
func timeline(began, ended time.Time, sources ...[]evidence.Mark) []Moment {
	var out []Moment
	for _, m := range slices.Concat(sources...) {
		resolution := cmp.Or(resolutions[m.Source], 1)
		at := m.At
		// A time that was cut to whole seconds may lie before what caused it.
		if resolution == 1 && at.Before(began) && began.Sub(at) < time.Second {
			at = began
		}
		if at.IsZero() || at.Before(began.Add(-storyBefore)) || at.After(ended.Add(storyAfter)) {
			continue
		}
		out = append(out, Moment{At: at, Seconds: at.Sub(began).Seconds(), Resolution: resolution, Source: m.Source, What: m.What})
	}
	slices.SortStableFunc(out, func(a, b Moment) int { return a.At.Compare(b.At) })
	return joined(out)
}

// joined draws log lines that follow each other as one moment.
func joined(ms []Moment) []Moment {
	var out []Moment
	more := 0
	end := func() {
		if more > 0 {
			out[len(out)-1].What += fmt.Sprintf(" (and %s)", count(more, "more line"))
		}
		more = 0
	}
	for _, m := range ms {
		if m.Source == "cri" && len(out) > 0 && out[len(out)-1].Source == "cri" {
			more++
			continue
		}
		end()
		out = append(out, m)
	}
	end()
	return out
}

// podMarks are what happened to a pod, by the watch, the kubelet's events and its log.
func podMarks(p evidence.Pod, name string) []evidence.Mark {
	out := slices.Clone(p.Timeline)
	for _, ev := range p.Events {
		out = append(out, evidence.Mark{At: ev.At, Source: "kubelet", What: "event " + ev.Reason + ": " + said(ev.Message, 160)})
	}
	for _, l := range p.Log {
		out = append(out, evidence.Mark{At: l.At, Source: "cri", What: strings.TrimSpace("log "+l.Stream) + ": " + said(l.Text, 160)})
	}
	return prefixed(out, name)
}

// prefixed puts a name before each of several marks.
func prefixed(marks []evidence.Mark, name string) []evidence.Mark {
	for i := range marks {
		if name != "" {
			marks[i].What = name + ": " + marks[i].What
		}
	}
	return marks
}

// requestMarks draw the requests to one place that fared alike, one after the other, as one
// moment. Those that were over before the trial began are no part of its story.
func requestMarks(rs []evidence.Request, from time.Time) []evidence.Mark {
	type run struct {
		first, last time.Time
		how         string
		n           int
	}
	runs := map[string][]run{}
	var places []string
	for _, r := range rs {
		place := placeOf(r)
		if runs[place] == nil {
			places = append(places, place)
		}
		all, how := runs[place], failureWords(r)
		if n := len(all); n > 0 && all[n-1].how == how {
			all[n-1].n++
			all[n-1].last = r.Ended()
			continue
		}
		runs[place] = append(all, run{r.Start, r.Ended(), how, 1})
	}
	var out []evidence.Mark
	for _, p := range places {
		for _, r := range runs[p] {
			if r.last.Before(from) {
				continue
			}
			out = append(out, evidence.Mark{At: latest(r.first, from), Source: "agent", What: fmt.Sprintf("%s %s: %s, until %.2f s",
				count(r.n, "request"), p, r.how, r.last.Sub(from).Seconds())})
		}
	}
	return out
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// terminationMoments are the story of a pod that was deleted.
func terminationMoments(t *evidence.Termination) []Moment {
	if t == nil || t.Deleted.IsZero() {
		return nil
	}
	marks := []evidence.Mark{{At: t.Signalled, Source: "node", What: t.StopSignal + " sent to the container"}}
	if !t.Released.IsZero() && t.Held > 0 {
		marks = append(marks, evidence.Mark{At: t.Released, Source: "podproof", What: fmt.Sprintf("the other half of the body sent, of %s", count(t.Held, "request"))})
	}
	ended := lasting(t.Deleted, t.Seconds)
	return timeline(t.Deleted, ended, podMarks(t.Pod, ""), requestMarks(t.Requests, t.Deleted), marks)
}

// rolloutMoments are the story of the rollouts of these kinds in which requests were lost,
// or else of the first.
func rolloutMoments(all []evidence.Rollout, kinds ...string) []Moment {
	var told *evidence.Rollout
	for i, o := range all {
		if slices.Contains(kinds, o.Kind) && o.PreStopSleep == 0 && (told == nil || len(lostIn(*told)) == 0 && len(lostIn(o)) > 0) {
			told = &all[i]
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
	if o == nil || len(o.Trials) == 0 {
		return nil
	}
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
			{At: t.Began, Source: "podproof", What: o.Dependency + " " + t.Kind}, {At: t.Healed, Source: "podproof", What: o.Dependency + " is back"}})
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

// struck tells whether something went wrong in an outage, or after it.
func struck(o evidence.Outage) bool {
	if o.Restarts > 0 || !o.Unready.IsZero() && o.Ready.IsZero() || o.Unready.IsZero() && (o.Kind == "refused" || o.Kind == "frozen") {
		return true
	}
	last := map[string]evidence.Request{}
	for _, r := range o.Requests {
		if r.Failure == "timeout" {
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
