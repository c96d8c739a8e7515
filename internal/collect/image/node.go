package image

import (
	"path"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// devByManifest marks the packages of Node that a program names for its development alone, that
// are installed, and that nothing needs which the program needs. npm's own lock file knows
// better, where there is one. What an installed package's own manifest says for its development tells
// nothing: whoever packed it put into it what it needs.
func (t *tree) devByManifest(dev map[string]bool, o *owners) {
	manifests := map[string]layer.Manifest{} // by folder
	for i, l := range t.layers {
		for p, m := range l.Manifests {
			if t.shows(i, p) {
				manifests[path.Dir(p)] = m
			}
		}
	}
	for dir := range manifests {
		modules := path.Join(dir, "node_modules")
		if o.owner(path.Join(dir, "package.json")) != "" {
			continue
		}
		if _, locked := t.shown(path.Join(modules, ".package-lock.json")); locked {
			continue
		}
		var needed, only []string
		for d, m := range manifests {
			if d == dir || strings.HasPrefix(d, strings.TrimSuffix(dir, "/")+"/") { // a workspace
				needed, only = append(needed, m.Needs...), append(only, m.Dev...)
			}
		}
		t.markDev(dev, modules, needed, only)
	}
}

// markDev marks those of only in a folder of packages that the needed ones do not need.
func (t *tree) markDev(dev map[string]bool, modules string, needed, only []string) {
	if len(only) == 0 {
		return
	}
	needs := map[string][]string{} // by name, of every version
	for i, l := range t.layers {
		for p, names := range l.NodeNeeds {
			if strings.HasPrefix(p, modules+"/") && t.shows(i, p) {
				name := packageOf(p)
				needs[name] = append(needs[name], names...)
			}
		}
	}
	reached := map[string]bool{}
	for queue := needed; len(queue) > 0; queue = queue[1:] {
		if name := queue[0]; !reached[name] {
			reached[name] = true
			queue = append(queue, needs[name]...)
		}
	}
	for _, name := range only {
		at, there := t.resolve(path.Join(modules, name, "package.json"))
		if there && !reached[name] {
			dev[at] = true
		}
	}
}

// packageOf is "@scope/name" of ".../node_modules/@scope/name/package.json".
func packageOf(record string) string {
	const folder = "/node_modules/"
	return strings.TrimSuffix(record[strings.LastIndex(record, folder)+len(folder):], "/package.json")
}
