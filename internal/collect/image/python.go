package image

import (
	"bufio"
	"io"
	"net/textproto"
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readPython reads a distribution's metadata (packaging.python.org, "Core metadata"), or
// takes a module that can be imported from a site directory by its name.
func readPython(p string, r io.Reader) ([]evidence.Package, bool) {
	if stem, ok := pythonRecord(p); ok {
		name, version, _ := strings.Cut(stem, "-")
		h, _ := textproto.NewReader(bufio.NewReader(r)).ReadMIMEHeader()
		// What cannot be parsed is still installed: its folder's name says as what.
		if n := h.Get("Name"); n != "" {
			name, version = n, h.Get("Version")
		}
		version, _, _ = strings.Cut(version, "-py3") // "1.0-py3.11" of an egg's name
		return []evidence.Package{{Ecosystem: "python", Name: pythonName(name), Version: version, Path: p}}, true
	}
	if module := pythonModule(p); module != "" {
		return []evidence.Package{{Ecosystem: "python", Name: pythonName(module), Path: p}}, true
	}
	return nil, false
}

// pythonRecord returns "NAME-VERSION" from the path of a metadata file. Folders for
// packages other than site-packages count too (`pip install --target`); copies that a
// package carries inside of itself do not, they cannot be imported.
func pythonRecord(p string) (stem string, ok bool) {
	dir, base := path.Split(p)
	folder := path.Clean(dir)
	switch {
	case base == "METADATA" && strings.HasSuffix(folder, ".dist-info"):
		stem = strings.TrimSuffix(path.Base(folder), ".dist-info")
	case base == "PKG-INFO" && strings.HasSuffix(folder, ".egg-info"):
		stem = strings.TrimSuffix(path.Base(folder), ".egg-info")
	case base == "PKG-INFO" && strings.HasSuffix(folder, ".egg/EGG-INFO"):
		folder = path.Dir(folder)
		stem = strings.TrimSuffix(path.Base(folder), ".egg")
	case strings.HasSuffix(base, ".egg-info"): // Debian has it as a file
		folder = p
		stem = strings.TrimSuffix(base, ".egg-info")
	default:
		return "", false
	}
	parent := path.Dir(folder)
	return stem, isSite(parent) || !strings.Contains(parent, "/site-packages/") && !strings.Contains(parent, "/dist-packages/")
}

// pythonModule returns the name of a top-level module of a site directory.
func pythonModule(p string) string {
	dir, base := path.Split(p)
	dir = path.Clean(dir)
	switch base {
	case "__init__.py", "__init__.pyc":
		if isSite(path.Dir(dir)) {
			return path.Base(dir)
		}
		return ""
	}
	stem, ok := strings.CutSuffix(strings.TrimSuffix(base, "c"), ".py")
	if !ok || !isSite(dir) {
		return ""
	}
	return stem
}

func isSite(dir string) bool {
	base := path.Base(dir)
	return base == "site-packages" || base == "dist-packages"
}

var pythonSeparators = regexp.MustCompile(`[-_.]+`)

// pythonName normalises as PEP 503 does. A private module stands for its public name:
// "_pytest" is pytest.
func pythonName(s string) string {
	return pythonSeparators.ReplaceAllString(strings.Trim(strings.ToLower(s), "_"), "-")
}

// dropNamedModules leaves out modules for which the same site directory has metadata of
// the same name, and all but one of the modules that have the same name there.
func dropNamedModules(ps []evidence.Package) []evidence.Package {
	type key struct{ site, name string }
	named, modules := map[key]bool{}, map[key]int{}
	for _, p := range ps {
		if _, ok := pythonRecord(p.Path); ok && p.Ecosystem == "python" {
			named[key{siteOf(p.Path), p.Name}] = true
		}
	}
	out := ps[:0]
	for _, p := range ps {
		if p.Ecosystem != "python" || pythonModule(p.Path) == "" {
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
	for dir != "/" && !isSite(dir) {
		dir = path.Dir(dir)
	}
	return dir
}
