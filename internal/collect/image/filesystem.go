package image

import (
	"hash/maphash"
	"maps"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// names is a set of paths. It keeps 64 bits of each, so that an image with a million
// files takes megabytes and not gigabytes; that two of its paths share them does not happen.
type names map[uint64]struct{}

var seed = maphash.MakeSeed()

func (n names) add(p string) { n[maphash.String(seed, p)] = struct{}{} }

func (n names) has(p string) bool {
	if len(n) == 0 {
		return false
	}
	_, ok := n[maphash.String(seed, p)]
	return ok
}

// fileSystem is the layers of an image, lowest first.
type fileSystem []*found

// owner is the layer whose entry the final file system shows at a path, -1 when there is none.
func (fs fileSystem) owner(p string) int {
	for i := len(fs) - 1; i >= 0; i-- {
		switch l := fs[i]; {
		case l.entries.has(p):
			return i
		case l.hides(p):
			return -1
		}
	}
	return -1
}

// hides tells whether a layer takes away what lower layers have at a path. A directory
// that became a file or a link takes its content along without a whiteout.
func (l *found) hides(p string) bool {
	if l.whiteouts.has(p) {
		return true
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if l.whiteouts.has(dir) || l.opaques.has(dir) || l.files.has(dir) {
			return true
		}
		if dir == "/" {
			return false
		}
	}
}

// maxLinks is how many symbolic links a path may lead through, as in Linux.
const maxLinks = 40

// exists tells whether a path leads to a file or a directory, through symbolic links.
func (fs fileSystem) exists(p string) bool {
	rest, at := strings.Split(strings.Trim(p, "/"), "/"), "/"
	for hops := 0; len(rest) > 0; {
		next := path.Join(at, rest[0]) // ".." of the root is the root
		rest = rest[1:]
		i := fs.owner(next)
		if i < 0 && next != "/" && len(rest) == 0 {
			return false
		}
		target, link := "", false
		if i >= 0 {
			target, link = fs[i].links[next]
		}
		if !link {
			at = next // a directory may lack an entry of its own
			continue
		}
		if hops++; hops > maxLinks {
			return false
		}
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	return true
}

// packages lists what the records of the final file system name.
func (fs fileSystem) packages() []evidence.Package {
	out := []evidence.Package{}
	dev := fs.devOnly()
	for i, l := range fs {
		for p, ps := range l.records {
			if fs.owner(p) != i {
				continue
			}
			for _, pkg := range ps {
				pkg.Dev = dev[p]
				pkg.Layer = fs.since(p, pkg, i)
				out = append(out, pkg)
			}
		}
	}
	out = dropNamedModules(out)
	slices.SortFunc(out, func(a, b evidence.Package) int {
		return strings.Compare(a.Ecosystem+"\x00"+a.Name+"\x00"+a.Path, b.Ecosystem+"\x00"+b.Name+"\x00"+b.Path)
	})
	return out
}

// since is the layer that brought a package. A record of many packages, such as dpkg's
// status, is written anew by each layer that installs one.
func (fs fileSystem) since(record string, pkg evidence.Package, layer int) int {
	for i := layer - 1; i >= 0; i-- {
		lower, ok := fs[i].records[record]
		if !ok && !fs[i].hides(record) {
			continue
		}
		if !ok || !slices.ContainsFunc(lower, func(p evidence.Package) bool { return p.Name == pkg.Name && p.Version == pkg.Version }) {
			break
		}
		layer = i
	}
	return layer
}

// devOnly are the records that a lock file of the final file system marks as development only.
func (fs fileSystem) devOnly() map[string]bool {
	dev := map[string]bool{}
	for i, l := range fs {
		for lock, records := range l.devLocks {
			if fs.owner(lock) != i {
				continue
			}
			for _, p := range records {
				dev[p] = true
			}
		}
	}
	return dev
}

func (fs fileSystem) tools() []evidence.Tool {
	out := []evidence.Tool{}
	for i, l := range fs {
		for _, p := range slices.Sorted(maps.Keys(l.tools)) {
			// A link that leads nowhere is no tool.
			if fs.owner(p) == i && fs.exists(p) {
				out = append(out, evidence.Tool{Name: l.tools[p], Path: p, Layer: i})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b evidence.Tool) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (fs fileSystem) goBinaries() []evidence.GoBinary {
	out := []evidence.GoBinary{}
	for i, l := range fs {
		for p, b := range l.programs {
			if fs.owner(p) == i {
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, func(a, b evidence.GoBinary) int { return strings.Compare(a.Path, b.Path) })
	return out
}
