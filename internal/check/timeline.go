package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

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
		out = append(out, evidence.Mark{At: ev.At, Source: "kubelet", What: "event " + ev.Reason + ": " + kubeletSays(ev.Message, 160)})
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

// requestRun are requests to one place that fared alike, one after the other.
type requestRun struct {
	first, last time.Time
	how         string
	n           int
}

// mostTurns is how often a place may change how it answers before what it answers in turn is told together.
const mostTurns = 8

// inTurn puts the runs that fared alike together.
func inTurn(runs []requestRun) []requestRun {
	var out []requestRun
	for _, r := range runs {
		i := slices.IndexFunc(out, func(o requestRun) bool { return o.how == r.how })
		if i < 0 {
			out = append(out, r)
			continue
		}
		out[i].last, out[i].n = r.last, out[i].n+r.n
	}
	return out
}

// requestMarks draw the requests to one place that fared alike, one after the other, as one
// moment. Those that were over before the trial began are no part of its story.
func requestMarks(rs []evidence.Request, from time.Time) []evidence.Mark {
	runs := map[string][]requestRun{}
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
		runs[place] = append(all, requestRun{r.Start, r.Ended(), how, 1})
	}
	var out []evidence.Mark
	for _, p := range places {
		all, turns := slices.DeleteFunc(runs[p], func(r requestRun) bool { return r.last.Before(from) }), ""
		if len(all) > mostTurns {
			all, turns = inTurn(all), ", in turn with others"
		}
		for _, r := range all {
			out = append(out, evidence.Mark{At: latest(r.first, from), Source: "agent", What: fmt.Sprintf("%s %s: %s, until %.2f s%s",
				count(r.n, "request"), p, r.how, r.last.Sub(from).Seconds(), turns)})
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

// became tells whether a mark says that a condition of the pod came true.
func became(m evidence.Mark, t corev1.PodConditionType) bool {
	return m.Is(evidence.MarkCondition, string(t), string(corev1.ConditionTrue))
}
