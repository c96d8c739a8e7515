package image

import (
	"path"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// tree is the layers of an image, lowest first, laid over each other as a runtime does it
// (OCI image specification, layer.md).
type tree struct {
	layers []*layer.Layer
	nodes  map[uint64]node // by the hash of the path
	// gone is, for each entry of each layer, the layer that took it away: the nearest above
	// that deleted, replaced or hid it; none for one that the final file system shows.
	gone [][]int32
	// removes are the paths that each layer's whiteouts and opaque markers name.
	removes [][]string
}

const none = -1

// node is what the layers do to one path. While the tree is made, from the top layer down,
// each number is that of the nearest layer above.
type node struct {
	layer, entry int32 // what the final file system shows, none where it shows nothing
	last         int32 // has an entry
	removed      int32 // removes the path
	covered      int32 // hides what is below the path
}

// ref is one entry.
type ref struct{ layer, entry int }

func newTree(layers []*layer.Layer) *tree {
	n := 0
	for _, l := range layers {
		n += l.Entries.Len()
	}
	t := &tree{layers: layers, nodes: make(map[uint64]node, n), gone: make([][]int32, len(layers)), removes: make([][]string, len(layers))}
	for i := len(layers) - 1; i >= 0; i-- {
		t.lay(i)
	}
	return t
}

// lay puts one layer under those that are laid already.
func (t *tree) lay(i int) {
	e := &t.layers[i].Entries
	t.gone[i] = make([]int32, e.Len())
	above := &ancestry{t: t}
	// Of two entries with one path the later one holds, as for any tar.
	for j := e.Len() - 1; j >= 0; j-- {
		k := e.Kind(j)
		if k == layer.Whiteout || k == layer.Opaque {
			t.gone[i][j] = none
			continue
		}
		p := e.Path(j)
		h := layer.Hash(p)
		n, ok := t.nodes[h]
		if !ok {
			n = node{none, none, none, none, none}
		}
		by := nearest(n.last, n.removed, above.covered(p))
		t.gone[i][j] = by
		if by == none {
			n.layer, n.entry = int32(i), int32(j)
		}
		n.last = int32(i)
		t.nodes[h] = n
	}
	// What the layer takes away is what lower ones have, not what it has itself.
	for j := range e.Len() {
		k := e.Kind(j)
		if k == layer.Dir {
			continue
		}
		p := e.Path(j)
		h := layer.Hash(p)
		n, ok := t.nodes[h]
		if !ok {
			n = node{none, none, none, none, none}
		}
		// A directory that became a file or a link takes its content along without a whiteout.
		n.covered = int32(i)
		switch k {
		case layer.Whiteout:
			n.removed = int32(i)
			t.removes[i] = append(t.removes[i], p)
		case layer.Opaque:
			t.removes[i] = append(t.removes[i], p+"/")
		}
		t.nodes[h] = n
	}
}

// nearest is the lowest of the layers, none when there is none.
func nearest(layers ...int32) int32 {
	best := int32(none)
	for _, l := range layers {
		if l != none && (best == none || l < best) {
			best = l
		}
	}
	return best
}

// ancestry remembers what it found for the last folder: entries come folder by folder.
type ancestry struct {
	t    *tree
	dir  string
	by   int32
	once bool
}

// covered is the nearest layer above that hides what is in the path's folder.
func (a *ancestry) covered(p string) int32 {
	dir := path.Dir(p)
	if a.once && dir == a.dir {
		return a.by
	}
	a.dir, a.by, a.once = dir, none, true
	for {
		if n, ok := a.t.nodes[layer.Hash(dir)]; ok {
			a.by = nearest(a.by, n.covered)
		}
		if dir == "/" || p == "/" {
			return a.by
		}
		dir = path.Dir(dir)
	}
}

// shown is the entry that the final file system shows at a path.
func (t *tree) shown(p string) (ref, bool) {
	n, ok := t.nodes[layer.Hash(p)]
	return ref{int(n.layer), int(n.entry)}, ok && n.layer != none
}

// shows tells whether what the final file system shows at a path is that layer's.
func (t *tree) shows(i int, p string) bool {
	r, ok := t.shown(p)
	return ok && r.layer == i
}

func (t *tree) entries(r ref) *layer.Table { return &t.layers[r.layer].Entries }

func (t *tree) kind(r ref) layer.Kind { return t.entries(r).Kind(r.entry) }

// each visits every entry that the final file system shows, lowest layer first.
func (t *tree) each(visit func(r ref, e *layer.Table)) {
	for i, l := range t.layers {
		for j, by := range t.gone[i] {
			if k := l.Entries.Kind(j); by == none && k != layer.Whiteout && k != layer.Opaque {
				visit(ref{i, j}, &l.Entries)
			}
		}
	}
}

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

// resolve follows symbolic links to a file or a directory. The path is the one where it ends.
func (t *tree) resolve(p string) (at string, ok bool) {
	rest := strings.Split(strings.Trim(p, "/"), "/")
	at = "/"
	for hops := 0; len(rest) > 0; {
		next := path.Join(at, rest[0]) // ".." of the root is the root
		rest = rest[1:]
		r, there := t.shown(next)
		if !there && next != "/" && len(rest) == 0 {
			return next, false
		}
		if !there || t.kind(r) != layer.Symlink {
			at = next // a directory may lack an entry of its own
			continue
		}
		if hops++; hops > maxLinks {
			return next, false
		}
		target := t.entries(r).Link(r.entry)
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	return at, true
}

// takes tells whether a layer's whiteouts take away what lower layers have at a path.
func (t *tree) takes(i int, p string) bool {
	for _, w := range t.removes[i] {
		if p == w || strings.HasPrefix(p, strings.TrimSuffix(w, "/")+"/") {
			return true
		}
	}
	return false
}
