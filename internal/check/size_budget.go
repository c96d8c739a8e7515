package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var sizeBudget = Check{
	ID:    "image/size-budget",
	Title: "The image is no larger than its budget",
	Why: "Every node pulls the image before a pod can start there, so its size is part of every rollout, scale-up and " +
		"recovery; files that a later step deletes are pulled all the same.",
	Fix: "Copy only what the program needs into the last stage, and delete a file in the step that makes it. " +
		"The largest files and the waste are named; a larger budget is the contract's size.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionImage},
	At:    []Spot{inDockerfile("FROM"), inContainer("image")},
	Judge: judgeSizeBudget,
}

// measure is one number with its limit, -1 where it is not known or has none.
type measure struct {
	name, seen, limit string
	value, most       int64
}

func judgeSizeBudget(c contract.Contract, e evidence.Evidence) Judgement {
	promised := "no budget; the contract's size can set one"
	if c.Size != (contract.Size{}) {
		promised = budgetWords(c.Size)
	}
	j, img := imageOf(e, promised)
	if img == nil {
		return j
	}
	var over, within, open []string
	for _, m := range measures(*img, c.Size) {
		switch {
		case m.most < 0:
		case m.value < 0:
			open = append(open, m.name)
		case m.value > m.most:
			over = append(over, fmt.Sprintf("%s %s of %s", m.name, m.seen, m.limit))
			j.broken(img.Ref, "%s: %s, and the budget is %s", m.name, m.seen, m.limit)
		default:
			within = append(within, fmt.Sprintf("%s %s of %s", m.name, m.seen, m.limit))
		}
	}
	if img.Size != nil {
		j.sizes(*img)
	}
	switch {
	case len(over) > 0:
		return j.fail(strings.Join(append(over, within...), ", "), "")
	case len(open) > 0 && img.Size != nil && slices.Equal(open, []string{"compressed"}):
		return j.undecided("this source does not tell the compressed size: an engine keeps layers uncompressed",
			"Let podproof inspect the image where it was pushed (registry:NAME), or set size.uncompressed.")
	case len(open) > 0, img.Size == nil && len(within) == 0:
		return j.undecided("the image's layers were not read", readLayers)
	case len(within) > 0:
		return j.pass("Image size OK ("+strings.Join(within, ", ")+")", strings.Join(within, ", "))
	}
	seen := fmt.Sprintf("%s in %s", dataSize(img.Size.Uncompressed), count(len(img.Layers), "layer"))
	if img.Size.Compressed > 0 {
		seen = fmt.Sprintf("%s compressed, %s", dataSize(img.Size.Compressed), seen)
	}
	if img.Size.Wasted > 0 {
		seen += fmt.Sprintf(", %s of it wasted", dataSize(img.Size.Wasted))
	}
	return j.pass("Image size: "+seen+" (no budget)", seen)
}

func budgetWords(b contract.Size) string {
	var words []string
	for _, l := range []struct {
		limit *contract.Bytes
		what  string
	}{{b.Compressed, "compressed"}, {b.Uncompressed, "uncompressed"}, {b.Wasted, "wasted"}} {
		if l.limit != nil {
			words = append(words, fmt.Sprintf("%s %s", l.limit, l.what))
		}
	}
	if b.Layers > 0 {
		words = append(words, count(b.Layers, "layer"))
	}
	return "at most " + list(words)
}

// measures are the image's numbers beside the limits that the contract sets.
func measures(img evidence.Image, b contract.Size) []measure {
	compressed, uncompressed, wasted := int64(-1), int64(-1), int64(-1)
	if s := img.Size; s != nil {
		uncompressed, wasted = s.Uncompressed, s.Wasted
		if s.Compressed > 0 {
			compressed = s.Compressed
		} else if b.Compressed != nil && s.Uncompressed <= int64(*b.Compressed) {
			compressed = s.Uncompressed // it is not larger than that
		}
	}
	of := func(name string, value int64, limit *contract.Bytes) measure {
		if limit == nil {
			return measure{most: -1}
		}
		return measure{name, dataSize(value), limit.String(), value, int64(*limit)}
	}
	layers := measure{"layers", fmt.Sprint(len(img.Layers)), fmt.Sprint(b.Layers), int64(len(img.Layers)), int64(b.Layers)}
	if b.Layers == 0 {
		layers.most = -1
	}
	return []measure{of("compressed", compressed, b.Compressed), of("uncompressed", uncompressed, b.Uncompressed), of("wasted", wasted, b.Wasted), layers}
}

// sizes tells the waste by instruction and the largest files.
func (j *Judgement) sizes(img evidence.Image) {
	where := placesOf(img)
	const most = 10
	for _, w := range img.Size.Waste[:min(most, len(img.Size.Waste))] {
		j.detail(where.layer(w.Layer), "%s wasted: it deletes or replaces %s of lower layers, such as %s", dataSize(w.Bytes), count(w.Files, "file"), w.Example)
	}
	for _, f := range img.Size.Largest[:min(most, len(img.Size.Largest))] {
		j.detail(where.final(f.Path, f.Layer).words, "%s", dataSize(f.Bytes))
	}
}
