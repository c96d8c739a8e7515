package drawing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

const (
	barHeight = 15
	capHeight = 16
	laneGap   = 12
)

// track is what is known of one pod over time.
type track struct {
	name   string
	marks  []evidence.Mark // the pod's own
	routes []evidence.Mark // of its endpoint in a Service
	events []evidence.Event
}

// shortName is the end of a pod's name, which tells it from the others.
func shortName(pod string) string {
	if i := strings.LastIndex(pod, "-"); i > 0 && i < len(pod)-1 {
		return "…" + pod[i+1:]
	}
	return pod
}

// when is when a mark of this kind was made, zero where there is none; it is about any object where that
// is empty.
func when(marks []evidence.Mark, kind, object, value string) time.Time {
	for _, m := range marks {
		if m.Kind == kind && (object == "" || m.Object == object) && m.Value == value {
			return m.At
		}
	}
	return time.Time{}
}

// ended is when the container was gone, by whoever saw it first.
func (t track) ended() time.Time {
	for _, m := range t.marks {
		if m.Kind == evidence.MarkContainer && m.Value == evidence.StateExited || strings.HasSuffix(m.What, ": its processes are gone") {
			return m.At
		}
	}
	return time.Time{}
}

func (t track) deleted() time.Time { return when(t.marks, evidence.MarkDeletion, "", "") }

// A state is what something is from a time on.
type state struct {
	at          time.Time
	class, word string
}

// The states of a pod, and of an endpoint.
var (
	unknown  = state{}
	pending  = state{class: "start", word: "waiting"}
	starting = state{class: "start", word: "starting"}
	ready    = state{class: "ready", word: "Ready"}
	unready  = state{class: "unready", word: "not Ready"}
	ending   = state{class: "ending", word: "terminating"}
	restart  = state{class: "unready", word: "exited"}
)

func (s state) on(at time.Time) state { s.at = at; return s }

// states are the pod's, one after the other.
func (t track) states() []state {
	var out []state
	isReady, runs, wasReady, going := false, false, false, false
	now := func(at time.Time) state {
		switch {
		case going:
			return ending.on(at)
		case isReady:
			return ready.on(at)
		case wasReady && runs:
			return unready.on(at)
		case wasReady:
			return restart.on(at)
		case runs:
			return starting.on(at)
		}
		return pending.on(at)
	}
	gone := t.ended()
	for _, m := range t.marks {
		switch {
		case m.Kind == evidence.MarkCondition && m.Object == string(corev1.PodReady):
			isReady = m.Value == string(corev1.ConditionTrue)
			wasReady = wasReady || isReady
		case m.Kind == evidence.MarkContainer:
			runs = m.Value == evidence.StateRunning
		case m.Kind == evidence.MarkDeletion:
			going = true
		}
		s := now(m.At)
		if going && !gone.IsZero() && !m.At.Before(gone) {
			return append(out, unknown.on(gone))
		}
		if m.Kind == evidence.MarkRemoved {
			return append(out, unknown.on(m.At))
		}
		if n := len(out); n == 0 || out[n-1].class != s.class || out[n-1].word != s.word {
			out = append(out, s)
		}
	}
	return out
}

// endpoint are the states of the pod's endpoint. Before the first change it was ready where the pod was,
// and not there where that is not known.
func (t track) endpoint(from time.Time) []state {
	if len(t.routes) == 0 {
		return nil
	}
	var out []state
	if d := t.deleted(); !d.IsZero() {
		if at := when(t.marks, evidence.MarkCondition, string(corev1.PodReady), string(corev1.ConditionTrue)); !at.IsZero() && at.Before(t.routes[0].At) {
			out = append(out, state{from, "ready", "endpoint ready"})
		}
	}
	for _, m := range t.routes {
		s := state{m.At, "ready", "endpoint ready"}
		switch m.Value {
		case evidence.RouteNotReady:
			s.class, s.word = "start", "endpoint not ready"
		case evidence.RouteServing:
			s.class, s.word = "ending", "still serving"
		case evidence.RouteEnding:
			s.class, s.word = "unready", "not serving"
		case evidence.RouteGone:
			s = unknown.on(m.At)
		}
		out = append(out, s)
	}
	return out
}

// bar draws states up to a time, or to the end of the axis.
func (d *Drawing) bar(a axis, y int, what string, ss []state, until time.Time) {
	for i, s := range ss {
		if s.class == "" {
			continue
		}
		end := until
		if i+1 < len(ss) {
			end = ss[i+1].at
		}
		if end.IsZero() {
			end = a.to
		}
		if a.at(end) <= a.at(s.at) {
			continue
		}
		d.box(a.at(s.at), a.at(end), y, barHeight, s.class, s.word,
			fmt.Sprintf("%s: %s from %s to %s", what, s.word, a.since(s.at), a.since(end)))
		d.keyOf(s)
	}
}

func (d *Drawing) keyOf(s state) {
	switch s.class {
	case "ready":
		d.key("ready", "Ready, or its endpoint is")
	case "start":
		d.key("start", "starting")
	case "unready":
		d.key("unready", "not Ready, or not serving")
	case "ending":
		d.key("ending", "terminating")
	}
}

// failedProbes draws a mark for each of the kubelet's events that a probe failed. They have whole seconds,
// and one event stands for many; it is drawn where it was last seen.
func (d *Drawing) failedProbes(a axis, y int, events []evidence.Event) (n int) {
	for _, e := range events {
		if e.Reason != "Unhealthy" || e.At.Before(a.from) || e.At.After(a.to) {
			continue
		}
		n += max(1, int(e.Count))
		d.Lines = append(d.Lines, Line{X: a.at(e.At), Y1: y, Y2: y + 6, Class: "probe"})
		d.key("probe", "a probe failed (event, to the second)")
	}
	return n
}

// tracks are the pods that leave, in the order in which they do, and then those that come.
func tracks(pods []evidence.Pod, routes []evidence.Mark) []track {
	by := map[string]*track{}
	var names []string
	add := func(name string) *track {
		if by[name] == nil {
			by[name] = &track{name: name}
			names = append(names, name)
		}
		return by[name]
	}
	for _, p := range pods {
		t := add(p.Name)
		t.marks, t.events = p.Timeline, p.Events
	}
	for _, m := range routes {
		service, pod, ok := strings.Cut(m.Object, ", pod ")
		if m.Kind != evidence.MarkEndpoint || !ok {
			continue
		}
		t := add(pod)
		if len(t.routes) > 0 && !strings.HasPrefix(t.routes[0].Object, service+",") {
			continue // of another Service
		}
		t.routes = append(t.routes, m)
	}
	var out []track
	for _, n := range names {
		out = append(out, *by[n])
	}
	slices.SortStableFunc(out, func(a, b track) int {
		x, y := a.deleted(), b.deleted()
		switch {
		case x.IsZero() && y.IsZero():
			return 0
		case x.IsZero():
			return 1
		case y.IsZero():
			return -1
		}
		return x.Compare(y)
	})
	return out
}
