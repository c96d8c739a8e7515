package report

import (
	"slices"

	"podproof.dev/podproof/internal/evidence"
)

// criticalPath is the chain of steps that the run took its time for: the step that ended
// last, before it the one of those it waited for that ended last, and so on.
func criticalPath(steps []evidence.Step) []string {
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
	var out []string
	for s, more := last, len(steps) > 0; more; {
		out = append(out, s.Name+" "+seconds(s.Seconds))
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
