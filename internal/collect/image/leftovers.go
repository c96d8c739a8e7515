package image

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// leftoverNames tell by the last name of a path, leftoverFolders by that of a folder alone.
var (
	leftoverNames = map[string]string{
		".git": "vcs", ".hg": "vcs", ".svn": "vcs",
		"conftest.py": "tests", "pytest.ini": "tests",
		".idea": "editor", ".vscode": "editor", ".DS_Store": "editor",
		".github": "ci", ".gitlab-ci.yml": "ci", ".circleci": "ci", "Jenkinsfile": "ci",
		".dockerignore": "dockerfile", "compose.yml": "dockerfile", "compose.yaml": "dockerfile",
		".env": "env-file", "tests.py": "tests",
	}
	leftoverFolders = map[string]string{
		"test": "tests", "tests": "tests", "__tests__": "tests", "migrations": "migrations",
		".pytest_cache": "cache", ".mypy_cache": "cache", ".ruff_cache": "cache", ".tox": "cache",
	}
	// leftoverForms are names that begin and end so.
	leftoverForms = []struct{ kind, prefix, suffix string }{
		{"tests", "test_", ".py"}, {"tests", "", "_test.py"}, {"tests", "", "_test.go"}, {"tests", "", "_test.rb"}, {"tests", "", "_test.exs"}, {"tests", "", "_spec.rb"},
		{"tests", "", ".test.js"}, {"tests", "", ".test.ts"}, {"tests", "", ".test.jsx"}, {"tests", "", ".test.tsx"}, {"tests", "", ".test.mjs"}, {"tests", "", ".test.cjs"},
		{"tests", "", ".spec.js"}, {"tests", "", ".spec.ts"}, {"tests", "", ".spec.jsx"}, {"tests", "", ".spec.tsx"}, {"tests", "", ".spec.mjs"}, {"tests", "", ".spec.cjs"},
		{"migrations", "alembic", ""}, {"editor", ".", ".swp"}, {"editor", ".", ".swo"}, {"env-file", ".env.", ""},
		{"dockerfile", "Dockerfile", ""}, {"dockerfile", "Containerfile", ""}, {"dockerfile", "docker-compose", ".yml"}, {"dockerfile", "docker-compose", ".yaml"},
	}
)

// kindOf is the kind that a path's last name has, "" for most.
func kindOf(p string, folder bool) string {
	name := path.Base(p)
	if kind := leftoverNames[name]; kind != "" {
		return kind
	}
	if folder {
		if name == ".cache" && path.Base(path.Dir(p)) == "node_modules" {
			return "cache"
		}
		if kind := leftoverFolders[name]; kind != "" {
			return kind
		}
	}
	for _, f := range leftoverForms {
		if strings.HasPrefix(name, f.prefix) && strings.HasSuffix(name, f.suffix) {
			return f.kind
		}
	}
	return ""
}

// place is the topmost path that a kind fits.
type place struct{ kind, glob, path string }

// leftovers gathers what lies at or below such places, in every layer.
func (t *tree) leftovers(forbidden []string, o *owners) []evidence.Leftover {
	g := gathering{t: t, forbidden: contract.NewPaths(forbidden), owners: o, folders: map[string][]place{}, strays: t.strayVenvs(), routes: t.routes()}
	g.interpreters()
	for i := range t.layers {
		g.layer(i)
	}
	slices.SortFunc(g.out, func(a, b evidence.Leftover) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Path, b.Path), strings.Compare(a.Glob, b.Glob), cmp.Compare(a.Layer, b.Layer))
	})
	return g.out
}

type gathering struct {
	t         *tree
	forbidden contract.Paths
	owners    *owners
	folders   map[string][]place // what each folder lies in
	pythons   map[string]bool    // "3.12": versions that the final file system has
	strays    map[string]bool
	routes    map[string]bool
	out       []evidence.Leftover
}

func (g *gathering) layer(i int) {
	e := &g.t.layers[i].Entries
	at := map[place]*evidence.Leftover{}
	for j := range e.Len() {
		k := e.Kind(j)
		if k == layer.Whiteout || k == layer.Opaque || k == layer.Special {
			continue
		}
		p := e.Path(j)
		for _, pl := range g.places(p, k == layer.Dir) {
			l := at[pl]
			if l == nil {
				l = &evidence.Leftover{Kind: pl.kind, Glob: pl.glob, Path: pl.path, Layer: i, Reach: evidence.HistoryOnly}
				at[pl] = l
			}
			if g.t.gone[i][j] == none {
				l.Reach = evidence.Reachable
			}
			if k == layer.Dir {
				continue
			}
			// A place is a package's when all of its files are that package's.
			if owner := g.owners.owner(p); l.Files == 0 {
				l.Owner = owner
			} else if owner == "" {
				l.Owner = ""
			}
			l.Files++
			l.Bytes += e.Sizes[j]
		}
	}
	for _, l := range at {
		// A folder alone may be there since a lower layer; without a file it says nothing.
		if l.Files > 0 || l.Kind == "forbidden" {
			g.out = append(g.out, *l)
		}
	}
}

// places are those that a path is at or below.
func (g *gathering) places(p string, folder bool) []place {
	if folder {
		return g.folder(p)
	}
	above := g.folder(path.Dir(p))
	own := g.own(p, false, above)
	own = g.named(own, p)
	if version := bytecodeVersion(p); version != "" && !g.pythons[version] {
		own = append(own, place{"bytecode", "", path.Dir(p)})
	}
	if len(own) == 0 {
		return above
	}
	return append(slices.Clone(above), own...)
}

func (g *gathering) folder(dir string) []place {
	if known, ok := g.folders[dir]; ok {
		return known
	}
	var out []place
	if dir != "/" {
		above := g.folder(path.Dir(dir))
		out = append(slices.Clone(above), g.own(dir, true, above)...)
		if out = g.named(out, dir); g.strays[dir] {
			out = append(out, place{"host-venv", "", dir})
		}
	}
	g.folders[dir] = out
	return out
}

// own is the place that begins at a path: of a kind that no folder above it has.
func (g *gathering) own(p string, folder bool, above []place) []place {
	kind := kindOf(p, folder)
	if kind == "tests" && folder && (g.routes[p] || output.MatchString(p)) {
		return nil
	}
	if kind == "" || slices.ContainsFunc(above, func(pl place) bool { return pl.kind == kind }) {
		return nil
	}
	return []place{{kind, "", p}}
}

var (
	// output is what web frameworks make, with a folder for each route of the application.
	output = regexp.MustCompile(`/(?:\.next|_next|\.nuxt|\.output|\.svelte-kit)/`)
	// route is a file that makes its folder one (Next.js's app router, SvelteKit).
	route = regexp.MustCompile(`/(?:page|route|layout|\+page|\+server|\+layout)(?:\.server)?\.(?:jsx?|tsx?|mjs|svelte)$`)
)

// routes are the folders that a web framework serves under their names: /app/tests/page.js is
// the page /tests, and no test.
func (t *tree) routes() map[string]bool {
	out := map[string]bool{}
	for _, l := range t.layers {
		e := &l.Entries
		for i := range e.Len() {
			if p := e.Path(i); e.Is(i) && route.MatchString(p) {
				out[path.Dir(p)] = true
			}
		}
	}
	return out
}

// named adds the place that the contract names.
func (g *gathering) named(out []place, p string) []place {
	if len(g.forbidden) == 0 {
		return out
	}
	if glob, at := g.forbidden.Match(p); at == p {
		out = append(out, place{"forbidden", glob, p})
	}
	return out
}

// strayVenvs are virtual environments whose interpreter the final file system lacks: they
// were made on another machine.
func (t *tree) strayVenvs() map[string]bool {
	out := map[string]bool{}
	for _, l := range t.layers {
		for p, home := range l.Venvs {
			_, there := t.resolve(home + "/python3")
			_, plain := t.resolve(home + "/python")
			if path.IsAbs(home) && !there && !plain {
				out[path.Dir(p)] = true
			}
		}
	}
	return out
}

var (
	bytecode = regexp.MustCompile(`/__pycache__/[^/]+\.cpython-(\d)(\d+)(?:\.opt-\d)?\.pyc$`)
	python   = regexp.MustCompile(`/(?:bin/|lib/)python(\d\.\d+)$`)
)

// bytecodeVersion is the Python that a compiled module is for: "3.12".
func bytecodeVersion(p string) string {
	if !strings.HasSuffix(p, ".pyc") {
		return ""
	}
	if m := bytecode.FindStringSubmatch(p); m != nil {
		return m[1] + "." + m[2]
	}
	return ""
}

// interpreters notes the versions of Python that are there, by program or library.
func (g *gathering) interpreters() {
	g.pythons = map[string]bool{}
	g.t.each(func(r ref, e *layer.Table) {
		p := e.Path(r.entry)
		if !strings.HasPrefix(path.Base(p), "python") || e.Kind(r.entry) == layer.Dir {
			return
		}
		if m := python.FindStringSubmatch(p); m != nil {
			g.pythons[m[1]] = true
		}
	})
}
