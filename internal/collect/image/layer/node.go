package layer

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readNode reads the package.json of a package in a node_modules folder.
func (l *reading) readNode(p string, body []byte) {
	name, _ := nodePackage(p)
	// What cannot be parsed is still there under its folder's name.
	m := parseNode(body)
	version, _ := m.Version.(string)
	l.Records[p] = []evidence.Package{{Ecosystem: "node", Name: name, Version: version, Path: p}}
	if needs := m.needs(); len(needs) > 0 {
		l.NodeNeeds[p] = needs
	}
}

// Manifest is what the package.json of a program says; the values of secrets are masked.
type Manifest struct {
	Scripts map[string]string
	// Needs are the packages that it needs to run, and Dev those for its development alone.
	Needs, Dev []string
}

// nodeManifest is a package.json, as far as it says what is needed.
type nodeManifest struct {
	Version                                             any
	Scripts                                             map[string]any
	Dependencies, DevDependencies, OptionalDependencies map[string]any
	PeerDependencies                                    map[string]any
	PeerDependenciesMeta                                map[string]struct{ Optional bool }
}

// parseNode reads each field by itself: one of a wrong kind leaves the others readable.
func parseNode(body []byte) (m nodeManifest) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return m
	}
	for name, to := range map[string]any{"version": &m.Version, "scripts": &m.Scripts, "dependencies": &m.Dependencies, "devDependencies": &m.DevDependencies,
		"optionalDependencies": &m.OptionalDependencies, "peerDependencies": &m.PeerDependencies, "peerDependenciesMeta": &m.PeerDependenciesMeta} {
		if raw := fields[name]; raw != nil {
			_ = json.Unmarshal(raw, to)
		}
	}
	return m
}

func (m nodeManifest) needs() []string {
	var out []string
	for _, names := range []map[string]any{m.Dependencies, m.OptionalDependencies, m.PeerDependencies} {
		for name := range names {
			if !m.PeerDependenciesMeta[name].Optional && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// mostScripts bounds the scripts that are kept of one package.json.
const mostScripts = 100

// readManifest reads the package.json of a program.
func (l *reading) readManifest(p string, body []byte) {
	m := parseNode(body)
	out := Manifest{Needs: m.needs(), Dev: slices.Sorted(maps.Keys(m.DevDependencies))}
	for _, name := range slices.Sorted(maps.Keys(m.Scripts)) {
		if command, ok := m.Scripts[name].(string); ok && len(out.Scripts) < mostScripts {
			if out.Scripts == nil {
				out.Scripts = map[string]string{}
			}
			out.Scripts[name] = cut(masked(command))
		}
	}
	if out.Scripts != nil || out.Needs != nil || out.Dev != nil {
		l.Manifests[p] = out
	}
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
