package image

import (
	"path"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// dropNamedModules leaves out modules for which the same site directory has metadata of
// the same name, and all but one of the modules that have the same name there.
func dropNamedModules(ps []evidence.Package) []evidence.Package {
	type key struct{ site, name string }
	named, modules := map[key]bool{}, map[key]int{}
	for _, p := range ps {
		if _, ok := layer.PythonRecord(p.Path); ok && p.Ecosystem == "python" {
			named[key{siteOf(p.Path), p.Name}] = true
		}
	}
	out := ps[:0]
	for _, p := range ps {
		if p.Ecosystem != "python" || layer.PythonModule(p.Path) == "" {
			out = append(out, p)
			continue
		}
		k := key{siteOf(p.Path), p.Name}
		if named[k] {
			continue
		}
		if i, twice := modules[k]; twice {
			if p.Path > out[i].Path { // a stable choice: "pytest/" rather than "_pytest/"
				out[i] = p
			}
			continue
		}
		modules[k] = len(out)
		out = append(out, p)
	}
	return out
}

// siteOf is the path up to the site directory; "/" for metadata outside of one.
func siteOf(p string) string {
	dir := path.Dir(p)
	for dir != "/" && !layer.IsSite(dir) {
		dir = path.Dir(dir)
	}
	return dir
}
