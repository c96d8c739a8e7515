package check

import (
	"slices"

	"podproof.dev/podproof/internal/evidence"
)

// pace is how long a stream's answers took, in the middle of them.
type pace struct {
	n, failed int
	seconds   float64
}

// typical are a stream's answers before the database was slow, and meanwhile.
func typical(o evidence.Outage, stream string) (before, meanwhile pace) {
	var a, b []float64
	for _, r := range o.Requests {
		switch {
		case r.Stream != stream || r.Start.After(o.Healed):
		case r.Ended().Before(o.Began):
			a = append(a, r.End)
		case r.Start.Before(latest(o.Began, o.Away)):
		default:
			b = append(b, r.End)
			if r.Failure != "" || r.Status >= 400 {
				meanwhile.failed++
			}
		}
	}
	slices.Sort(a)
	slices.Sort(b)
	before.n, meanwhile.n = len(a), len(b)
	if before.n > 0 {
		before.seconds = a[before.n/2]
	}
	if meanwhile.n > 0 {
		meanwhile.seconds = b[meanwhile.n/2]
	}
	return before, meanwhile
}
