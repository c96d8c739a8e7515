package drawing

import (
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// outageWords say how a dependency was away.
var outageWords = map[string]string{
	evidence.OutageRefused:      "nobody listens",
	evidence.OutageFrozen:       "it accepts connections and never answers",
	evidence.OutageRestarted:    "it is restarted",
	evidence.OutageDisconnected: "it ends all connections, and goes on",
	evidence.OutageSlow200ms:    "each round trip takes 200 ms longer",
	evidence.OutageSlow2s:       "each round trip takes 2 s longer",
}

// outages draw each time that a dependency was away from a pod, or slow.
func outages(e evidence.Evidence) []Drawing {
	var out []Drawing
	for _, t := range e.Taken() {
		for _, o := range []struct {
			*evidence.Outages
			evidence.Section
		}{{t.Outages, evidence.SectionOutages}, {t.Slow, evidence.SectionSlow}} {
			if o.Outages == nil {
				continue
			}
			for _, one := range o.Trials {
				if one.Began.IsZero() || len(one.Requests) == 0 {
					continue
				}
				pod := o.Pod
				if one.Pod != nil {
					pod = *one.Pod
				}
				d := outage(o.Dependency, one, pod)
				d.Section = o.Section
				out = append(out, d)
			}
		}
	}
	return out
}

func outage(dependency string, o evidence.Outage, pod evidence.Pod) Drawing {
	words := outageWords[o.Kind]
	if words == "" {
		words = o.Kind
	}
	d := Drawing{Kind: o.Kind, Title: dependency + " away: " + words}
	away, end := o.Began, o.Healed
	if !o.Away.IsZero() {
		away = o.Away
	}
	for _, t := range []time.Time{o.Ready, o.Reconnected} {
		if t.After(end) {
			end = t
		}
	}
	for _, q := range o.Requests {
		if q.Start.After(end) {
			end = q.Start
		}
	}
	a := axisOf(o.Began, end, time.Second)
	d.tell("%s, for %s", d.Title, seconds(o.Healed.Sub(away).Seconds()))
	d.caption(11, "Pod "+pod.Name, "Pod "+shortName(pod.Name))
	t := track{name: pod.Name, marks: pod.Timeline}
	d.bar(a, capHeight, "pod "+shortName(pod.Name), t.states(), time.Time{})
	y := capHeight + barHeight + 2
	d.failedProbes(a, y, pod.Events)
	x1, x2 := a.at(away), a.at(o.Healed)
	d.label(x1, y+11, "at", "away, "+a.since(away))
	d.label(x2, y+24, "at", "given back, "+a.since(o.Healed))
	d.Rects = append(d.Rects, Rect{X: x1, W: max(0.2, x2-x1), Y: 0, H: bottomless, Class: "band"})
	d.Lines = append(d.Lines, Line{X: x1, Y1: 0, Y2: bottomless, Class: "edge"}, Line{X: x2, Y1: 0, Y2: bottomless, Class: "edge"})
	d.key("band", "the dependency is away")
	y += 26 + laneGap
	for _, s := range []struct{ name, what string }{
		{evidence.StreamHealth, "Health route"},
		{evidence.StreamReady, "Readiness route"},
		{evidence.StreamQuery, "Query, which the dependency has to answer"},
	} {
		var rs []evidence.Request
		for _, q := range o.Requests {
			if q.Stream == s.name && a.holds(q.Start) {
				rs = append(rs, q)
			}
		}
		if len(rs) == 0 {
			continue
		}
		t := tallied(rs, plainly)
		d.caption(y+11, s.what+": "+fareWords(t), s.name+": "+fareWords(t))
		d.tell("%s: %s", s.what, fareWords(t))
		y = d.strip(a, y+capHeight, rs, plainly) + laneGap
		d.fares(t)
	}
	if !o.Unready.IsZero() {
		d.tell("The pod was not Ready from %s", a.since(o.Unready))
	}
	if !o.Ready.IsZero() {
		d.tell("It was Ready again at %s", a.since(o.Ready))
	}
	d.Height = y
	d.scale(a, 0)
	return d
}

// plainly is how a request fared, whatever was to be expected.
func plainly(q evidence.Request) fare {
	switch {
	case q.Failure != "" || q.Status <= 0:
		return lost
	case q.Status >= 500:
		return errorCode
	}
	return answered
}

func fareWords(t tally) string {
	s := plural(t.n, "request")
	if n := t.by[errorCode]; n > 0 {
		s += ", " + plural(n, "error answer")
	}
	if n := t.by[lost] + t.by[noAnswer]; n > 0 {
		s += ", " + plural(n, "time") + " no answer"
	}
	return s
}

// fares explains the colours of the requests that there are.
func (d *Drawing) fares(t tally) {
	if t.by[answered] > 0 {
		d.key("ok", "requests that were answered")
	}
	if t.by[errorCode] > 0 {
		d.key("warn", "answered with an error (5xx)")
	}
	if t.by[lost] > 0 {
		d.key("bad", "no answer; below, a mark for each")
	}
	if t.by[noAnswer] > 0 {
		d.key("none", "no answer after the deletion")
	}
}
