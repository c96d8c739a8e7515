package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A context's digest is of what a build may take, and of nothing else.
func TestDigestOfAContext(t *testing.T) {
	folder := func(t *testing.T) Spec {
		t.Helper()
		dir := t.TempDir()
		for file, text := range map[string]string{"Dockerfile": "FROM scratch\n", ".dockerignore": "*.log\n", "src/main.go": "package main\n", "run.log": "1", "empty": ""} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("src", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		return Spec{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}
	}
	write := func(file, text string) func(string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600) }
	}
	for _, x := range []struct {
		name   string
		change func(dir string) error
		same   bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"what is ignored", write("run.log", "2"), true},
		{"a time", func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "src/main.go"), time.Unix(1, 0), time.Unix(1, 0))
		}, true},
		{"a file's content, of the same length", write("src/main.go", "package mein\n"), false},
		{"another file", write("src/b.go", ""), false},
		{"a file less", func(dir string) error { return os.Remove(filepath.Join(dir, "empty")) }, false},
		{"a file by another name", func(dir string) error { return os.Rename(filepath.Join(dir, "empty"), filepath.Join(dir, "void")) }, false},
		{"a mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "src/main.go"), 0o700) }, false},
		{"where a link leads", func(dir string) error {
			link := filepath.Join(dir, "link")
			if err := os.Remove(link); err != nil {
				return err
			}
			return os.Symlink("scr", link)
		}, false},
		{"the Dockerfile", write("Dockerfile", "FROM scratch\nUSER 1\n"), false},
		{"what is to be ignored", write(".dockerignore", "*.log\n*.tmp\n"), false},
		{"what is no longer ignored", write(".dockerignore", ""), false},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := folder(t)
			before, err := s.Digest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := x.change(s.Context); err != nil {
				t.Fatal(err)
			}
			after, err := s.Digest(t.Context())
			if err != nil || x.same != (before == after) {
				t.Errorf("%s, then %s (%v)", before, after, err)
			}
		})
	}
	s := folder(t)
	for _, err := range []error{
		func() error { _, err := s.digest(t.Context(), 3, 1<<20); return err }(),
		func() error { _, err := s.digest(t.Context(), 100, 9); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "is large, with more than") {
			t.Errorf("of a large one: %v", err)
		}
	}
	s.Dockerfile += ".none"
	if _, err := s.Digest(t.Context()); err == nil {
		t.Error("it is known without a Dockerfile")
	}
}
