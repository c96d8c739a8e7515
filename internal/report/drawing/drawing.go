// Package drawing turns evidence into pictures: what happened on one axis of time, what was used of what
// is allowed, what an image is made of, what a run did when. They are plain data, pure functions of the
// evidence; the report's template writes them down as SVG.
package drawing

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"podproof.dev/podproof/internal/evidence"
)

// Drawing is one picture. It is as wide as the page lets it be: X and W are percents of that, Y and H are
// pixels, so that text is as large on a phone as on a desk.
type Drawing struct {
	ID      string           // of its place in the page
	Section evidence.Section // of the evidence that it shows
	Kind    string           // which of them, where there are several: evidence.RolloutRestart
	Title   string
	// Told is what it shows, in words, for whoever does not see it.
	Told   string
	Height int
	Rects  []Rect
	Lines  []Line
	Texts  []Text
	Legend []Key
	// Bad tells that something in it went wrong.
	Bad bool
}

// Rect is a box. Its Class says what it stands for, and is one of those of the page's style sheet.
type Rect struct {
	X, W  float64
	Y, H  int
	Class string
	Title string // what a pointer is told
}

// Line is vertical: a moment.
type Line struct {
	X      float64
	Y1, Y2 int
	Class  string
}

// Text is one line. It is shown where the picture is at least From pixels wide.
type Text struct {
	X      float64
	DX     int // pixels beside X
	Y      int
	Class  string
	Anchor string // "start", "middle" or "end"
	From   int
	S      string
}

// Key explains a class.
type Key struct{ Class, What string }

// widths are those from which on a text can be shown; narrow is a phone.
var widths = []int{narrow, 560, 840}

const (
	narrow = 320
	// letter is how wide one is at most, at the size of the drawings' text.
	letter = 6.4
)

// fitting is the least of the widths at which a text fits into a part of the picture, given in percent,
// 0 where it fits in none.
func fitting(s string, percent float64) int {
	need := float64(utf8.RuneCountInString(s))*letter + 8
	for _, w := range widths {
		if need <= float64(w)*percent/100 {
			return w
		}
	}
	return 0
}

// label writes a text to the right of a place, or to the left of it or around it where it fits better there.
func (d *Drawing) label(x float64, y int, class, s string) {
	sides := []string{"start", "end", "middle"}
	if x > 55 {
		sides = []string{"end", "start", "middle"}
	}
	room := map[string]float64{"start": 100 - x, "end": x, "middle": 2 * min(x, 100-x)}
	t := Text{X: x, Y: y, Class: class, Anchor: sides[0], From: narrow, S: s}
	best := 0
	for _, side := range sides {
		if from := fitting(s, room[side]); from > 0 && (best == 0 || from < best) {
			t.Anchor, t.From, best = side, from, from
		}
	}
	t.DX = map[string]int{"start": 4, "end": -4}[t.Anchor]
	d.Texts = append(d.Texts, t) // better cut at an edge than not told
}

// caption writes a text over a lane, from its left edge: in short where the picture is narrow.
func (d *Drawing) caption(y int, s, short string) {
	from := fitting(s, 100)
	if from == narrow || short == "" || short == s {
		d.Texts = append(d.Texts, Text{Y: y, Class: "cap", Anchor: "start", From: narrow, S: s})
		return
	}
	if from == 0 {
		from = widths[len(widths)-1]
	}
	d.Texts = append(d.Texts, Text{Y: y, Class: "cap", Anchor: "start", From: from, S: s},
		Text{Y: y, Class: fmt.Sprintf("cap until%d", from), Anchor: "start", From: narrow, S: short})
}

// box adds a rectangle with its word in it, where that fits.
func (d *Drawing) box(x1, x2 float64, y, h int, class, word, title string) {
	if x2 <= x1 {
		return
	}
	d.Rects = append(d.Rects, Rect{X: x1, W: x2 - x1, Y: y, H: h, Class: class, Title: title})
	if from := fitting(word, x2-x1); word != "" && from > 0 {
		d.Texts = append(d.Texts, Text{X: x1, DX: 4, Y: y + h - 4, Class: "in " + class, Anchor: "start", From: from, S: word})
	}
}

// key explains a class, once.
func (d *Drawing) key(class, what string) {
	for _, k := range d.Legend {
		if k.Class == class {
			return
		}
	}
	d.Legend = append(d.Legend, Key{class, what})
}

// order is that of all legends.
var order = []string{"start", "ready", "unready", "ending", "probe", "band", "ok", "warn", "none", "bad", "edge", "limit", "critical", "step", "load"}

// tell adds a sentence to the words of the picture.
func (d *Drawing) tell(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if d.Told != "" {
		d.Told += " "
	}
	d.Told += strings.TrimSuffix(s, ".") + "."
}

// All are the pictures of a run, in the order in which they are shown.
func All(e evidence.Evidence) []Drawing {
	var out []Drawing
	out = append(out, starts(e)...)
	out = append(out, rollouts(e)...)
	out = append(out, terminations(e)...)
	out = append(out, outages(e)...)
	out = append(out, usage(e)...)
	out = append(out, layers(e)...)
	out = append(out, steps(e)...)
	for i := range out {
		out[i].ID = fmt.Sprintf("drawing-%d", i+1)
		slices.SortStableFunc(out[i].Legend, func(a, b Key) int { return slices.Index(order, a.Class) - slices.Index(order, b.Class) })
	}
	return out
}
