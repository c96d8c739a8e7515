package source

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"podproof.dev/podproof/internal/docker"
)

// engine is a Docker engine that has the images app:1 and, breaking off in the middle, broken:1.
func engine(t *testing.T) *docker.Engine {
	t.Helper()
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	for _, ref := range []string{"app:1", "broken:1"} {
		m.HandleFunc("/v1.41/images/"+ref+"/json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Id":"sha256:aa","Size":12}`) })
	}
	m.HandleFunc("/v1.41/images/get", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "tar of ", r.FormValue("names"))
		if r.FormValue("names") == "broken:1" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
	})
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: m}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestSave(t *testing.T) {
	e, dir := engine(t), t.TempDir()
	name, err := Save(t.Context(), e, "app:1", dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "tar of app:1" {
		t.Errorf("saved %q, %v", b, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}

	if _, err := Save(t.Context(), e, "none:1", dir); !errors.Is(err, docker.ErrNotFound) {
		t.Errorf("an image that is not there: %v", err)
	}
	if _, err := Save(t.Context(), e, "broken:1", dir); err == nil || !strings.Contains(err.Error(), "saving image broken:1") {
		t.Errorf("a stream that breaks off: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := Save(t.Context(), e, "app:1", filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	err := explainFull(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "app:1", "the folder", 300<<20, 5<<20)
	for _, want := range []string{"the folder", "app:1", "300 MiB", "5 MiB", "XDG_CACHE_HOME"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
