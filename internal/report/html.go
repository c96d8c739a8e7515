package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report/drawing"
)

//go:embed html.tmpl
var htmlTemplate string

//go:embed html.css
var htmlStyle string

// All text of the page goes through html/template, which escapes it for its place, and through tidy.
var htmlPage = template.Must(template.New("page").Funcs(template.FuncMap{"tidy": Clean, "prose": prose, "seconds": seconds}).Parse(htmlTemplate))

// WriteHTML writes the report as one file for a browser. It needs no network and runs no script, and its
// policy lets it do neither: what an image said stands in it.
func WriteHTML(w io.Writer, r Report, _ Console) error {
	return htmlPage.Execute(w, pageOf(r))
}

// webPage is what the template shows.
type webPage struct {
	Style    template.CSS
	Policy   string
	Title    string
	Result   string // class of the result: check.Status
	Headline string
	Image    string
	Facts    []fact
	Counts   []tallied
	// Open are the verdicts that are told whole, by their status; Held those in a line, by their story.
	Open, Held []webGroup
	Skipped    []leftOut
	Idle       []string
	Drawings   []webDrawings
	// NoSteps says that the record has no steps to draw.
	NoSteps bool
}

type fact struct{ Label, Value string }

// tallied is a number in the summary, and where its promises are told.
type tallied struct {
	N           int
	Class, Word string
	Link        string
}

type webGroup struct {
	ID, Title string
	Verdicts  []webVerdict
	// Folded are further promises, told together for they are undecided for one reason.
	Folded []leftOut
}

type webVerdict struct {
	Verdict
	Class, Word string
	Rows        []fact
	Further     int // findings that are not shown
	// Drawings are shown under this verdict, See under another or at the end.
	Drawings, See []drawing.Drawing
	Waived        string
}

type webDrawings struct {
	ID, Title string
	Drawings  []drawing.Drawing
}

// statusWords are what a person reads, beside the colour.
var statusWords = map[check.Status]string{
	check.Fail: "broken", check.Inconclusive: "undecided", check.Waived: "waived", check.Pass: "holds", check.Skipped: "skipped",
}

// pageFindings is how many of a promise's findings are shown; JSON has them all.
const pageFindings = 50

// pageOf puts a report into the page's order: what is broken first.
func pageOf(r Report) webPage {
	sum := sha256.Sum256([]byte(htmlStyle))
	p := webPage{
		Style:    template.CSS(htmlStyle),
		Policy:   "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		Result:   string(r.Result),
		Headline: headline(r),
		Image:    cmp.Or(r.Subject.Image, "no image"),
		Facts:    facts(r),
		Idle:     r.IdleWaivers,
		NoSteps:  len(r.Steps) == 0,
	}
	p.Title = p.Headline + ": " + p.Image
	where := placed(r)
	for _, s := range []check.Status{check.Fail, check.Inconclusive, check.Waived, check.Pass, check.Skipped} {
		vs := r.with(s)
		word := statusWords[s]
		if s == check.Pass && len(vs) != 1 {
			word = "hold"
		}
		p.Counts = append(p.Counts, tallied{len(vs), string(s), word, string(s)})
		if len(vs) == 0 {
			continue
		}
		switch s {
		case check.Pass:
			for _, g := range byStory(vs) {
				p.Held = append(p.Held, webGroup{Title: groupName(g[0].Story), Verdicts: webVerdicts(r.home, g, where)})
			}
		case check.Skipped:
			p.Skipped = byReason(vs)
		default:
			g := webGroup{ID: string(s), Title: strings.ToUpper(word[:1]) + word[1:]}
			if s == check.Inconclusive {
				for _, f := range fold(vs) {
					g.Folded = append(g.Folded, leftOut{promises(len(f.verdicts), "", ""), f.seen, f.fix, f.verdicts})
				}
				vs = slices.DeleteFunc(vs, func(v Verdict) bool { return isFolded(fold(r.with(s)), v.ID) })
			}
			g.Verdicts = webVerdicts(r.home, vs, where)
			p.Open = append(p.Open, g)
		}
	}
	p.Drawings = where.rest()
	return p
}

func headline(r Report) string {
	broken, open := len(r.with(check.Fail)), len(r.with(check.Inconclusive))
	switch {
	case broken > 0:
		return promises(broken, "is", "are") + " broken"
	case open > 0:
		return promises(open, "is", "are") + " undecided"
	case r.Result == check.Pass:
		return promises(len(r.with(check.Pass)), "holds", "hold")
	}
	return "Nothing was decided"
}

func facts(r Report) []fact {
	s := r.Subject
	took := ""
	if d := r.Run.Finished.Sub(r.Run.Started); d > 0 {
		took = ", in " + seconds(d.Seconds())
	}
	where := s.Kubernetes
	if s.Cluster != "" {
		where = strings.TrimSpace(where + " (" + s.Cluster + ")")
	}
	stopped := ""
	if r.Incomplete != "" {
		stopped = r.Incomplete + "; what was not decided by then is undecided"
	}
	all := []fact{
		{"This time", r.answeredText()},
		{"Digest", s.Digest}, {"Architecture", s.Architecture}, {"Workload", s.Workload}, {"Kubernetes", where},
		{"Verified", r.Run.Started.UTC().Format("2006-01-02 15:04:05 UTC") + took + ", by podproof " + r.Run.Version},
		{"Stopped by", stopped}, {"Evidence", r.Kept()}, {"Exit code", fmt.Sprint(r.ExitCode())},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" || f.Label == "Verified" && r.Run.Started.Equal(time.Time{}) })
}

func webVerdicts(home Home, vs []Verdict, where placement) []webVerdict {
	var out []webVerdict
	for _, v := range vs {
		w := webVerdict{Verdict: v, Class: string(v.Verdict), Word: statusWords[v.Verdict], Drawings: where.under[v.ID], See: where.see[v.ID]}
		seen := "Seen"
		if v.Verdict == check.Inconclusive || v.Undecided {
			seen = "Because"
		}
		fix := v.Fix
		if v.Verdict == check.Waived {
			w.Waived, fix = waiverText(v), ""
		}
		for _, f := range []fact{{"Promised", v.Promised}, {seen, v.Seen}, {"What to do", fix}, {"Where", placeRow(home, v)}, {"Waiver", w.Waived}, {"Why it matters", v.Why}} {
			if f.Value != "" {
				w.Rows = append(w.Rows, f)
			}
		}
		w.Findings = v.untold(v.Findings)
		for i, f := range w.Findings {
			if place := v.ofFinding(f, home.at); place != "" {
				w.Findings[i].Message += " (" + place + ")"
			}
		}
		slices.SortStableFunc(w.Findings, func(a, b check.Finding) int {
			switch {
			case a.Note == b.Note:
				return 0
			case a.Note:
				return 1
			}
			return -1
		})
		if n := len(w.Findings); n > pageFindings {
			w.Findings, w.Further = w.Findings[:pageFindings], n-pageFindings
		}
		out = append(out, w)
	}
	return out
}

// leftOut are promises that nothing was decided about for one reason.
type leftOut struct {
	Count, Reason, Fix string
	Verdicts           []Verdict
}

func byReason(vs []Verdict) []leftOut {
	var out []leftOut
	for _, v := range vs {
		i := slices.IndexFunc(out, func(l leftOut) bool { return l.Reason == v.Seen })
		if i < 0 {
			i = len(out)
			out = append(out, leftOut{Reason: v.Seen})
		}
		out[i].Verdicts = append(out[i].Verdicts, v)
	}
	for i := range out {
		out[i].Count = promises(len(out[i].Verdicts), "", "")
	}
	return out
}

// Brief is the few words for a promise that holds.
func (v webVerdict) Brief() string {
	if v.Verdict.Verdict == check.Pass && v.line != "" {
		return v.line
	}
	return v.Title
}

// span is a part of a text.
type span struct {
	Text string
	Code bool
}

// prose takes a text apart at its backticks, which stand around code. One that is not closed is a backtick.
func prose(s string) []span {
	parts := strings.Split(Clean(s), "`")
	if len(parts)%2 == 0 {
		n := len(parts)
		parts = append(parts[:n-2], parts[n-2]+"`"+parts[n-1])
	}
	var out []span
	for i, p := range parts {
		if p != "" {
			out = append(out, span{p, i%2 == 1})
		}
	}
	return out
}
