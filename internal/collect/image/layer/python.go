package layer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/textproto"
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// isPython is for a distribution's metadata (packaging.python.org, "Core metadata"), and for
// a module that can be imported from a site directory.
func isPython(p string) bool {
	if _, ok := PythonRecord(p); ok {
		return true
	}
	return PythonModule(p) != ""
}

func (l *reading) readPython(p string, body []byte) {
	stem, ok := PythonRecord(p)
	if !ok {
		l.Records[p] = []evidence.Package{{Ecosystem: "python", Name: PythonName(PythonModule(p)), Path: p}}
		return
	}
	name, version, _ := strings.Cut(stem, "-")
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(body))).ReadMIMEHeader()
	// What cannot be parsed is still installed: its folder's name says as what.
	if n := h.Get("Name"); n != "" {
		name, version = n, h.Get("Version")
	}
	version, _, _ = strings.Cut(version, "-py3") // "1.0-py3.11" of an egg's name
	l.Records[p] = []evidence.Package{{Ecosystem: "python", Name: PythonName(name), Version: version, Path: p}}
}

// readPythonRecord reads which files a distribution installed: paths that are relative to
// the site directory, or absolute.
func (l *reading) readPythonRecord(p string, body []byte) {
	owner, site := pythonOwner(p), path.Dir(path.Dir(p))
	for line := range strings.Lines(string(body)) {
		file, _, _ := strings.Cut(line, ",") // a path with a comma is quoted, and rare enough
		if file = strings.Trim(file, "\" \r\n"); file == "" {
			continue
		}
		if !path.IsAbs(file) {
			file = path.Join(site, file)
		}
		l.Owned[owner] = append(l.Owned[owner], Hash(file))
	}
}

// pythonOwner names the distribution of a file in a .dist-info folder.
func pythonOwner(p string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(path.Dir(p)), ".dist-info"), "-")
	return "python:" + PythonName(name)
}

// readPythonOrigin tells of a distribution that it was installed from the builder's files (PEP
// 610), which is how an image's own project gets into a site directory.
func (l *reading) readPythonOrigin(p string, body []byte) {
	var origin struct{ URL string }
	// What cannot be parsed names no folder.
	if _ = json.Unmarshal(body, &origin); strings.HasPrefix(origin.URL, "file:") {
		l.Local[pythonOwner(p)] = true
	}
}

// PythonRecord returns "NAME-VERSION" from the path of a metadata file. Folders for
// packages other than site-packages count too (`pip install --target`); copies that a
// package carries inside of itself do not, they cannot be imported.
func PythonRecord(p string) (stem string, ok bool) {
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
	return stem, IsSite(parent) || !strings.Contains(parent, "/site-packages/") && !strings.Contains(parent, "/dist-packages/")
}

// PythonModule returns the name of a top-level module of a site directory.
func PythonModule(p string) string {
	dir, base := path.Split(p)
	dir = path.Clean(dir)
	switch base {
	case "__init__.py", "__init__.pyc":
		if IsSite(path.Dir(dir)) {
			return path.Base(dir)
		}
		return ""
	}
	stem, ok := strings.CutSuffix(strings.TrimSuffix(base, "c"), ".py")
	if !ok || !IsSite(dir) {
		return ""
	}
	return stem
}

// IsSite is for a directory of packages of Python.
func IsSite(dir string) bool {
	base := path.Base(dir)
	return base == "site-packages" || base == "dist-packages"
}

var pythonSeparators = regexp.MustCompile(`[-_.]+`)

// PythonName normalises as PEP 503 does. A private module stands for its public name:
// "_pytest" is pytest.
func PythonName(s string) string {
	return pythonSeparators.ReplaceAllString(strings.Trim(strings.ToLower(s), "_"), "-")
}
