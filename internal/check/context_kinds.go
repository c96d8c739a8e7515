package check

import (
	"math"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// junk is something that lies in build contexts and that no build needs.
type junk struct {
	names []string // of a folder or a file, as in path.Match
	what  string
	// sent and unsent are the sizes in bytes from which it is a fault, where an instruction
	// takes it along with other things, and where none does.
	sent, unsent int64
}

const (
	never = math.MaxInt64
	big   = 5 << 20 // a file
	bulky = 1 << 20 // a cache, a log
)

var junks = []junk{
	// At any size: it changes by itself, or is made of a hundred thousand files.
	{[]string{".git", ".hg", ".svn", ".bzr", ".jj"}, "version control data", 0, 0},
	{[]string{"node_modules"}, "installed packages of Node", 0, 0},
	{[]string{"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".eggs", ".ipynb_checkpoints",
		".cache", ".npm", ".pnpm-store", ".parcel-cache", ".turbo", ".vite", ".gradle", ".nuget", ".nyc_output", "htmlcov", ".terraform", ".direnv"}, "a tool's cache", 0, bulky},
	{[]string{"*.log", "core", "core.[0-9]*", "*.hprof", "*.dmp"}, "a log or a dump of memory", bulky, bulky},
	{[]string{"*.iso", "*.qcow2", "*.vmdk"}, "a disk image", bulky, bulky},
}

var (
	venvJunk  = junk{what: "a virtual environment"}
	cacheJunk = junk{what: "a tool's cache (it has a CACHEDIR.TAG)", unsent: bulky}
	// bigJunk may be what the image is for, where an instruction takes it.
	bigJunk = junk{what: "a big file", sent: never, unsent: big}
	// idleJunk is a folder of files that are not big, and that no instruction takes.
	idleJunk = junk{what: "a folder", sent: never, unsent: 4 * big}
)

// junkKind finds the topmost part of a path that is junk by its name: "web/node_modules".
func junkKind(p string) (at string, found bool) {
	at, _, found = junkAt(p, nil)
	return at, found
}

// junkAt does so by names, and by what marks folders: where one of those lies.
func junkAt(p string, marked map[string]junk) (at string, kind junk, found bool) {
	parts := strings.Split(strings.TrimSuffix(p, "/"), "/")
	for i, name := range parts {
		at := strings.Join(parts[:i+1], "/")
		if k, ok := marked[at]; ok {
			return at, k, true
		}
		for _, k := range junks {
			if slices.ContainsFunc(k.names, func(n string) bool { ok, err := path.Match(n, name); return ok && err == nil }) {
				return at, k, true
			}
		}
	}
	return "", junk{}, false
}

// marks are the folders that a file in them gives away.
func marks(entries []evidence.ContextEntry) map[string]junk {
	out := map[string]junk{}
	for _, e := range entries {
		dir := path.Dir(e.Path)
		switch {
		case dir == ".":
		case path.Base(e.Path) == "pyvenv.cfg":
			out[dir] = venvJunk
		case path.Base(e.Path) == "CACHEDIR.TAG" && out[dir].what == "":
			out[dir] = cacheJunk
		}
	}
	return out
}
