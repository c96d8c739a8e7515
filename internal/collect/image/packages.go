package image

import (
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// packages lists what the records of the final file system name.
func (t *tree) packages(o *owners) []evidence.Package {
	out := append([]evidence.Package{}, t.namedPackages()...)
	dev := t.devOnly(o)
	for i := range out {
		out[i].Dev = dev[out[i].Path]
	}
	for i, l := range t.layers {
		for p, ps := range l.Records {
			if !t.shows(i, p) {
				continue
			}
			for _, pkg := range ps {
				pkg.Dev, pkg.Own = dev[p], o.local[pkg.Ecosystem+":"+pkg.Name]
				pkg.Layer = t.since(p, pkg, i)
				out = append(out, pkg)
			}
		}
	}
	byPath := func(a, b evidence.Package) int {
		return strings.Compare(a.Ecosystem+"\x00"+a.Name+"\x00"+a.Path, b.Ecosystem+"\x00"+b.Name+"\x00"+b.Path)
	}
	slices.SortFunc(out, byPath)
	out = dropNamedModules(out)
	slices.SortFunc(out, byPath)
	return out
}

// since is the layer that brought a package. A record of many packages, such as dpkg's
// status, is written anew by each layer that installs one.
func (t *tree) since(record string, pkg evidence.Package, at int) int {
	for i := at - 1; i >= 0; i-- {
		lower, ok := t.layers[i].Records[record]
		if !ok && !t.takes(i, record) {
			continue
		}
		if !ok || !slices.ContainsFunc(lower, func(p evidence.Package) bool { return p.Name == pkg.Name && p.Version == pkg.Version }) {
			break
		}
		at = i
	}
	return at
}

// devOnly are the records that a lock file of the final file system marks as development only.
func (t *tree) devOnly(o *owners) map[string]bool {
	dev := map[string]bool{}
	for i, l := range t.layers {
		for lock, records := range l.DevLocks {
			if !t.shows(i, lock) {
				continue
			}
			for _, p := range records {
				dev[p] = true
			}
		}
	}
	t.devByManifest(dev, o)
	return dev
}

func (t *tree) goBinaries() []evidence.GoBinary {
	out := []evidence.GoBinary{}
	for i, l := range t.layers {
		for p, b := range l.GoBinaries {
			if t.shows(i, p) {
				b.Layer = i
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, func(a, b evidence.GoBinary) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (t *tree) tools() []evidence.Tool {
	out := []evidence.Tool{}
	t.each(func(r ref, e *layer.Table) {
		k := e.Kind(r.entry)
		if k != layer.Symlink && !(e.Is(r.entry) && e.Modes[r.entry]&layer.Executable != 0) {
			return
		}
		p := e.Path(r.entry)
		name := toolName(p)
		if name == "" {
			return
		}
		// A link that leads nowhere is no tool.
		if _, ok := t.resolve(p); ok {
			out = append(out, evidence.Tool{Name: name, Path: p, Layer: r.layer})
		}
	})
	slices.SortFunc(out, func(a, b evidence.Tool) int { return strings.Compare(a.Path, b.Path) })
	return out
}
