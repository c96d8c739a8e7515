package build

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/evidence"
)

// compareLayers pairs the layers of two images by their place, and says of those with
// different diffIDs which files differ.
func compareLayers(a, b v1.Image) ([]evidence.LayerPair, error) {
	var configs [2]*v1.ConfigFile
	var layers [2][]v1.Layer
	for i, img := range []v1.Image{a, b} {
		var err error
		if configs[i], err = img.ConfigFile(); err != nil {
			return nil, fmt.Errorf("reading the configuration of build %d: %w", i+1, err)
		}
		if layers[i], err = img.Layers(); err != nil {
			return nil, fmt.Errorf("reading the layers of build %d: %w", i+1, err)
		}
	}
	makers := createdBy(configs[0])
	var out []evidence.LayerPair
	for i := range min(len(layers[0]), len(layers[1])) {
		ids := [2]string{configs[0].RootFS.DiffIDs[i].String(), configs[1].RootFS.DiffIDs[i].String()}
		if ids[0] == ids[1] {
			continue
		}
		pair := evidence.LayerPair{Index: i, DiffIDs: ids}
		if len(makers) == len(layers[0]) {
			pair.CreatedBy = makers[i]
		}
		var contents [2]contents
		for n := range contents {
			var err error
			if contents[n], err = contentsOf(layers[n][i]); err != nil {
				return nil, fmt.Errorf("reading layer %d of build %d: %w", i+1, n+1, err)
			}
		}
		pair.Files, pair.Count = differences(contents[0], contents[1])
		pair.Reordered = pair.Count == 0 && !slices.Equal(contents[0].order, contents[1].order)
		out = append(out, pair)
	}
	return out, nil
}

// createdBy are the instructions of the steps that made a layer.
func createdBy(c *v1.ConfigFile) []string {
	var out []string
	for _, h := range c.History {
		if !h.EmptyLayer {
			out = append(out, h.CreatedBy)
		}
	}
	return out
}

// contents is a layer's entries, by path and in their order.
type contents struct {
	order   []string
	entries map[string]entry
}

type entry struct {
	tar.Header
	sum [sha256.Size]byte
}

func contentsOf(l v1.Layer) (contents, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return contents{}, err
	}
	out, err := readContents(r)
	return out, errors.Join(err, r.Close())
}

func readContents(r io.Reader) (contents, error) {
	out := contents{entries: map[string]entry{}}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, t); err != nil {
			return out, fmt.Errorf("%s: %w", h.Name, err)
		}
		e := entry{Header: *h}
		sum.Sum(e.sum[:0])
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		out.order = append(out.order, name)
		out.entries[name] = e
	}
}

// mostDifferences bounds what is kept of a layer of which every file differs.
const mostDifferences = 50

func differences(a, b contents) (files []evidence.FileDifference, count int) {
	names := slices.Sorted(maps.Keys(a.entries))
	for name := range b.entries {
		if _, ok := a.entries[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if d := difference(name, a.entries, b.entries); len(d.What) > 0 {
			files = append(files, d)
		}
	}
	// Times alone come last: they differ in every folder that a step wrote to.
	slices.SortStableFunc(files, func(x, y evidence.FileDifference) int {
		return cmp.Compare(timesAlone(x), timesAlone(y))
	})
	return files[:min(len(files), mostDifferences)], len(files)
}

func timesAlone(d evidence.FileDifference) int {
	if slices.Equal(d.What, []string{"mtime"}) {
		return 1
	}
	return 0
}

func difference(name string, a, b map[string]entry) evidence.FileDifference {
	d := evidence.FileDifference{Path: name}
	x, inA := a[name]
	y, inB := b[name]
	switch {
	case !inB:
		d.What = []string{"first"}
		return d
	case !inA:
		d.What = []string{"second"}
		return d
	}
	for _, c := range []struct {
		what string
		same bool
	}{
		{"type", x.Typeflag == y.Typeflag},
		{"link", x.Linkname == y.Linkname},
		{"size", x.Size == y.Size},
		{"content", x.sum == y.sum},
		{"mode", x.Mode == y.Mode},
		{"owner", x.Uid == y.Uid && x.Gid == y.Gid && x.Uname == y.Uname && x.Gname == y.Gname},
		{"xattrs", maps.Equal(xattrs(x), xattrs(y))},
		{"mtime", x.ModTime.Equal(y.ModTime)},
	} {
		if !c.same {
			d.What = append(d.What, c.what)
		}
	}
	if slices.Contains(d.What, "mtime") {
		d.Times = []int64{x.ModTime.Unix(), y.ModTime.Unix()}
	}
	return d
}

// xattrs are the extended attributes among the PAX records; others, such as mtime, repeat
// what the header says.
func xattrs(e entry) map[string]string {
	out := maps.Clone(e.PAXRecords)
	maps.DeleteFunc(out, func(k, _ string) bool { return !strings.HasPrefix(k, "SCHILY.xattr.") })
	return out
}
