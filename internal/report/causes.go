package report

import (
	"slices"
	"strings"
)

// causesFirst puts promises that are broken for another one behind it: it is what their fix names, and with
// it they are mended, too.
func causesFirst(broken []Verdict) []Verdict {
	cause := func(b Verdict) bool {
		return slices.ContainsFunc(broken, func(v Verdict) bool { return v.ID != b.ID && strings.Contains(v.Fix, b.ID) })
	}
	out := slices.Clone(broken)
	slices.SortStableFunc(out, func(a, b Verdict) int {
		switch {
		case cause(a) == cause(b):
			return 0
		case cause(a):
			return -1
		}
		return 1
	})
	return out
}
