//go:build e2e

// Needs a Docker engine and the docker command; no base image and no network.

package source

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/docker"
)

// What the engine saves is what was loaded into it, whatever shape its archives have.
func TestE2ESaveAndCollect(t *testing.T) {
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	info, err := e.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pip := text("app/site-packages/pytest-8.0.dist-info/METADATA", "Name: pytest\nVersion: 8.0\n\n")
	img := on(t, imageOf(t, []file{pip, imagetest.Exe("bin/server", imagetest.Program(t))}, []file{text("app/.wh.site-packages", "")}, []file{pip}), info.Architecture)
	want, err := image.Collect(t.Context(), img, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), "docker", "load", "--quiet")
	load.Stdin = bytes.NewReader(classic(t, img))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("docker load: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "image", "rm", want.ID).Run() })

	name, err := Save(t.Context(), e, want.ID, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenArchive(name, v1.Platform{OS: "linux", Architecture: info.Architecture})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	got, err := image.Collect(t.Context(), a, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got.Seconds, want.Seconds = 0, 0
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
