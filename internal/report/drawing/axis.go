package drawing

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// axis is the one of time that all lanes of a picture share.
type axis struct{ from, to, zero time.Time }

// axisOf begins a little before zero, where what was there already is seen.
func axisOf(zero, to time.Time, before time.Duration) axis {
	if !to.After(zero) {
		to = zero.Add(time.Second)
	}
	return axis{zero.Add(-before), to.Add(to.Sub(zero) / 50), zero}
}

// at is where a moment is, in percent; what is outside is at the edge.
func (a axis) at(t time.Time) float64 {
	x := 100 * t.Sub(a.from).Seconds() / a.to.Sub(a.from).Seconds()
	return math.Round(100*min(100, max(0, x))) / 100
}

// holds tells whether a moment is on the axis.
func (a axis) holds(t time.Time) bool { return !t.Before(a.from) && !t.After(a.to) }

// since is how many seconds after zero a moment is, as text.
func (a axis) since(t time.Time) string { return seconds(t.Sub(a.zero).Seconds()) }

// scale draws the axis below all lanes, and the grid behind them from top on.
func (d *Drawing) scale(a axis, top int) {
	span := a.to.Sub(a.from).Seconds()
	step := niceStep(span / 8)
	bottom := d.Height
	// On a phone there is room for every other number.
	for i, s := 0, math.Ceil(a.from.Sub(a.zero).Seconds()/step)*step; s <= a.to.Sub(a.zero).Seconds(); i, s = i+1, s+step {
		x := a.at(a.zero.Add(time.Duration(s * float64(time.Second))))
		d.Lines = append(d.Lines, Line{X: x, Y1: top, Y2: bottom + 4, Class: "grid"})
		t := Text{X: x, Y: bottom + 16, Class: "num", Anchor: "middle", From: narrow, S: number(s, step)}
		switch {
		case x < 4:
			t.Anchor = "start"
		case x > 96:
			t.Anchor = "end"
		}
		if int(math.Round(s/step))%2 != 0 {
			t.From = widths[1]
		}
		d.Texts = append(d.Texts, t)
	}
	d.Height = bottom + 22
	d.ground(bottom)
}

// ground ends at the bottom what goes through all lanes, and puts it behind them.
func (d *Drawing) ground(bottom int) {
	for i := range d.Lines {
		d.Lines[i].Y2 = min(d.Lines[i].Y2, max(bottom, d.Lines[i].Y1)+4)
	}
	slices.SortStableFunc(d.Rects, func(a, b Rect) int {
		switch {
		case a.Class == "band" && b.Class != "band":
			return -1
		case a.Class != "band" && b.Class == "band":
			return 1
		}
		return 0
	})
	for i := range d.Rects {
		d.Rects[i].H = min(d.Rects[i].H, bottom-d.Rects[i].Y)
	}
}

// niceStep is the next of 1, 2, 5, 10 …
func niceStep(least float64) float64 {
	if least <= 0 {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*p >= least*(1-1e-9) {
			return f * p
		}
	}
	return 10 * p
}

func number(s, step float64) string {
	digits := 0
	if step < 1 {
		digits = int(math.Ceil(-math.Log10(step) - 1e-9))
	}
	if math.Abs(s) < step/2 {
		s = 0
	}
	return strconv.FormatFloat(s, 'f', digits, 64) + " s"
}

// seconds prints a time span, or a moment, as a person says it.
func seconds(s float64) string {
	if math.Abs(s) < 0.005 {
		s = 0
	}
	if math.Abs(s) < 9.995 {
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	}
	if math.Abs(s) < 99.95 {
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	}
	return strconv.FormatFloat(s, 'f', 0, 64) + " s"
}
