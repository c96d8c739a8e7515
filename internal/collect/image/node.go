package image

import (
	"encoding/json"
	"io"
	"path"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readNode reads the package.json of a package in a node_modules folder.
func readNode(p string, r io.Reader) ([]evidence.Package, bool) {
	name, ok := nodePackage(p)
	if !ok {
		return nil, false
	}
	var m struct{ Version any }
	// What cannot be parsed is still there under its folder's name.
	_ = json.NewDecoder(io.LimitReader(r, documentLimit)).Decode(&m)
	version, _ := m.Version.(string)
	return []evidence.Package{{Ecosystem: "node", Name: name, Version: version, Path: p}}, true
}

// nodePackage returns "name" or "@scope/name" from ".../node_modules/NAME/package.json":
// Node itself resolves by the folder's name, whatever the file says.
func nodePackage(p string) (string, bool) {
	dir, ok := strings.CutSuffix(p, "/package.json")
	if !ok {
		return "", false
	}
	parent, base := path.Split(dir)
	parent = path.Clean(parent)
	if scope := path.Base(parent); strings.HasPrefix(scope, "@") {
		parent, base = path.Dir(parent), scope+"/"+base
	}
	return base, path.Base(parent) == "node_modules"
}

// isNodeLock is for npm's "hidden" lock file (docs.npmjs.com, package-lock.json), which
// says of each installed package whether it is one for development only.
func isNodeLock(p string) bool { return strings.HasSuffix(p, "/node_modules/.package-lock.json") }

// readNodeLock returns the paths of the package.json of packages for development only.
func readNodeLock(p string, r io.Reader) []string {
	var lock struct {
		Packages map[string]struct{ Dev bool }
	}
	// A lock file that cannot be parsed marks nothing.
	_ = json.NewDecoder(r).Decode(&lock)
	root := path.Dir(path.Dir(p))
	var out []string
	for at, entry := range lock.Packages { // "node_modules/jest/node_modules/chalk"
		if entry.Dev {
			out = append(out, path.Join(root, at, "package.json"))
		}
	}
	return out
}
