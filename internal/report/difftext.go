package report

import (
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// WriteDiff tells a person what changed: verdicts first, then numbers, and the result as the last line.
func WriteDiff(w io.Writer, d Diff, c Console) error {
	p := &page{Console: c, home: d.B.home}
	for _, r := range []struct {
		name string
		Report
	}{{"before", d.A}, {"now", d.B}} {
		p.labelled(0, label(r.name), plain, r.heading()+", "+r.Run.Started.UTC().Format("2006-01-02 15:04 UTC")+", by podproof "+r.Run.Version)
	}
	for _, t := range turns {
		p.turn(t, d.Changes)
	}
	p.untried(d.Untried)
	p.numbers(d)
	text, color := d.lastLine()
	fmt.Fprintf(&p.out, "%s%s\n", p.prefix(), c.paint(color, text))
	_, err := w.Write(p.out.Bytes())
	return err
}

// turn tells the promises of one turn.
func (p *page) turn(t Turn, cs []Change) {
	begun := false
	for _, c := range cs {
		if c.Turn != t {
			continue
		}
		color := green
		switch {
		case c.Worse() && t == BrokenNow, c.Worse() && t == WorseStill:
			color = red
		case t != KeptNow && t != BetterStill:
			color = yellow
		}
		if !begun {
			p.line(0, bold, strings.ToUpper(string(t[:1]))+string(t[1:]))
			begun = true
		}
		p.line(2, color, c.After.ID+": "+c.After.Title)
		p.labelled(4, label("before"), plain, string(c.Before.Verdict)+": "+c.Before.Seen)
		p.labelled(4, label("now"), plain, string(c.After.Verdict)+": "+c.After.Seen)
		if place := c.After.where(p.home.here); place != "" {
			p.labelled(4, label("where"), plain, place+c.After.about())
		}
		if c.Worse() && c.After.Fix != "" {
			p.labelled(4, label("what to do"), plain, c.After.Fix)
		}
		p.findings(c.After, c.After.untold(c.New))
		if n := len(c.Gone); n > 0 {
			p.line(4, plain, fmt.Sprintf("%d of its findings of before are gone", n))
		}
		if t == WaivedNow {
			p.labelled(4, label("waived"), plain, strings.TrimPrefix(waiverText(c.After), "waived "))
		}
	}
}

// untried tells what one of the runs alone tried: that is no change, and what is broken there is named.
func (p *page) untried(cs []Change) {
	alone := map[string]int{}
	for _, c := range cs {
		v, which := c.After, "now"
		if v.Verdict == check.Skipped {
			v, which = c.Before, "before"
		}
		alone[which]++
		if v.Verdict == check.Fail {
			p.line(0, yellow, fmt.Sprintf("Tried %s alone, and broken: %s: %s", which, v.ID, short(v.Seen)))
		}
	}
	for _, which := range []string{"before", "now"} {
		if n := alone[which]; n > 0 {
			p.line(0, dim, fmt.Sprintf("Not compared: %s, tried %s alone", promises(n, "", ""), which))
		}
	}
}

// numbers tells those that changed, and with -v the others; with what makes a change count.
func (p *page) numbers(d Diff) {
	if len(d.Numbers) == 0 {
		return
	}
	p.line(0, bold, "Numbers")
	if d.Busier != "" {
		p.line(2, yellow, "Times are told and not judged: "+d.Busier+".")
	}
	same := 0
	for _, n := range d.Numbers {
		if n.Trend == Same && !p.Verbose {
			same++
			continue
		}
		color := map[Trend]paint{Better: green, Worse: red, Other: plain, Same: plain}[n.Trend]
		p.labelled(2, fmt.Sprintf("%-8s", n.Trend.word()), color, fmt.Sprintf("%s: %s, before %s (%s)", n.Name, n.say(n.After), n.say(n.Before), n.change()))
	}
	if same > 0 {
		p.line(2, plain, fmt.Sprintf("%d changed by no more than runs of one image do (-v has them)", same))
	}
}

func (t Trend) word() string {
	if t == Other {
		return "changed"
	}
	return string(t)
}

// change says by how much, and from where on that counts.
func (n Number) change() string {
	by := "as before"
	if n.Before != n.After {
		by = fmt.Sprintf("%+.0f %%", 100*(n.After-n.Before)/n.Before)
		if n.Before == 0 {
			by = "none before"
		}
	}
	if n.Share == 0 {
		return by
	}
	return fmt.Sprintf("%s; counts from %.0f %% and %s on", by, 100*n.Share, n.say(n.Least))
}

// lastLine is the result in a line.
func (d Diff) lastLine() (string, paint) {
	n := map[Turn]int{}
	for _, c := range d.Changes {
		n[c.Turn]++
	}
	var parts []string
	for _, t := range turns {
		if n[t] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[t], t))
		}
	}
	numbers := 0
	for _, x := range d.Numbers {
		if x.Trend == Worse {
			numbers++
		}
	}
	if numbers > 0 {
		verb := "numbers are"
		if numbers == 1 {
			verb = "number is"
		}
		parts = append(parts, fmt.Sprintf("%d %s worse", numbers, verb))
	}
	what := strings.Join(parts, "; ")
	switch {
	case d.Worse():
		return "Worse: " + what + ".", red
	case what != "":
		return "Nothing is worse: " + what + ".", green
	}
	return "Nothing is worse, and no verdict changed.", green
}
