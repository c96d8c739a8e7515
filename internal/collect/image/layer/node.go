package layer

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readNode reads the package.json of a package in a node_modules folder.
func (l *reading) readNode(p string, body []byte) {
	name, _ := nodePackage(p)
	var m struct{ Version any }
	// What cannot be parsed is still there under its folder's name.
	_ = json.Unmarshal(body, &m)
	version, _ := m.Version.(string)
	l.Records[p] = []evidence.Package{{Ecosystem: "node", Name: name, Version: version, Path: p}}
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

// readNodeLock notes the package.json of each package for development only.
func (l *reading) readNodeLock(p string, body []byte) {
	var lock struct {
		Packages map[string]struct{ Dev bool }
	}
	// A lock file that cannot be parsed marks nothing.
	_ = json.Unmarshal(body, &lock)
	root := path.Dir(path.Dir(p))
	out := []string{}
	for at, entry := range lock.Packages { // "node_modules/jest/node_modules/chalk"
		if entry.Dev {
			out = append(out, path.Join(root, at, "package.json"))
		}
	}
	slices.Sort(out)
	l.DevLocks[p] = out
}
