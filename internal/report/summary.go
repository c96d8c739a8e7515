package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"podproof.dev/podproof/internal/check"
)

// summary repeats, at the end of a long report, each promise that does not hold in a line: what
// matters must not be looked for among what is well.
func (p *page) summary(r Report, folded []folding) {
	asked := len(r.Verdicts) - len(r.with(check.Skipped))
	broken := r.with(check.Fail)
	// What is folded stands right above.
	open := slices.DeleteFunc(r.with(check.Inconclusive), func(v Verdict) bool { return isFolded(folded, v.ID) })
	// One alone stands near the end by itself, where those that hold are counted.
	if len(broken)+len(open) == 0 || asked < shortReport || len(broken)+len(open) == 1 && !p.Verbose {
		return
	}
	p.summarize(red, "broken", broken, broken, asked)
	p.summarize(yellow, "undecided", open, broken, asked)
}

const (
	// shortReport is how many promises still fit on a screen.
	shortReport = 8
	// summaryText is how much of what was seen is repeated.
	summaryText = 100
)

func (p *page) summarize(color paint, what string, vs, broken []Verdict, asked int) {
	if len(vs) == 0 {
		return
	}
	verb := "is"
	if len(vs) > 1 {
		verb = "are"
	}
	p.line(0, color, fmt.Sprintf("%d of %d promises %s %s; see above:", len(vs), asked, verb, what))
	for i, v := range vs {
		if i == maxFindings && !p.Verbose {
			p.line(2, plain, fmt.Sprintf("and %d more", len(vs)-i))
			return
		}
		text := v.ID + ": " + short(v.Seen)
		if first := cause(v, broken); first != "" {
			text += "; fix " + first + " first"
		}
		p.line(2, plain, text)
	}
}

// cause is another promise that is broken, and that this one's fix names.
func cause(v Verdict, broken []Verdict) string {
	for _, b := range broken {
		if b.ID != v.ID && strings.Contains(v.Fix, b.ID) {
			return b.ID
		}
	}
	return ""
}

func short(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if utf8.RuneCountInString(s) > summaryText {
		return string([]rune(s)[:summaryText]) + "…"
	}
	return s
}
