package image

import (
	"cmp"
	"slices"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// maxLargest is how many of the largest files are listed.
const maxLargest = 10

// size adds up what the layers take, and what of it is of no use any more. The body of a
// file with several names counts once, and is of use while one of them is shown.
func (t *tree) size(compressed int64) *evidence.ImageSize {
	s := &evidence.ImageSize{Compressed: compressed}
	waste, biggest := make([]evidence.Waste, len(t.layers)), make([]int64, len(t.layers))
	var largest []evidence.SizedFile
	for i, l := range t.layers {
		s.Uncompressed += l.Bytes
		e, other := &l.Entries, t.otherNames(i)
		for j := range e.Len() {
			if k := e.Kind(j); k == layer.Hardlink && t.gone[i][j] == none {
				s.Files++
				continue
			} else if k != layer.File {
				continue
			}
			n, by, shown := e.Sizes[j], t.gone[i][j], j
			if by == none {
				s.Files++
			} else if link, ok := other[e.Path(j)]; ok {
				by, shown = none, link
			}
			if by != none {
				s.Wasted += n
				w := &waste[by]
				w.Bytes += n
				w.Files++
				if w.Example == "" || n > biggest[by] {
					w.Example, biggest[by] = e.Path(j), n
				}
				continue
			}
			s.FinalFiles += n
			if len(largest) < maxLargest || n >= largest[len(largest)-1].Bytes {
				largest = insert(largest, evidence.SizedFile{Path: e.Path(shown), Layer: i, Bytes: n})
			}
		}
	}
	s.Largest = largest
	for i, w := range waste {
		if w.Files > 0 {
			w.Layer = i
			s.Waste = append(s.Waste, w)
		}
	}
	slices.SortStableFunc(s.Waste, func(a, b evidence.Waste) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return s
}

// otherNames are the hard links of a layer that are shown, by the path of their file.
func (t *tree) otherNames(i int) map[string]int {
	var out map[string]int
	e := &t.layers[i].Entries
	for j := range e.Len() {
		if e.Kind(j) == layer.Hardlink && t.gone[i][j] == none {
			if out == nil {
				out = map[string]int{}
			}
			out[e.Link(j)] = j
		}
	}
	return out
}

// insert keeps the largest few, the first in the order of paths where sizes are equal.
func insert(fs []evidence.SizedFile, f evidence.SizedFile) []evidence.SizedFile {
	i, _ := slices.BinarySearchFunc(fs, f, func(a, b evidence.SizedFile) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	fs = slices.Insert(fs, i, f)
	return fs[:min(len(fs), maxLargest)]
}
