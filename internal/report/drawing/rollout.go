package drawing

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

// rolloutWords say what was done.
var rolloutWords = map[string]string{
	evidence.RolloutRestart:   "Rollout restart",
	evidence.RolloutEviction:  "Eviction, as when a node is drained",
	evidence.RolloutScaleDown: "Scale down to one replica",
}

// rollouts draw each rollout: the pods that leave and come, their endpoints, and every request.
func rollouts(e evidence.Evidence) []Drawing {
	var out []Drawing
	for _, r := range e.Rollouts {
		if len(r.Requests) > 0 && !r.Began.IsZero() {
			out = append(out, rollout(r, newcomers(e, r)))
		}
	}
	return out
}

// newcomers are the pods that a rollout made, where the run saw them at its end.
func newcomers(e evidence.Evidence, r evidence.Rollout) []evidence.Pod {
	pods := append([]evidence.Pod{}, r.Ended...)
	known := map[string]bool{}
	for _, p := range pods {
		known[p.Name] = true
	}
	if e.Final == nil {
		return pods
	}
	end := r.Began.Add(time.Duration(r.Seconds * float64(time.Second)))
	for _, p := range e.Final.Pods {
		if known[p.Name] || len(p.Timeline) == 0 {
			continue
		}
		if first := p.Timeline[0].At; first.After(r.Began) && first.Before(end) {
			t := p
			t.Timeline = until(p.Timeline, end)
			pods = append(pods, t)
		}
	}
	return pods
}

// until are the marks up to a time: what became of a pod later is another picture's.
func until(marks []evidence.Mark, end time.Time) []evidence.Mark {
	for i, m := range marks {
		if m.At.After(end) {
			return marks[:i]
		}
	}
	return marks
}

func rollout(r evidence.Rollout, pods []evidence.Pod) Drawing {
	title := rolloutWords[r.Kind]
	if title == "" {
		title = r.Kind
	}
	if r.PreStopSleep > 0 {
		title += fmt.Sprintf(", tried again with a preStop sleep of %d s", r.PreStopSleep)
	}
	d := Drawing{Section: evidence.SectionRollouts, Kind: r.Kind, Title: title}
	bad := map[key]bool{}
	for _, q := range check.Lost(r) {
		bad[keyOf(q)] = true
	}
	how := func(q evidence.Request) fare {
		if bad[keyOf(q)] {
			return lost
		}
		return answered
	}
	end := r.Began.Add(time.Duration(r.Seconds * float64(time.Second)))
	for _, q := range r.Requests {
		if q.Start.After(end) {
			end = q.Start
		}
	}
	a := axisOf(r.Began, end, 500*time.Millisecond)
	all := tallied(r.Requests, how)
	d.Bad = all.by[lost] > 0 && r.PreStopSleep == 0
	d.tell("%s of %s, %s long, under load: %s", title, plural(int(r.Replicas), "pod"), seconds(r.Seconds), lostWords(all))
	y := 0
	for _, t := range tracks(pods, r.Endpoints) {
		y = d.leaving(a, y, t)
	}
	for _, s := range []struct{ name, long, short string }{
		{evidence.StreamKept, "Requests over kept connections", "Kept connections"},
		{evidence.StreamNew, "Requests over new connections", "New connections"},
	} {
		rs := over(r.Requests, s.name)
		if len(rs) == 0 {
			continue
		}
		t := tallied(rs, how)
		d.caption(y+11, s.long+": "+lostWords(t), s.short+": "+lostWords(t))
		if t.by[lost] > 0 {
			d.tell("%s: %s, sent %s", s.long, lostWords(t), t.spanning(a))
		}
		y = d.strip(a, y+capHeight, rs, how) + laneGap
	}
	d.key("ok", "requests that were answered as before")
	if all.by[lost] > 0 {
		d.key("bad", "lost requests; below, a mark for each")
	}
	d.Height = y
	d.scale(a, 0)
	return d
}

// leaving draws one pod and its endpoint. Of one that leaves, the time from the request for its deletion
// to the end of its endpoint goes through all the lanes below: there requests are lost.
func (d *Drawing) leaving(a axis, y int, t track) int {
	del, gone := t.deleted(), when(t.routes, evidence.MarkEndpoint, "", evidence.RouteGone)
	what := "a pod that stays"
	switch {
	case !del.IsZero():
		what = "a pod that leaves"
	case len(t.routes) > 0 && t.routes[0].Value == evidence.RouteNotReady, len(t.marks) > 0 && t.marks[0].At.After(a.zero):
		what = "a new pod"
	}
	d.caption(y+11, "Pod "+t.name+", "+what, "Pod "+shortName(t.name)+", "+what)
	y += capHeight
	top := y
	if states := t.states(); len(states) > 0 {
		d.bar(a, y, "pod "+shortName(t.name), states, time.Time{})
		y += barHeight + 2
	}
	if states := t.endpoint(a.from); len(states) > 0 {
		d.bar(a, y, "endpoint of "+shortName(t.name), states, time.Time{})
		y += barHeight + 2
	}
	d.failedProbes(a, y, t.events)
	if del.IsZero() {
		return y + laneGap
	}
	x1 := a.at(del)
	d.label(x1, y+11, "at", "deletion requested, "+a.since(del))
	d.Lines = append(d.Lines, Line{X: x1, Y1: top, Y2: bottomless, Class: "edge"})
	words := "Pod " + shortName(t.name) + ": deletion requested at " + a.since(del)
	if end := t.ended(); !end.IsZero() {
		words += ", container ended at " + a.since(end)
	}
	if !gone.IsZero() {
		x2 := a.at(gone)
		y += 13
		d.label(x2, y+11, "at", "no endpoint any more, "+a.since(gone))
		d.Lines = append(d.Lines, Line{X: x2, Y1: top, Y2: bottomless, Class: "edge"})
		d.Rects = append(d.Rects, Rect{X: x1, W: x2 - x1, Y: top, H: bottomless, Class: "band"})
		d.key("band", "from the request for a pod's deletion to no endpoint any more")
		words += ", no endpoint any more at " + a.since(gone)
	}
	d.tell("%s", words)
	return y + 13 + laneGap
}

// bottomless is cut to the height of the picture when that is known.
const bottomless = 1 << 20

// key tells requests apart.
type key struct {
	stream string
	start  time.Time
	end    float64
}

func keyOf(q evidence.Request) key { return key{q.Stream, q.Start, q.End} }

// over are the requests over kept, or over new connections: one of the kept whose connection the server
// had closed made a new one.
func over(rs []evidence.Request, stream string) []evidence.Request {
	var out []evidence.Request
	for _, q := range rs {
		s := q.Stream
		if s == evidence.StreamKept && !q.Reused {
			s = evidence.StreamNew
		}
		if s == stream {
			out = append(out, q)
		}
	}
	return out
}

func lostWords(t tally) string {
	if t.by[lost] == 0 {
		return plural(t.n, "request") + ", none lost"
	}
	return fmt.Sprintf("%d of %s lost", t.by[lost], plural(t.n, "request"))
}
