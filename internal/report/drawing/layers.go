package drawing

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// mostLayers is how many layers are drawn; the smallest are told together.
const mostLayers = 30

// layers draw an image's layers by their size, and how much of each a later one made of no use.
func layers(e evidence.Evidence) []Drawing {
	img := e.Image
	if img == nil || img.Size == nil || len(img.Layers) == 0 {
		return nil
	}
	d := Drawing{Section: evidence.SectionImage, Title: "Layers, and what they waste"}
	total := fmt.Sprintf("%s in %s", Size(img.Size.Uncompressed), plural(len(img.Layers), "layer"))
	if img.Size.Compressed > 0 {
		total += fmt.Sprintf(" (%s compressed)", Size(img.Size.Compressed))
	}
	if img.Size.Wasted == 0 {
		total += ", nothing wasted"
	} else {
		total += ", " + Size(img.Size.Wasted) + " wasted"
	}
	d.tell("%s", total)
	var most int64 = 1
	for _, l := range img.Layers {
		most = max(most, l.Size)
	}
	wasted := map[int]evidence.Waste{}
	for _, w := range img.Size.Waste {
		wasted[w.Layer] = w
	}
	d.caption(11, total, "")
	y := capHeight + 4
	for i, l := range img.Layers {
		w, has := wasted[i]
		if i >= mostLayers && !has {
			continue
		}
		words := fmt.Sprintf("%d · %s · ", i+1, Size(l.Size))
		by := strings.TrimSuffix(brief(redact.History(l.CreatedBy), 90), " # buildkit")
		d.caption(y+11, words+by, words+brief(by, 30))
		d.Rects = append(d.Rects, Rect{W: 100, Y: y + capHeight, H: 8, Class: "track"},
			Rect{W: max(0.2, 100*float64(l.Size)/float64(most)), Y: y + capHeight, H: 8, Class: "ok", Title: words + by})
		d.tell("Layer %s%s", words, by)
		y += capHeight + 12
		if !has {
			continue
		}
		d.Rects = append(d.Rects, Rect{W: max(0.4, 100*float64(w.Bytes)/float64(most)), Y: y - 2, H: 5, Class: "bad", Title: Size(w.Bytes) + " wasted"})
		said := fmt.Sprintf("deletes or replaces %s of lower layers, %s: %s", plural(w.Files, "file"), Size(w.Bytes), w.Example)
		d.caption(y+16, said, "wastes "+Size(w.Bytes))
		d.tell("It %s", said)
		y += capHeight + 8
	}
	d.key("ok", "size, uncompressed")
	if len(wasted) > 0 {
		d.key("bad", "bytes below that it deletes or replaces, and that are pulled all the same")
	}
	d.Height = y + 4
	d.ground(d.Height)
	return []Drawing{d}
}

// brief is a text in one line, of n characters at most.
func brief(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
