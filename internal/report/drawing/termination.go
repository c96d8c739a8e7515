package drawing

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// terminations draw the pods that were deleted one by one.
func terminations(e evidence.Evidence) []Drawing {
	var out []Drawing
	for _, t := range []struct {
		*evidence.Termination
		section evidence.Section
		title   string
	}{
		{e.Termination, evidence.SectionTermination, "A pod is deleted while it is idle"},
		{e.EarlyTermination, evidence.SectionEarlyTermination, "A pod is deleted before it is Ready"},
		{e.InFlight, evidence.SectionInFlight, "A pod is deleted with requests under way"},
	} {
		if t.Termination != nil && !t.Deleted.IsZero() {
			out = append(out, termination(*t.Termination, t.section, t.title))
		}
	}
	for _, t := range e.Taken() {
		if t.Termination != nil && !t.Termination.Deleted.IsZero() {
			out = append(out, termination(*t.Termination, evidence.SectionOutageTermination, "A pod is deleted while "+dependencyOf(t)+" never answers"))
		}
	}
	return out
}

func dependencyOf(t evidence.Taken) string {
	if t.Dependency == "" {
		return "its dependency"
	}
	return t.Dependency
}

func termination(t evidence.Termination, section evidence.Section, title string) Drawing {
	d := Drawing{Section: section, Title: title}
	after := func(s float64) time.Time { return t.Deleted.Add(time.Duration(s * float64(time.Second))) }
	exit := after(t.Seconds)
	end := exit.Add(time.Second)
	asked := slices.DeleteFunc(slices.Clone(t.Requests), func(q evidence.Request) bool { return q.Start.After(exit.Add(2 * time.Second)) })
	for _, q := range asked {
		if e := q.Ended(); e.After(end) && e.Before(exit.Add(3*time.Second)) {
			end = e
		}
	}
	a := axisOf(t.Deleted, end, 2*time.Second)
	how := fmt.Sprintf("its process had not ended after %s", seconds(t.Seconds))
	if t.Exited && t.Last != nil {
		how = fmt.Sprintf("exit code %d after %s of the %d s that are granted", t.Last.ExitCode, seconds(t.Seconds), t.GraceSeconds)
	}
	d.tell("%s: %s", title, how)
	d.caption(11, "Pod "+t.Pod.Name+": "+how, how)
	pod := track{name: t.Pod.Name, marks: t.Pod.Timeline}
	d.bar(a, capHeight, "pod "+shortName(t.Pod.Name), around(pod.states(), t, exit), time.Time{})
	y := capHeight + barHeight + 2
	d.failedProbes(a, y, t.Pod.Events)
	for _, m := range []struct {
		at   time.Time
		what string
	}{{t.Deleted, "deletion requested"}, {t.Signalled, t.StopSignal + " sent"}, {t.Released, "rest of the bodies sent"}, {exit, "process ended"}} {
		if m.at.IsZero() || m.at.Equal(exit) && !t.Exited {
			continue
		}
		x := a.at(m.at)
		d.label(x, y+11, "at", m.what+", "+a.since(m.at))
		d.Lines = append(d.Lines, Line{X: x, Y1: capHeight, Y2: bottomless, Class: "edge"})
		d.tell("%s at %s", m.what, a.since(m.at))
		y += 13
	}
	y += laneGap
	y = d.held(a, y, asked)
	for _, s := range []struct{ name, what, short string }{
		{evidence.StreamKept, "Kept connections", "Kept"},
		{evidence.StreamNew, "New connections", "New"},
		{evidence.StreamHealth, "Health route", "Health"},
		{evidence.StreamReady, "Readiness route", "Readiness"},
		{evidence.StreamQuery, "Query, which the dependency has to answer", "Query"},
	} {
		var rs []evidence.Request
		for _, q := range over(asked, s.name) {
			if a.holds(q.Start) {
				rs = append(rs, q)
			}
		}
		if len(rs) == 0 {
			continue
		}
		how := func(q evidence.Request) fare {
			if f := plainly(q); f != lost || q.Start.Before(t.Deleted) {
				return f
			}
			return noAnswer // the checks know which of them should have had one
		}
		tl := tallied(rs, how)
		d.caption(y+11, s.what+": "+fareWords(tl), s.short+": "+fareWords(tl))
		d.tell("%s: %s", s.what, fareWords(tl))
		y = d.strip(a, y+capHeight, rs, how) + laneGap
		d.fares(tl)
	}
	d.Height = y
	d.scale(a, 0)
	return d
}

// around has a pod's bar change where its deletion was asked for, and end where its process did, by whoever
// knows that best: a watch is late.
func around(ss []state, t evidence.Termination, exit time.Time) []state {
	var out []state
	for _, s := range ss {
		if s.at.Before(t.Deleted) && s.class != "" {
			out = append(out, s)
		}
	}
	out = append(out, ending.on(t.Deleted))
	if t.Exited {
		out = append(out, unknown.on(exit))
	}
	return out
}

// held draws each request of which half of the body was held back, from its beginning to its end.
func (d *Drawing) held(a axis, y int, rs []evidence.Request) int {
	n, whole := 0, 0
	top := y + capHeight
	for _, q := range rs {
		if q.Stream != evidence.StreamSlow {
			continue
		}
		n++
		class := string(plainly(q))
		if class == string(answered) {
			whole++
		}
		x1, x2 := a.at(q.Start), a.at(q.Ended())
		d.Rects = append(d.Rects, Rect{X: x1, W: max(0.4, x2-x1), Y: top, H: 6, Class: class, Title: fmt.Sprintf("from %s to %s: %s", a.since(q.Start), a.since(q.Ended()), fates[fare(class)])})
		top += 9
	}
	if n == 0 {
		return y
	}
	s := fmt.Sprintf("Requests under way, half of the body held back: %d of %d answered whole", whole, n)
	d.caption(y+11, s, fmt.Sprintf("Under way: %d of %d answered", whole, n))
	d.tell("%s", s)
	d.key("ok", "requests that were answered")
	if whole < n {
		d.key("bad", "no whole answer")
	}
	return top + laneGap
}

var fates = map[fare]string{answered: "answered", errorCode: "answered with an error", lost: "no whole answer"}
