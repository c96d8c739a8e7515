//go:build e2e

// Needs a Docker engine, and the go command; no base image and no network.

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// tool stands in for compilers and package managers: scratch has nothing else.
const tool = `package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	switch os.Args[1] {
	case "fail":
		for i := range 60 {
			fmt.Println("line", i)
		}
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "date":
		if err := os.WriteFile(os.Args[2], []byte(time.Now().String()), 0o644); err != nil {
			panic(err)
		}
	case "touch": // some time of this year
		then := time.Now().Add(-time.Duration(rand.IntN(300*24)) * time.Hour)
		if err := errors.Join(os.WriteFile(os.Args[2], []byte("x"), 0o644), os.Chtimes(os.Args[2], then, then)); err != nil {
			panic(err)
		}
	case "write":
		if err := os.WriteFile(os.Args[2], []byte("x"), 0o644); err != nil {
			panic(err)
		}
	}
}
`

// folder is a build context with the tool, and the files given.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, src := t.TempDir(), filepath.Join(t.TempDir(), "tool.go")
	put(t, src, tool)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "tool"), src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func engine(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func spec(t *testing.T, files map[string]string) Spec {
	t.Helper()
	dir := folder(t, files)
	s := Spec{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), Name: "podproof.local/build-e2e:" + strings.NewReplacer("/", "-", " ", "-").Replace(strings.ToLower(t.Name())),
		// Without it a step of an earlier run of this test would come from the cache.
		Args: map[string]string{"RUN_ID": fmt.Sprint(time.Now().UnixNano())}}
	t.Cleanup(func() {
		// Of the same engine: both look at DOCKER_HOST and the context. It fails where the build was to fail.
		_ = exec.Command("docker", "image", "rm", "--force", s.Name).Run()
	})
	return s
}

func named(t *testing.T, steps []evidence.BuildStep, part string) evidence.BuildStep {
	t.Helper()
	for _, s := range steps {
		if strings.Contains(s.Name, part) {
			return s
		}
	}
	t.Fatalf("no step with %q among %+v", part, steps)
	return evidence.BuildStep{}
}

func TestE2EBuild(t *testing.T) {
	e := engine(t)
	s := spec(t, map[string]string{"Dockerfile": "FROM scratch AS app\nARG RUN_ID\nCOPY tool /tool\nRUN [\"/tool\", \"write\", \"/a\"]\nLABEL a=$RUN_ID\n"})
	var seen []string
	want := []string{"tool"}
	b, err := Build(t.Context(), e, s, func(step string) { seen = append(seen, step) })
	if err != nil || b.Error != "" {
		t.Fatal(err, b.Error)
	}
	img, err := e.Image(t.Context(), s.Name)
	if err != nil || img.ID != b.ImageID || !strings.HasPrefix(b.ImageID, "sha256:") {
		t.Errorf("image %+v, %v; the build says %s", img, err, b.ImageID)
	}
	run := named(t, b.Steps, "RUN")
	if !strings.HasPrefix(run.Instruction, "RUN [") || !run.Completed || run.Cached || len(run.Inputs) == 0 {
		t.Errorf("RUN step %+v", run)
	}
	if len(seen) == 0 {
		t.Error("no progress was told")
	}
	if run.Line != 4 || len(b.Instructions) != 5 || b.Request == nil || !slices.Equal(b.Request.Paths, want) {
		t.Errorf("line %d, %d instructions, asked for %+v", run.Line, len(b.Instructions), b.Request)
	}
}

func TestE2EMissing(t *testing.T) {
	e := engine(t)
	s := spec(t, nil)
	b, err := Build(t.Context(), e, s, nil)
	if err != nil || b.MissingPath != s.Dockerfile {
		t.Errorf("missing Dockerfile: %+v, %v", b, err)
	}
	s.Context = filepath.Join(s.Context, "none")
	if b, err = Build(t.Context(), e, s, nil); err != nil || b.MissingPath != s.Context {
		t.Errorf("missing context: %+v, %v", b, err)
	}
}

func TestE2EFailures(t *testing.T) {
	e := engine(t)
	for _, c := range []struct{ name, dockerfile, want, shows string }{
		{"step", "FROM scratch\nCOPY tool /tool\nRUN [\"/tool\", \"fail\"]\n", `step "[2/2] RUN [\"/tool\", \"fail\"]" failed: `, `>>> RUN ["/tool", "fail"]`},
		{"copy", "FROM scratch\nCOPY none /none\n", "none", ">>> COPY none /none"},
		{"syntax", "FROM scratch\nCOPIE a b\n", "COPIE", ">>> COPIE a b"},
		{"frontend", "# syntax=podproof.invalid/dockerfile:1\nFROM scratch\n", "podproof.invalid/dockerfile:1", ""},
		{"base image", "FROM podproof.invalid/none:1\n", "podproof.invalid/none:1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Build(t.Context(), e, spec(t, map[string]string{"Dockerfile": c.dockerfile}), nil)
			if err != nil || !strings.Contains(b.Error, c.want) || b.ImageID != "" {
				t.Errorf("error %q, %v, image %q; want an error with %q", b.Error, err, b.ImageID, c.want)
			}
			t.Log(b.Error, b.Source)
			if shown := strings.Join(b.Source, "\n"); c.shows != "" && !strings.Contains(shown, c.shows) {
				t.Errorf("shows %q, want %q in it", shown, c.shows)
			}
			if c.name == "step" && (len(b.Log) != logLines || b.Log[logLines-1] != "line 59") {
				t.Errorf("log %q", b.Log)
			}
		})
	}
}

// good installs before it copies the source; the compilation hangs, so that a rebuild
// which waits for it would never end.
const good = `FROM scratch AS builder
COPY tool /tool
COPY deps.txt /deps.txt
RUN ["/tool", "write", "/installed"]
COPY src /src
RUN ["/tool", "%s", "/compiled"]
FROM scratch
COPY tool /tool
RUN ["/tool", "write", "/user"]
COPY --from=builder /installed /installed
COPY --from=builder /compiled /compiled
`

func TestE2ERebuild(t *testing.T) {
	e := engine(t)
	files := map[string]string{"deps.txt": "a", "src/main.x": "code", "src/other.x": "more", "doc/x": "x", ".dockerignore": "doc"}
	bad := strings.Replace(strings.Replace(good, "COPY src /src\n", "", 1), "COPY deps.txt /deps.txt\n", "COPY . /src\n", 1)
	for _, c := range []struct {
		name, dockerfile, file string
		cached, sent           bool
	}{
		{"dependencies first", good, "src/main.x", true, true},
		{"source first", bad, "src/main.x", false, true},
		{"a file that is left out", good, "doc/x", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			files["Dockerfile"] = fmt.Sprintf(c.dockerfile, "write")
			s := spec(t, files)
			if b, err := Build(t.Context(), e, s, nil); err != nil || b.Error != "" {
				t.Fatal(err, b.Error)
			}
			before := tree(t, s.Context)
			r, err := Rebuild(t.Context(), e, s, []string{c.file})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range r.Steps {
				t.Logf("%+v", s)
			}
			if install := named(t, r.Steps, "/installed\"]"); install.Cached != c.cached {
				t.Errorf("installing: cached %v, want %v", install.Cached, c.cached)
			}
			if c.sent && named(t, r.Steps, "/compiled\"]").Cached {
				t.Error("compiling came from the cache: the file's change was not seen")
			}
			if sent := len(r.Unsent) == 0; r.Error != "" || sent != c.sent {
				t.Errorf("error %q, unsent %v", r.Error, r.Unsent)
			}
			if after := tree(t, s.Context); after != before {
				t.Errorf("the folder changed: %s, before %s", after, before)
			}
		})
	}
}

func TestE2ERebuildEndsEarly(t *testing.T) {
	e := engine(t)
	files := map[string]string{"deps.txt": "a", "src/main.x": "code", "src/other.x": "more", "Dockerfile": fmt.Sprintf(good, "write")}
	s := spec(t, files)
	if b, err := Build(t.Context(), e, s, nil); err != nil || b.Error != "" {
		t.Fatal(err, b.Error)
	}
	put(t, s.Dockerfile, fmt.Sprintf(good, "hang"))
	// BuildKit asks its cache for the last stage's RUN no sooner than the first is done.
	s.Matters = func(step evidence.BuildStep) bool { return step.Stage == "builder" }
	r, err := Rebuild(t.Context(), e, s, []string{"src/main.x", "src/other.x"})
	if err != nil || r.Error != "" || !r.EndedEarly {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, s := range r.Steps {
		t.Logf("%+v", s)
	}
	if install := named(t, r.Steps, "/installed\"]"); !install.Cached {
		t.Errorf("installing: %+v", install)
	}
	if hang := named(t, r.Steps, "hang"); !hang.Started || hang.Completed || hang.Cached || hang.Error != "" {
		t.Errorf("compiling: %+v", hang)
	}
	t.Logf("took %.2fs", r.Seconds)
}

func TestE2ECancelled(t *testing.T) {
	e := engine(t)
	s := spec(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY tool /tool\nRUN [\"/tool\", \"hang\"]\n"})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Build(ctx, e, s, func(step string) {
		if strings.Contains(step, "hang") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Build = %v, want context.Canceled", err)
	}
}

// tree is names, times and contents of a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, p, info.Size(), info.ModTime(), info.Mode())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
