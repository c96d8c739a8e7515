package build

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// source is a context with one link to a file and one hard link.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a.go": "package a", "src/main.go": "package main\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("src/main.go", filepath.Join(dir, "link.go")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "a.go"), filepath.Join(dir, "z.go")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func stats(t *testing.T, f fsutil.FS) map[string]*types.Stat {
	t.Helper()
	out := map[string]*types.Stat{}
	err := f.Walk(context.Background(), string(filepath.Separator), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() != info.Sys().(*types.Stat).Size {
			t.Errorf("%s has two sizes", p)
		}
		out[p] = info.Sys().(*types.Stat)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, f fsutil.FS, name string) string {
	t.Helper()
	r, err := f.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOverlay(t *testing.T) {
	dir := source(t)
	base, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, name string }{{"src/main.go", "src/main.go"}, {"link.go", "src/main.go"}, {"z.go", "z.go"}, {"src/../a.go", "a.go"}} {
		t.Run(c.file, func(t *testing.T) {
			o, err := changed(dir, []string{c.file, "src/../src/main.go"})
			if err != nil {
				t.Fatal(err)
			}
			before, after := stats(t, base), stats(t, o)
			if len(before) != len(after) {
				t.Errorf("%d entries, want %d", len(after), len(before))
			}
			for p, b := range before {
				a := after[p]
				same := a != nil && a.Size == b.Size && a.ModTime == b.ModTime && a.Mode == b.Mode && a.Linkname == b.Linkname
				if p != c.name && p != "src/main.go" && !same {
					t.Errorf("%s changed from %v to %v", p, b, a)
				}
				if p == c.name && (a.Size == b.Size || a.ModTime == b.ModTime || a.Mode != b.Mode || a.Linkname != "") {
					t.Errorf("%s went from %v to %v", p, b, a)
				}
			}
			if got := o.unsent(); !slices.Contains(got, c.file) {
				t.Errorf("before it was opened, these count as unsent: %v", got)
			}
			if got := read(t, o, c.name); int64(len(got)) != after[c.name].Size || !strings.HasPrefix(got, read(t, base, c.name)) {
				t.Errorf("%s is %q, of size %d", c.name, got, after[c.name].Size)
			}
			if got := o.unsent(); slices.Contains(got, c.file) || read(t, o, "a.go") == "" {
				t.Errorf("%v count as unsent, or another file is empty", got)
			}
		})
	}
}

func TestSourceFiles(t *testing.T) {
	dir, other := source(t), source(t)
	if err := os.Symlink(filepath.Join(other, "a.go"), filepath.Join(dir, "out.go")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"none.go":                              "is not there",
		"../" + filepath.Base(other) + "/a.go": "outside of the build context",
		"out.go":                               "outside of the build context",
		"src":                                  "not a regular file",
		"src/x":                                "is not there",
	} {
		if _, err := changed(dir, []string{"a.go", file}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Join(dir, file)) {
			t.Errorf("%s: %v, want an error with %q", file, err, want)
		}
	}
}
