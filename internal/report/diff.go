package report

import (
	"slices"

	"podproof.dev/podproof/internal/check"
)

// Diff is what two runs' reports tell apart: A is the one before, B the one after.
type Diff struct {
	A, B    Report
	Changes []Change // of verdicts, those that matter most first
	Numbers []Number
	// Busier is why the times of the two cannot be compared; empty where they can.
	Busier string
	// Untried are the promises that one of the two alone tried, and what that came to.
	Untried []Change
}

// A Turn is what became of a promise.
type Turn string

// The turns, in the order in which they are told.
const (
	BrokenNow    Turn = "broken now"
	WorseStill   Turn = "broken still, in more places"
	UndecidedNow Turn = "undecided now"
	WaivedNow    Turn = "waived now"
	KeptNow      Turn = "kept now"
	BetterStill  Turn = "broken still, in fewer places"
	NoLonger     Turn = "not seen broken now, and undecided"
)

var turns = []Turn{BrokenNow, WorseStill, UndecidedNow, WaivedNow, NoLonger, BetterStill, KeptNow}

// Worse tells whether a turn is for the worse. A waiver that takes the place of a promise that was kept is
// that, too: it holds no longer, whoever accepts it.
func (c Change) Worse() bool {
	switch c.Turn {
	case BrokenNow, WorseStill:
		return true
	case UndecidedNow, WaivedNow:
		return c.Before.Verdict == check.Pass
	}
	return false
}

// Change is one promise of which the two reports tell different things.
type Change struct {
	Turn          Turn
	Before, After Verdict
	// New and Gone are findings of one of the two alone, where each finding breaks the promise by itself.
	New, Gone []check.Finding
}

// Compare finds out what got better and what worse from a to b.
func Compare(a, b Report) Diff {
	d := Diff{A: a, B: b, Busier: busier(a.observed, b.observed)}
	for _, after := range b.Verdicts {
		i := slices.IndexFunc(a.Verdicts, func(v Verdict) bool { return v.ID == after.ID })
		if i < 0 {
			continue
		}
		c := Change{Before: a.Verdicts[i], After: after}
		was, is := c.Before.Verdict, after.Verdict
		switch {
		case was == check.Skipped && is == check.Skipped:
		case was == check.Skipped || is == check.Skipped:
			d.Untried = append(d.Untried, c)
		default:
			if c.turn(); c.Turn != "" {
				d.Changes = append(d.Changes, c)
			}
		}
	}
	slices.SortStableFunc(d.Changes, func(x, y Change) int { return slices.Index(turns, x.Turn) - slices.Index(turns, y.Turn) })
	d.Numbers = numbers(a.observed, b.observed, d.Busier != "", len(d.Untried) == 0)
	return d
}

// turn compares the two verdicts.
func (c *Change) turn() {
	was, is := c.Before.Verdict, c.After.Verdict
	if was == is {
		if is == check.Fail && c.After.byPlace {
			c.New, c.Gone = lacking(c.After, c.Before), lacking(c.Before, c.After)
			switch {
			case len(c.New) > 0:
				c.Turn = WorseStill
			case len(c.Gone) > 0:
				c.Turn = BetterStill
			}
		}
		return
	}
	switch is {
	case check.Fail:
		c.Turn = BrokenNow
	case check.Pass:
		c.Turn = KeptNow
	case check.Waived:
		c.Turn = WaivedNow
	case check.Inconclusive:
		if c.Turn = UndecidedNow; was == check.Fail {
			c.Turn = NoLonger
		}
	}
}

// lacking are the findings of x that y does not have, by their fingerprints, which stay the same while
// lines and layers move.
func lacking(x, y Verdict) []check.Finding {
	var out []check.Finding
	for _, f := range x.Findings {
		if f.Fingerprint != "" && !slices.ContainsFunc(y.Findings, func(g check.Finding) bool { return g.Fingerprint == f.Fingerprint }) {
			out = append(out, f)
		}
	}
	return out
}

// Worse tells whether anything got worse.
func (d Diff) Worse() bool {
	return slices.ContainsFunc(d.Changes, Change.Worse) || slices.ContainsFunc(d.Numbers, func(n Number) bool { return n.Trend == Worse })
}
