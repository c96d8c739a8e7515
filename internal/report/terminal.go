package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"podproof.dev/podproof/internal/check"
)

// WriteTerminal writes the report for a person: one line for a promise that holds, what was
// promised, seen and is to be done for one that does not, and the result as the last line. Where one
// does not, it comes first, and those that hold are counted. What was seen is told once: the last line
// has the names alone.
func WriteTerminal(w io.Writer, r Report, c Console) error {
	p := &page{Console: c, home: r.home}
	broken, open := causesFirst(r.with(check.Fail)), r.with(check.Inconclusive)
	folded := fold(open)
	if text := r.answeredText(); text != "" {
		p.line(0, bold, text)
	}
	if c.Quiet {
		p.quiet(r)
		_, err := w.Write(p.out.Bytes())
		return err
	}
	if r.among != "" {
		p.line(0, bold, "Contract "+r.among)
	}
	p.line(0, plain, r.heading())
	title := "Broken"
	if r.Incomplete != "" {
		title = "Broken already"
	}
	p.group(title, broken)
	p.group("Undecided", slices.DeleteFunc(slices.Clone(open), func(v Verdict) bool { return isFolded(folded, v.ID) }))
	for _, f := range folded {
		p.foldedBlock(f)
	}
	rest := slices.DeleteFunc(slices.Clone(r.Verdicts), func(v Verdict) bool {
		return v.Verdict == check.Fail || v.Verdict == check.Inconclusive || v.Verdict == check.Skipped
	})
	if len(broken)+len(open) > 0 && !c.Verbose {
		p.group("Waived", r.with(check.Waived))
		p.held(r.with(check.Pass))
		rest = nil
	}
	for _, vs := range byStory(rest) {
		p.group(groupTitle(vs[0].Story), vs)
	}
	p.skipped(r.with(check.Skipped))
	for _, w := range r.IdleWaivers {
		p.line(0, yellow, "Waiver: "+w)
	}
	if c.Verbose {
		p.steps(r)
	}
	text, color := r.lastLine()
	fmt.Fprintf(&p.out, "%s%s\n", p.prefix(), c.paint(color, text))
	_, err := w.Write(p.out.Bytes())
	return err
}

func (r Report) heading() string {
	s := r.Subject
	text := s.Image
	if text == "" {
		text = "no image"
	}
	if s.Digest != "" {
		text += " (" + shortDigest(s.Digest) + ")"
	}
	if s.Kubernetes != "" {
		text += ", on Kubernetes " + s.Kubernetes
	}
	if s.Cluster != "" {
		text += " (" + s.Cluster + ")"
	}
	took := r.Run.Finished.Sub(r.Run.Started)
	if r.Incomplete != "" {
		asked := len(r.Verdicts) - len(r.with(check.Skipped))
		return fmt.Sprintf("%s, stopped after %s by %s: %d of %s decided", text, seconds(took.Seconds()), r.Incomplete,
			asked-len(r.undecided()), promises(asked, "was", "were"))
	}
	if took > 0 {
		text += ", in " + seconds(took.Seconds())
	}
	return text
}

// undecided are the verdicts on promises that nothing was decided about, waived or not.
func (r Report) undecided() []Verdict {
	return slices.DeleteFunc(slices.Clone(r.Verdicts), func(v Verdict) bool { return v.Verdict != check.Inconclusive && !v.Undecided })
}

// shortDigest shows as much of a digest as the docker command does.
func shortDigest(d string) string {
	algorithm, hex, found := strings.Cut(d, ":")
	if !found || len(hex) <= 12 {
		return d
	}
	return algorithm + ":" + hex[:12]
}

type page struct {
	Console
	out  bytes.Buffer
	home Home // of the files that places are in
	// drawn are the timelines that are on the page, with the check that each stands under.
	drawn map[string]string
}

// line writes text under the prefix, wrapped, with the same indent on each line.
func (p *page) line(indent int, color paint, text string) {
	p.labelled(indent, "", color, text)
}

// labelled writes a label and, beside it, text in a column of its own.
func (p *page) labelled(indent int, label string, color paint, text string) {
	lead := strings.Repeat(" ", indent)
	column := len(p.prefix()) + indent + utf8.RuneCountInString(label)
	if p.Width > 0 && p.Width-column < minText && strings.TrimSpace(label) != "" && utf8.RuneCountInString(label) > 2 {
		// In a narrow window the label stands above its text.
		p.line(indent, dim, strings.TrimSpace(label))
		label, indent = "", indent+2
		lead = strings.Repeat(" ", indent)
		column = len(p.prefix()) + indent
	}
	width := 0
	if p.Width > 0 {
		width = max(p.Width-column, minText)
	}
	for i, l := range wrap(Clean(text), width) {
		if i > 0 {
			label = strings.Repeat(" ", utf8.RuneCountInString(label))
		}
		s := p.prefix() + lead + p.paint(dim, label) + p.paint(color, l)
		p.out.WriteString(strings.TrimRight(s, " ") + "\n")
	}
}

func (p *page) verdict(v Verdict) {
	took := " (" + seconds(v.Seconds) + ")"
	what := v.ID + ": " + v.Title + took
	switch v.Verdict {
	case check.Pass:
		text := v.line
		if text == "" {
			text = v.Title
		}
		p.line(2, green, text+took)
		if p.Verbose {
			p.details(v, "seen", "")
		}
	case check.Fail:
		p.line(2, red, "FAIL "+what)
		p.details(v, "seen", v.Fix)
	case check.Inconclusive:
		p.line(2, yellow, "INCONCLUSIVE "+what)
		p.details(v, "because", v.Fix)
	case check.Waived:
		p.line(2, yellow, "WAIVED "+what)
		seen := "seen"
		if v.Undecided {
			seen = "undecided"
		}
		p.details(v, seen, "")
		by := strings.TrimPrefix(waiverText(v), "waived ")
		if v.Waiver != nil && v.Waiver.Where != "" {
			by = "finding by finding:"
		}
		p.labelled(4, label("waived"), plain, by)
	}
	p.findings(v, v.untold(p.worthTelling(v)))
	if v.Verdict == check.Fail || v.Verdict == check.Inconclusive || p.Verbose {
		p.timeline(v)
	}
}

// worthTelling leaves out the details of a promise that holds.
func (p *page) worthTelling(v Verdict) []check.Finding {
	if v.Verdict != check.Pass || p.Verbose {
		return v.Findings
	}
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f check.Finding) bool { return f.Detail })
}

func (p *page) details(v Verdict, seen, fix string) {
	for _, d := range [][2]string{{"promised", v.Promised}, {seen, v.Seen}, {"what to do", fix}} {
		if d[1] != "" {
			p.labelled(4, label(d[0]), plain, d[1])
		}
	}
	if place := v.where(p.home.here); place != "" {
		p.labelled(4, label("where"), plain, place+v.about())
	}
	if p.Verbose && v.Why != "" && v.Verdict != check.Pass {
		p.labelled(4, label("why"), plain, v.Why)
	}
}

func label(s string) string { return fmt.Sprintf("%-12s", s) }

// maxFindings keeps one broken promise from filling the screen; JSON has them all.
const maxFindings = 10

func (p *page) findings(v Verdict, fs []check.Finding) {
	for i, f := range fs {
		if i == maxFindings && !p.Verbose {
			p.line(4, plain, fmt.Sprintf("and %d more, with -v or in the JSON report", len(fs)-i))
			return
		}
		text := findingText(f)
		if place := v.ofFinding(f, p.home.here); place != "" {
			text += " (" + place + ")"
		}
		p.labelled(4, "- ", plain, text)
	}
}

// manySkipped are no longer told one by one: whoever chose a group knows what is left out.
const manySkipped = 8

// skipped tells the checks that were left out, once for each reason.
func (p *page) skipped(vs []Verdict) {
	var reasons []string
	by := map[string][]Verdict{}
	for _, v := range vs {
		if v.Advice {
			p.line(0, plain, "Advice: "+v.ID+" ("+v.Seen+")")
			continue
		}
		if by[v.Seen] == nil {
			reasons = append(reasons, v.Seen)
		}
		by[v.Seen] = append(by[v.Seen], v)
	}
	for _, reason := range reasons {
		text := "Skipped: " + ids(by[reason])
		if n := len(by[reason]); n > manySkipped && !p.Verbose {
			text = fmt.Sprintf("Skipped: %d promises", n)
		}
		if reason != "" {
			text += " (" + reason + ")"
		}
		p.line(0, dim, text)
	}
}

func (p *page) steps(r Report) {
	if len(r.Steps) == 0 {
		return
	}
	p.line(0, bold, "Steps (start, duration)")
	for _, s := range r.Steps {
		text := s.Name
		if s.Error != "" {
			text += ": " + s.Error
		}
		p.labelled(2, fmt.Sprintf("%6.1f s %6.1f s  ", s.Started, s.Seconds), plain, text)
	}
	if path := criticalPath(r.Steps); len(path) > 1 {
		p.line(0, plain, "Critical path: "+strings.Join(path, ", "))
	}
	if r.Evidence != "" && r.Result == check.Pass {
		p.line(0, plain, "Evidence: "+r.Evidence)
	}
}

// seconds prints a time span as a person says it.
func seconds(s float64) string {
	switch {
	case s < 0.05:
		return "<0.1 s"
	case s < 99.95:
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}
