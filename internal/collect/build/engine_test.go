package build

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/docker"
)

// An engine without BuildKit is no fault of the build: it must not become evidence.
func TestNoBuildKit(t *testing.T) {
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	srv := &http.Server{Handler: m}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })

	src := source(t)
	s := Spec{Context: src, Dockerfile: filepath.Join(src, "a.go"), Name: "app:1"}
	if _, err := Build(t.Context(), e, s, nil); err == nil || !strings.Contains(err.Error(), "POST /grpc") {
		t.Errorf("Build = %v, want an error about /grpc", err)
	}
	if _, err := Rebuild(t.Context(), e, s, []string{"src/main.go"}); err == nil || !strings.Contains(err.Error(), "POST /grpc") {
		t.Errorf("Rebuild = %v, want an error about /grpc", err)
	}
}
