package drawing

import (
	"fmt"
	"math"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// fare is how a request fared: what class its mark has.
type fare string

// The classes of requests.
const (
	answered  fare = "ok"   // as well as before
	errorCode fare = "warn" // with an error, which may be what is right
	lost      fare = "bad"
	noAnswer  fare = "none" // where that may be what is right
)

const (
	stripBins   = 120 // of one strip: a bar of 3 px on a phone
	stripHeight = 26
	stripMarks  = 8 // the height of the marks below a strip, one for each request that is bad
)

// strip draws requests of one kind on the axis: how many there were at each time, stacked by how they
// fared, and below that a mark for each that is bad, which is seen were it one in a thousand.
func (d *Drawing) strip(a axis, y int, rs []evidence.Request, how func(evidence.Request) fare) (bottom int) {
	var bins [stripBins]map[fare]int
	most := 1
	marked := map[int]bool{}
	for _, r := range rs {
		if !a.holds(r.Start) {
			continue
		}
		x := a.at(r.Start)
		i := min(stripBins-1, int(x/100*stripBins))
		if bins[i] == nil {
			bins[i] = map[fare]int{}
		}
		f := how(r)
		bins[i][f]++
		n := 0
		for _, k := range bins[i] {
			n += k
		}
		most = max(most, n)
		if f == lost {
			marked[int(math.Round(x*4))] = true
		}
	}
	for i, b := range bins {
		up := y + stripHeight
		for _, f := range []fare{lost, noAnswer, errorCode, answered} {
			if b[f] == 0 {
				continue
			}
			h := max(1, int(math.Round(float64(b[f])/float64(most)*stripHeight)))
			h = min(h, up-y)
			up -= h
			d.Rects = append(d.Rects, Rect{X: percent(i, stripBins), W: percent(1, stripBins), Y: up, H: h, Class: string(f)})
		}
	}
	for q := range 401 { // quarters of a percent: more than that no one sees apart
		if marked[q] {
			d.Lines = append(d.Lines, Line{X: float64(q) / 4, Y1: y + stripHeight + 2, Y2: y + stripHeight + 2 + stripMarks, Class: "lost"})
		}
	}
	d.Rects = append(d.Rects, Rect{X: 0, W: 100, Y: y + stripHeight, H: 1, Class: "base"})
	return y + stripHeight + 2 + stripMarks
}

func percent(i, of int) float64 { return math.Round(1e4*float64(i)/float64(of)) / 100 }

// tally counts requests by how they fared, and when those that are bad began.
type tally struct {
	n           int
	by          map[fare]int
	first, last time.Time // of the bad
}

func tallied(rs []evidence.Request, how func(evidence.Request) fare) tally {
	t := tally{n: len(rs), by: map[fare]int{}}
	for _, r := range rs {
		f := how(r)
		t.by[f]++
		if f != lost {
			continue
		}
		if t.first.IsZero() || r.Start.Before(t.first) {
			t.first = r.Start
		}
		if r.Start.After(t.last) {
			t.last = r.Start
		}
	}
	return t
}

// spanning says when the bad ones were sent.
func (t tally) spanning(a axis) string {
	if t.first.Equal(t.last) {
		return fmt.Sprintf("at %s", a.since(t.first))
	}
	return fmt.Sprintf("between %s and %s", a.since(t.first), a.since(t.last))
}

// plural counts something.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
