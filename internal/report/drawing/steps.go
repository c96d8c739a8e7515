package drawing

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// CriticalPath is the chain of steps that a run took its time for: the step that ended last, before it the
// one of those it waited for that ended last, and so on.
func CriticalPath(steps []evidence.Step) []evidence.Step {
	by := map[string]evidence.Step{}
	var last evidence.Step
	latest := func(a, b evidence.Step) evidence.Step {
		if b.Started+b.Seconds > a.Started+a.Seconds {
			return b
		}
		return a
	}
	for _, s := range steps {
		by[s.Name] = s
		last = latest(last, s)
	}
	var out []evidence.Step
	for s, more := last, len(steps) > 0; more; {
		out = append(out, s)
		delete(by, s.Name) // a file that was changed by hand may lead in a circle
		var before evidence.Step
		more = false
		for _, a := range s.After {
			if x, ok := by[a]; ok {
				before, more = latest(before, x), true
			}
		}
		s = before
	}
	slices.Reverse(out)
	return out
}

// steps draw what the run did when, and how busy the machine was meanwhile.
func steps(e evidence.Evidence) []Drawing {
	if len(e.Steps) == 0 {
		return nil
	}
	zero := e.Run.Started
	at := func(s float64) time.Time { return zero.Add(time.Duration(s * float64(time.Second))) }
	end := e.Run.Finished
	for _, s := range e.Steps {
		if t := at(s.Started + s.Seconds); t.After(end) {
			end = t
		}
	}
	a := axisOf(zero, end, 0)
	d := Drawing{Title: "Steps"}
	critical := map[string]bool{}
	var path string
	for i, s := range CriticalPath(e.Steps) {
		critical[s.Name] = true
		if i > 0 {
			path += ", "
		}
		path += s.Name + " " + seconds(s.Seconds)
	}
	d.tell("%s in %s. The critical path: %s", plural(len(e.Steps), "step"), seconds(end.Sub(zero).Seconds()), path)
	y := 0
	for _, s := range e.Steps {
		from, to := a.at(at(s.Started)), a.at(at(s.Started+s.Seconds))
		class, words := "step", s.Name+", "+seconds(s.Seconds)
		if critical[s.Name] {
			class = "critical"
		}
		if s.Error != "" {
			class = "bad"
			d.key("bad", "it failed, or was not possible")
		}
		x := from
		if from > 55 {
			x = to
		}
		d.label(x, y+11, "at", words)
		d.Rects = append(d.Rects, Rect{X: from, W: max(0.3, to-from), Y: y + 14, H: 7, Class: class,
			Title: fmt.Sprintf("%s: from %s to %s %s", s.Name, a.since(at(s.Started)), a.since(at(s.Started+s.Seconds)), s.Error)})
		y += 25
	}
	d.key("critical", "on the critical path: what the run took its time for")
	d.key("step", "beside it")
	y = d.pressure(a, y+4, e.Pressure)
	d.Height = y
	d.scale(a, 0)
	return []Drawing{d}
}

// pressure draws for each second the share in which some process waited for a CPU.
func (d *Drawing) pressure(a axis, y int, ps []evidence.Pressure) int {
	if len(ps) == 0 {
		return y
	}
	var sum float64
	for _, p := range ps {
		h := int(p.Waiting*stripHeight + 0.5)
		sum += p.Waiting
		if h == 0 {
			continue
		}
		x := a.at(p.At.Add(-time.Second))
		d.Rects = append(d.Rects, Rect{X: x, W: max(0.2, a.at(p.At)-x), Y: y + capHeight + stripHeight - h, H: h, Class: "load"})
	}
	words := fmt.Sprintf("Processes waited for a CPU %.0f %% of the time", 100*sum/float64(len(ps)))
	d.caption(y+11, words+", second by second", words)
	d.tell("%s", words)
	d.Rects = append(d.Rects, Rect{W: 100, Y: y + capHeight + stripHeight, H: 1, Class: "base"})
	d.key("load", "how much of each second some process waited for a CPU")
	return y + capHeight + stripHeight + laneGap
}
