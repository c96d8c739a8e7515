package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/check"
)

const (
	// commentSize is how many bytes GitHub takes of a comment (it counts 65 536 characters), and
	// summarySize of all that a step appends to its summary: of more than 1 MiB it shows nothing.
	commentSize = 65_536
	summarySize = 1 << 20
	// mdField is how many characters are shown of a text, mdEnd is the room that what follows the table takes.
	mdField = 1_500
	mdEnd   = 12_000
)

// WriteMarkdown writes the report for a comment of a pull request.
func WriteMarkdown(w io.Writer, r Report, _ Console) error {
	_, err := w.Write(markdown(r, commentSize))
	return err
}

// markdown is the result in a line, each promise that does not hold in a row, and what else there is
// to know. What would make it longer than size bytes is left out promise by promise, and named.
func markdown(r Report, size int) []byte {
	var b bytes.Buffer
	if text := r.answeredText(); text != "" {
		fmt.Fprintf(&b, "%s\n\n", mdText(text))
	}
	last, _ := r.lastLine()
	title := "podproof"
	if r.among != "" {
		title += " " + mdText(r.among)
	}
	fmt.Fprintf(&b, "### %s: %s\n\n%s\n\n", title, mdResult(r), mdText(cut(last, mdField)))
	fmt.Fprintf(&b, "%s\n", mdText(cut(r.heading(), mdField)))
	var left []Verdict
	rows := 0
	for _, s := range []check.Status{check.Fail, check.Inconclusive} {
		for _, v := range r.with(s) {
			row := r.mdRow(v)
			if b.Len()+len(row)+mdEnd > size {
				left = append(left, v)
				continue
			}
			if rows == 0 {
				b.WriteString("\n| | promise | what was seen |\n|---|---|---|\n")
			}
			rows++
			b.WriteString(row)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "\n%s left out here, for lack of room: %s. The JSON report has them.\n", promises(len(left), "is", "are"), mdText(ids(left)))
	}
	mdList(&b, "waived", r.waivedTexts())
	mdList(&b, "waivers that waive nothing", r.IdleWaivers)
	if held := r.with(check.Pass); len(held) > 0 {
		fmt.Fprintf(&b, "\n%s: %s\n", promises(len(held), "holds", "hold"), mdText(cut(ids(held), 3*mdField)))
	}
	return b.Bytes()
}

func mdResult(r Report) string {
	broken, open := len(r.with(check.Fail)), len(r.with(check.Inconclusive))
	var parts []string
	if broken > 0 {
		parts = append(parts, "❌ "+promises(broken, "is", "are")+" broken")
	}
	if open > 0 {
		parts = append(parts, "❔ "+promises(open, "is", "are")+" undecided")
	}
	switch {
	case len(parts) > 0:
	case r.Result == check.Pass:
		parts = append(parts, "✅ "+promises(len(r.with(check.Pass)), "holds", "hold"))
	default:
		parts = append(parts, "❔ nothing was decided")
	}
	return strings.Join(parts, ", ")
}

// mdRow is a promise that does not hold: its details are folded, since ten of them fill a page.
func (r Report) mdRow(v Verdict) string {
	mark := "❌ broken"
	if v.Verdict == check.Inconclusive {
		mark = "❔ undecided"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | <b>%s</b><br>%s", mark, mdText(v.ID), mdText(v.Title))
	if place := v.where(r.home.at); place != "" {
		fmt.Fprintf(&b, "<br>%s%s", mdCode(place), mdText(v.about()))
	}
	fmt.Fprintf(&b, " | %s <details><summary>more</summary>", mdText(short(v.Seen)))
	seen := v.Seen
	if short(seen) == seen {
		seen = "" // it stands in the row
	}
	for _, d := range [][2]string{{"promised", v.Promised}, {"seen", seen}, {"what to do", v.Fix}, {"why", v.Why}} {
		if d[1] != "" {
			fmt.Fprintf(&b, "<b>%s</b>: %s<br>", d[0], mdText(cut(d[1], mdField)))
		}
	}
	if findings := v.untold(v.Findings); len(findings) > 0 {
		b.WriteString("<ul>")
		for i, f := range findings {
			if i == maxFindings {
				fmt.Fprintf(&b, "<li>and %d more, in the JSON report</li>", len(findings)-i)
				break
			}
			place := v.ofFinding(f, r.home.at)
			if place != "" {
				place = " " + mdCode(place)
			}
			fmt.Fprintf(&b, "<li>%s%s</li>", mdText(cut(findingText(f), mdField)), place)
		}
		b.WriteString("</ul>")
	}
	b.WriteString("</details> |\n")
	return b.String()
}

// waivedTexts tell each promise and each finding that is accepted although it is broken.
func (r Report) waivedTexts() []string {
	var out []string
	for _, v := range r.Verdicts {
		if v.Verdict == check.Waived {
			out = append(out, v.ID+": "+waiverText(v))
			continue
		}
		for _, f := range v.Findings {
			if f.Waiver != nil {
				out = append(out, v.ID+": "+findingText(f))
			}
		}
	}
	return out
}

func mdList(b *bytes.Buffer, title string, texts []string) {
	if len(texts) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%d %s</summary><ul>", len(texts), title)
	for i, text := range texts {
		if i == maxFindings {
			fmt.Fprintf(b, "<li>and %d more</li>", len(texts)-i)
			break
		}
		fmt.Fprintf(b, "<li>%s</li>", mdText(cut(text, 200)))
	}
	b.WriteString("</ul></details>\n")
}
