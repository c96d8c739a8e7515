package image

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/secrets"
	"podproof.dev/podproof/internal/evidence"
)

// secrets lists the credentials of all layers. The same file in several layers is several
// findings, since each layer ships it.
func (t *tree) secrets(o *owners) []evidence.FileSecret {
	var out []evidence.FileSecret
	for i, l := range t.layers {
		files := t.filesOf(i)
		told := map[string]bool{}
		for _, p := range slices.Sorted(maps.Keys(l.Secrets)) {
			// A file with several names is told once, under one that is still there.
			name, reach := files.shown(p)
			for _, f := range l.Secrets[p] {
				key := fmt.Sprintf("%s\x00%s\x00%s\x00%d", files.of(p), f.Inside, f.Rule, f.Line)
				if told[key] {
					continue
				}
				told[key] = true
				out = append(out, evidence.FileSecret{Rule: f.Rule, What: f.What, Path: name, Inside: f.Inside, Layer: i, Reach: reach, Line: f.Line,
					Masked: f.Masked, Fingerprint: fingerprint(f, name), Owner: o.of(name, f.Inside)})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b evidence.FileSecret) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), strings.Compare(a.Path, b.Path), strings.Compare(a.Inside, b.Inside), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule))
	})
	return out
}

// fingerprint is of the rule and the place: the value has no part in it.
func fingerprint(f secrets.Found, p string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", f.Rule, p+f.Inside, f.Line))
	return hex.EncodeToString(sum[:8])
}

// unopened lists the archives that were not looked into.
func (t *tree) unopened(o *owners) []evidence.Unopened {
	var out []evidence.Unopened
	for i, l := range t.layers {
		files := t.filesOf(i)
		for _, p := range slices.Sorted(maps.Keys(l.Unopened)) {
			if files.of(p) != p {
				continue // another name of a file that is told
			}
			name, reach := files.shown(p)
			u := l.Unopened[p]
			out = append(out, evidence.Unopened{Path: name, Layer: i, Reach: reach, Why: u.Why, Count: u.Count, Owner: o.owner(name)})
		}
	}
	return out
}

// names are the names that the files of a layer have.
type names struct {
	t       *tree
	i       int
	file    map[string]string   // by hard link
	linksOf map[string][]string // by file
}

func (t *tree) filesOf(i int) names {
	n := names{t, i, map[string]string{}, map[string][]string{}}
	e := &t.layers[i].Entries
	for j := range e.Len() {
		if e.Kind(j) == layer.Hardlink {
			n.file[e.Path(j)] = e.Link(j)
			n.linksOf[e.Link(j)] = append(n.linksOf[e.Link(j)], e.Path(j))
		}
	}
	return n
}

// of is the path of the file that a path names.
func (n names) of(p string) string {
	if f, ok := n.file[p]; ok {
		return f
	}
	return p
}

// shown is the name of a file that the final file system shows, or the one that was asked for.
func (n names) shown(p string) (string, evidence.Reach) {
	for _, name := range append([]string{p, n.of(p)}, n.linksOf[n.of(p)]...) {
		if n.t.shows(n.i, name) {
			return name, evidence.Reachable
		}
	}
	return p, evidence.HistoryOnly
}
