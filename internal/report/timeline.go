package report

import (
	"fmt"

	"podproof.dev/podproof/internal/check"
)

// maxMoments keeps one trial from filling the screen; JSON has them all.
const maxMoments = 24

// A drawnMoment is one line of a timeline, in two columns.
type drawnMoment struct{ label, what string }

// drawn puts a timeline into lines. Each time has as many digits as its source can know.
func drawn(ms []check.Moment) []drawnMoment {
	var out []drawnMoment
	for _, m := range ms {
		at := fmt.Sprintf("%+7.2f s", m.Seconds)
		if m.Resolution >= 1 {
			at = fmt.Sprintf("%+4.0f s   ", m.Seconds)
		}
		out = append(out, drawnMoment{fmt.Sprintf("%s  %-8s  ", at, m.Source), m.What})
	}
	return out
}

// timeline draws what happened when. What came first is the cause of the rest, so the end is
// cut. Several checks may look at one trial, which is drawn once.
func (p *page) timeline(v Verdict) {
	if len(v.Timeline) == 0 {
		return
	}
	key := fmt.Sprint(v.Timeline)
	if id := p.drawn[key]; id != "" {
		p.line(4, plain, "what happened: as drawn under "+id)
		return
	}
	if p.drawn == nil {
		p.drawn = map[string]string{}
	}
	p.drawn[key] = v.ID
	p.line(4, plain, "what happened, from the beginning of the trial:")
	for i, l := range drawn(v.Timeline) {
		if i == maxMoments && !p.Verbose {
			p.line(4, plain, fmt.Sprintf("and %d more moments, with -v or in the JSON report", len(v.Timeline)-i))
			return
		}
		p.labelled(4, l.label, dim, l.what)
	}
}
