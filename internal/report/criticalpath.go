package report

import (
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report/drawing"
)

// criticalPath is the chain of steps that the run took its time for, in words.
func criticalPath(steps []evidence.Step) []string {
	var out []string
	for _, s := range drawing.CriticalPath(steps) {
		out = append(out, s.Name+" "+seconds(s.Seconds))
	}
	return out
}
