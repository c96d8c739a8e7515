//go:build e2e

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/mutants"
)

// observe does with a build what a run does, and judges it.
func observe(t *testing.T, e *docker.Engine, s Spec, b contract.Build) map[string]check.Verdict {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := Build(t.Context(), e, s, nil)
	must(err)
	if first.Error != "" {
		t.Fatal(first.Error, first.Log)
	}
	files, err := Context(t.Context(), s, first.Request, check.ListedAlone)
	must(err)
	again := func(c check.Change) *evidence.Rebuild {
		if len(c.Files) == 0 {
			return &evidence.Rebuild{}
		}
		s := s
		s.Matters = c.Matters
		r, err := Rebuild(t.Context(), e, s, c.Files)
		must(err)
		if len(c.Files) > 1 && check.Invalidates(b, first, r) {
			for _, f := range c.Files {
				one, err := Rebuild(t.Context(), e, s, []string{f})
				must(err)
				if r.Alone = append(r.Alone, one); check.Invalidates(b, first, one) {
					break
				}
			}
		}
		t.Logf("changed %v: %.2f s, %d more builds", c.Files, r.Seconds, len(r.Alone))
		return &r
	}
	x := evidence.Evidence{Build: &first, Context: &files}
	x.Rebuild = again(check.SourceChange(b, first, files))
	x.LockRebuild = again(check.LockChange(b, first, files))
	out := map[string]check.Verdict{}
	for _, v := range check.Judge(check.Catalogue(), contract.Contract{Build: &b, Image: s.Name}, x) {
		if strings.HasPrefix(v.Check.ID, "build/") {
			t.Logf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
			out[v.Check.ID] = v
		}
	}
	return out
}

const (
	cached = "build/dependency-layer-cached"
	locked = "build/lockfile-change-rebuilds"
	frozen = "build/frozen-dependencies"
	lean   = "build/context-lean"
)

// The tool stands in for npm, which finds its files by itself.
func npm(lines ...string) string {
	return "FROM scratch AS builder\nARG RUN_ID\nCOPY tool /npm\n" + strings.Join(lines, "\n") + "\nFROM scratch\nCOPY --from=builder /npm /npm\n"
}

func TestE2EFaults(t *testing.T) {
	e := engine(t)
	files := map[string]string{"package.json": "{}", "package-lock.json": "{}", "src/main.js": "code", "src/style.css": "", "build-time.txt": "12:00", "README.md": "x", ".dockerignore": "*.md\n"}
	const install, compile = `RUN ["/npm", "ci", "/installed"]`, `RUN ["/npm", "write", "/compiled"]`
	for _, c := range []struct {
		name  string
		lines []string
		more  map[string]string
		fails map[string][]string // what each broken promise says; all others hold
	}{
		{"good", []string{"COPY package.json package-lock.json /", install, "COPY src /src", compile}, nil, nil},
		{"good by mounts", []string{`RUN --mount=type=bind,source=package.json,target=/package.json --mount=type=bind,source=package-lock.json,target=/package-lock.json --mount=type=cache,target=/cache ["/npm", "ci"]`, "COPY src /src", compile}, nil, nil},
		{"source before dependencies", []string{"COPY src /src", "COPY package.json package-lock.json /", install, compile}, nil,
			map[string][]string{cached: {"Dockerfile:6, ", `"COPY src /src" (line 4), which holds src/main.js`, `RUN [\"/npm\", \"ci\"`}}},
		{"all copied first", []string{"COPY . /", install, compile}, nil,
			map[string][]string{cached: {"Dockerfile:5, ", `"COPY . /" (line 4), which holds src/main.js`}}},
		{"no lock file", []string{"COPY package.json /", `RUN ["/npm", "install"]`, "COPY src /src", compile}, nil,
			map[string][]string{frozen: {"Dockerfile:5, ", "npm install"}}},
		{"a lock file that comes too late", []string{"COPY package.json /", `RUN ["/npm", "install"]`, "COPY . /", compile}, nil,
			map[string][]string{frozen: {"Dockerfile:5, "}, locked: {"Dockerfile:5, ", `"COPY . /" (line 6)`}}},
		{"a timestamp", []string{"ADD build-time.txt /", "COPY package.json package-lock.json /", install, "COPY src /src", compile}, nil,
			map[string][]string{cached: {"Dockerfile:6, ", `"ADD build-time.txt /" (line 4), which holds build-time.txt`}}},
		{"a cache mount only", []string{"COPY . /", `RUN --mount=type=cache,target=/cache ["/npm", "ci", "/installed"]`, compile}, nil,
			map[string][]string{cached: {`"COPY . /" (line 4)`, "its cache mount spares downloads"}}},
		{"ballast", []string{"COPY package.json package-lock.json /", install, "COPY . /src", compile}, map[string]string{".git/HEAD": "x", "web/node_modules/a/index.js": "x", "dump.sql": strings.Repeat("x", 6<<20)},
			map[string][]string{lean: {"version control data", "web/node_modules", `"COPY . /src" (line 6)`, "\n.git\nweb/node_modules"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{"Dockerfile": npm(c.lines...)}
			for name, text := range files {
				all[name] = text
			}
			for name, text := range c.more {
				all[name] = text
			}
			s := spec(t, all)
			// Each case has a tool of its own, as the steps before the first RUN_ID are the same.
			put(t, filepath.Join(s.Context, "package.json"), fmt.Sprintf("{\"n\": %d}", time.Now().UnixNano()))
			before := tree(t, s.Context)
			for id, v := range observe(t, e, s, contract.Build{Context: ".", Dockerfile: "Dockerfile"}) {
				want := c.fails[id]
				if want == nil && (v.Status == check.Fail || v.Status == check.Inconclusive) {
					t.Errorf("%s: %s: %s", id, v.Status, v.Seen)
				}
				text := v.Seen + "\n" + v.Fix
				for _, f := range v.Findings {
					text += "\n" + f.Where + ": " + f.Message
				}
				if want != nil && v.Status != check.Fail {
					t.Errorf("%s: %s, want a fail", id, v.Status)
				}
				for _, w := range want {
					if !strings.Contains(text, w) {
						t.Errorf("%s does not say %q:\n%s", id, w, text)
					}
				}
			}
			if after := tree(t, s.Context); after != before {
				t.Errorf("the folder changed: %s, before %s", after, before)
			}
		})
	}
}

// What the truth table says of the two examples and of the mutant that copies too early
// holds for a build alone. The other mutants are built on the examples' images.
func TestE2ETruth(t *testing.T) {
	e := engine(t)
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range table {
		if image.Base != "" && image.Name != "copies-source-first" {
			continue
		}
		t.Run(image.Name, func(t *testing.T) {
			promised, err := contract.Load(filepath.Join("../../../mutants", image.Contract))
			if err != nil {
				t.Fatal(err)
			}
			args := map[string]string{}
			for _, name := range promised.Build.Args {
				if args[name] = os.Getenv(name); args[name] == "" {
					t.Skipf("%s names no image", name)
				}
			}
			// With the files that the contract names, and with a sample.
			for _, files := range [][]string{promised.Build.Sources(), nil} {
				b := *promised.Build
				b.SourceFile, b.SourceFiles = "", files
				s := spec(t, nil)
				s.Context, s.Dockerfile, s.Args = promised.Path(b.Context), promised.Path(b.Dockerfile), args
				before := tree(t, s.Context)
				for id, v := range observe(t, e, s, b) {
					if want := slices.Contains(image.Fails, id); (v.Status == check.Fail) != want || v.Status == check.Inconclusive {
						t.Errorf("%s: %s: %s", id, v.Status, v.Seen)
					}
				}
				if after := tree(t, s.Context); after != before {
					t.Errorf("the folder changed: %s, before %s", after, before)
				}
			}
		})
	}
}

func TestE2EReproduce(t *testing.T) {
	e := engine(t)
	for _, c := range []struct {
		name, dockerfile string
		layer            int
		what             string // of the file that differs
	}{
		{"what is copied", "FROM scratch\nCOPY tool /tool\n", 0, ""},
		{"a time in a file", "FROM scratch\nCOPY tool /tool\nRUN [\"/tool\", \"date\", \"/stamp\"]\n", 1, "content"},
		{"the time of a file", "FROM scratch\nCOPY tool /tool\nRUN [\"/tool\", \"touch\", \"/a\"]\n", 1, "mtime"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spec(t, map[string]string{"Dockerfile": c.dockerfile})
			names := [2]string{s.Name + "-1", s.Name + "-2"}
			t.Cleanup(func() {
				for _, n := range names {
					if err := e.RemoveImage(context.WithoutCancel(t.Context()), n); err != nil {
						t.Error(err)
					}
				}
			})
			dir := t.TempDir()
			r, err := Reproduce(t.Context(), e, s, names, DefaultEpoch, dir, nil)
			if err != nil || r.Error != "" {
				t.Fatal(err, r.Error)
			}
			t.Logf("%+v", r)
			differs := len(r.Layers) == 1 && r.Layers[0].Index == c.layer && len(r.Layers[0].Files) > 0 && strings.Contains(strings.Join(r.Layers[0].Files[0].What, " "), c.what)
			if c.what == "" && len(r.Layers) > 0 || c.what != "" && !differs {
				t.Errorf("differs in %+v, want %q in layer %d", r.Layers, c.what, c.layer)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left %v (%v)", left, err)
			}
		})
	}
}
