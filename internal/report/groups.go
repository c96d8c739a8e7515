package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// group tells verdicts under a title.
func (p *page) group(title string, vs []Verdict) {
	if len(vs) > 0 {
		p.line(0, bold, title)
	}
	for _, v := range vs {
		p.verdict(v)
	}
}

// held counts the promises that hold, by their stories.
func (p *page) held(vs []Verdict) {
	if len(vs) == 0 {
		return
	}
	var parts []string
	for _, g := range byStory(vs) {
		parts = append(parts, fmt.Sprintf("%s %d", groupName(g[0].Story), len(g)))
	}
	p.line(0, green, promises(len(vs), "holds", "hold")+": "+strings.Join(parts, ", ")+" (-v tells each)")
}

// quiet tells what does not hold, each in a line, and nothing of a run in which all do.
func (p *page) quiet(r Report) {
	for _, v := range slices.Concat(r.with(check.Fail), r.with(check.Inconclusive)) {
		color, word := red, "FAIL "
		if v.Verdict == check.Inconclusive {
			color, word = yellow, "INCONCLUSIVE "
		}
		p.line(0, color, word+v.ID+": "+short(v.Seen))
	}
	if r.Result != check.Pass {
		text, color := r.lastLine()
		fmt.Fprintf(&p.out, "%s%s\n", p.prefix(), p.paint(color, text))
	}
}

// groupNames are what a person calls the stories.
var groupNames = map[string]string{check.Reliable.ID: "Reliable", check.Minimal.ID: "Secure", check.Reproducible.ID: "Reproducible"}

func groupName(s Story) string { return cmp.Or(groupNames[s.ID], s.ID) }

// groupTitle is the name, and the ID by which a team plans.
func groupTitle(s Story) string {
	if groupName(s) == s.ID {
		return s.ID + " " + s.Title
	}
	return groupName(s) + " (" + s.ID + ")"
}
