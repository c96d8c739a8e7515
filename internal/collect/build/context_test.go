package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tonistiigi/fsutil"

	"podproof.dev/podproof/internal/evidence"
)

// context is a folder with files of 10 bytes each.
func contextOf(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func none(string) bool { return false }

func paths(c evidence.BuildContext) string {
	var out []string
	for _, e := range c.Entries {
		path := e.Path
		if e.Sent {
			path += "*"
		}
		out = append(out, path)
	}
	return strings.Join(out, " ")
}

func TestContext(t *testing.T) {
	files := []string{"Dockerfile", "go.mod", "go.sum", "cmd/main.go", "web/app.js", "web/deep/er.js", "doc/a.md"}
	for _, c := range []struct {
		name, ignore string // the text of .dockerignore
		beside       string // that of Dockerfile.dockerignore
		asked        *evidence.ContextRequest
		want         string // with a * those that are sent
		file         string
		sent         int
	}{
		{name: "all of it", asked: &evidence.ContextRequest{},
			want: "Dockerfile* cmd/main.go* doc/a.md* go.mod* go.sum* web/app.js* web/deep/er.js*", sent: 7},
		{name: "some paths", asked: &evidence.ContextRequest{Paths: []string{"go.mod", "web"}, Excluded: []string{"**/*.md"}}, ignore: "**/*.md",
			want: ".dockerignore Dockerfile cmd/main.go go.mod* go.sum web/app.js* web/deep/er.js*", file: ".dockerignore", sent: 3},
		{name: "a wildcard", asked: &evidence.ContextRequest{Paths: []string{"go.*"}},
			want: "Dockerfile cmd/main.go doc/a.md go.mod* go.sum* web/app.js web/deep/er.js", sent: 2},
		{name: "a path that is left out", asked: &evidence.ContextRequest{Paths: []string{"web", "go.mod"}, Excluded: []string{"web", "!web/deep"}}, ignore: "web\n!web/deep",
			want: ".dockerignore Dockerfile cmd/main.go doc/a.md go.mod* go.sum web/deep/er.js*", file: ".dockerignore", sent: 2},
		{name: "nothing is asked for", ignore: "# comment\n/web\n",
			want: ".dockerignore Dockerfile cmd/main.go doc/a.md go.mod go.sum", file: ".dockerignore"},
		{name: "the Dockerfile's own file goes first", ignore: "web", beside: "doc",
			want: ".dockerignore Dockerfile Dockerfile.dockerignore cmd/main.go go.mod go.sum web/app.js web/deep/er.js", file: "Dockerfile.dockerignore"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := contextOf(t, files...)
			for name, text := range map[string]string{".dockerignore": c.ignore, "Dockerfile.dockerignore": c.beside} {
				if text != "" {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := Context(t.Context(), Spec{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}, c.asked, none)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, paths(got)); d != "" {
				t.Error(d)
			}
			if got.SentFiles != c.sent || got.SentBytes != int64(10*c.sent) || got.Files != len(got.Entries) || got.IgnoreFile != c.file {
				t.Errorf("%d files, sent %d with %d bytes, left out by %q", got.Files, got.SentFiles, got.SentBytes, got.IgnoreFile)
			}
		})
	}
}

func TestContextOfALink(t *testing.T) {
	dir := contextOf(t, "real/a.go")
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	got, err := Context(t.Context(), Spec{Context: dir, Dockerfile: filepath.Join(dir, "none")}, &evidence.ContextRequest{Paths: []string{"link"}}, none)
	if err != nil || paths(got) != "link* real/a.go*" || got.Bytes != 10 {
		t.Errorf("%s, %d bytes, %v", paths(got), got.Bytes, err)
	}
}

func TestContextThatCannotBeRead(t *testing.T) {
	_, err := Context(t.Context(), Spec{Context: filepath.Join(t.TempDir(), "none")}, nil, none)
	if err == nil || !strings.Contains(err.Error(), "reading the build context") {
		t.Error(err)
	}
	dir := contextOf(t, "a")
	_, err = Context(t.Context(), Spec{Context: dir}, &evidence.ContextRequest{Excluded: []string{"[a"}}, none)
	if err == nil || !strings.Contains(err.Error(), ".dockerignore") {
		t.Error(err)
	}
}

func TestRequest(t *testing.T) {
	note := func(r *request, name string, o fsutil.FilterOpt) {
		if err := r.note(name, &o); err != nil {
			t.Error(err)
		}
	}
	var r request
	note(&r, "dockerfile", fsutil.FilterOpt{FollowPaths: []string{"Dockerfile"}})
	note(&r, "context", fsutil.FilterOpt{FollowPaths: []string{".dockerignore"}})
	if got := r.got(); got != nil {
		t.Errorf("nothing was asked for, and there is %v", got)
	}
	note(&r, "context", fsutil.FilterOpt{FollowPaths: []string{"go.mod"}, ExcludePatterns: []string{"*.md"}})
	note(&r, "context", fsutil.FilterOpt{FollowPaths: []string{"src"}, ExcludePatterns: []string{"*.md"}})
	want := &evidence.ContextRequest{Excluded: []string{"*.md"}, Paths: []string{"go.mod", "src"}}
	if d := cmp.Diff(want, r.got()); d != "" {
		t.Error(d)
	}
	note(&r, "context", fsutil.FilterOpt{})
	if got := r.got(); len(got.Paths) != 0 {
		t.Errorf("all was asked for, and there is %v", got)
	}
}

func TestRollUp(t *testing.T) {
	var all []evidence.ContextEntry
	for _, p := range []string{"a.go", "lib/x/1.js", "lib/x/2.js", "lib/y/3.js", "lib/pyvenv.cfg", "lib/x/deep/4.js"} {
		all = append(all, evidence.ContextEntry{Path: p, Files: 1, Bytes: 10, Sent: p == "lib/x/2.js"})
	}
	alone := func(p string) bool { return strings.HasSuffix(p, ".cfg") }
	for _, c := range []struct {
		most int
		want []evidence.ContextEntry
	}{
		{5, []evidence.ContextEntry{{Path: "a.go", Files: 1, Bytes: 10}, {Path: "lib/pyvenv.cfg", Files: 1, Bytes: 10},
			{Path: "lib/x/", Files: 2, Bytes: 20}, {Path: "lib/x/", Files: 1, Bytes: 10, Sent: true}, {Path: "lib/y/", Files: 1, Bytes: 10}}},
		{4, []evidence.ContextEntry{{Path: "a.go", Files: 1, Bytes: 10}, {Path: "lib/", Files: 3, Bytes: 30}, {Path: "lib/", Files: 1, Bytes: 10, Sent: true},
			{Path: "lib/pyvenv.cfg", Files: 1, Bytes: 10}}},
	} {
		if d := cmp.Diff(c.want, rollUp(all, c.most, alone)); d != "" {
			t.Errorf("at most %d: %s", c.most, d)
		}
	}
	if got := rollUp(all, 6, alone); len(got) != 6 {
		t.Errorf("what fits is rolled up: %v", got)
	}
}

func TestRequirements(t *testing.T) {
	hash := " --hash=sha256:" + strings.Repeat("a", 64)
	for _, c := range []struct {
		name, text string
		want       evidence.Requirements
	}{
		{"ranges", "# mine\nfastapi\nuvicorn>=0.3\nhttpx==0.*\n", evidence.Requirements{Names: 3}},
		{"pinned", "fastapi==0.116.1\nPyJWT[crypto]==2.10.1 ; python_version > \"3\"\n\nx===1\n", evidence.Requirements{Names: 3, Pinned: 3}},
		{"hashed", "a==1 \\\n   " + hash + " \\\n   " + hash + "\nb==2" + hash + "\n", evidence.Requirements{Names: 2, Pinned: 2, Hashed: 2}},
		{"by uv", "# This file was autogenerated by uv via the following command:\n#    uv pip compile\na==1\n    # via b\n", evidence.Requirements{Names: 1, Pinned: 1, Compiled: true}},
		{"by pip-compile", "#\n# This file is autogenerated by pip-compile with Python 3.12\n#\na==1\n", evidence.Requirements{Names: 1, Pinned: 1, Compiled: true}},
		{"a commit", "a @ git+https://x/a@0123456789012345678901234567890123456789\nb @ git+https://x/b@main\n", evidence.Requirements{Names: 2, Pinned: 1}},
		{"options", "--index-url https://x\n-r base.txt\n--requirement=more.txt\n-e .\n", evidence.Requirements{Includes: []string{"base.txt", "more.txt"}}},
	} {
		file := filepath.Join(t.TempDir(), "requirements.txt")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := requirements(file)
		if got == nil {
			t.Fatalf("%s: not read", c.name)
		}
		if d := cmp.Diff(c.want, *got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	if got := requirements(filepath.Join(t.TempDir(), "none")); got != nil {
		t.Error(got)
	}
}
