package image

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/evidence"
)

// file is one entry of a layer.
type file struct {
	name, body string
	link       string // target of a symbolic link, of a hard one with "hard" set
	hard       bool
	mode       int64 // 0644 when it is 0
}

func (f file) header() *tar.Header {
	h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.body)), Typeflag: tar.TypeReg}
	if h.Mode == 0 {
		h.Mode = 0o644
	}
	switch {
	case f.hard:
		h.Typeflag, h.Linkname = tar.TypeLink, f.link
	case f.link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
	case f.name[len(f.name)-1] == '/':
		h.Typeflag = tar.TypeDir
	}
	return h
}

func exe(name, body string) file { return file{name: name, body: body, mode: 0o755} }
func text(name, body string) file {
	return file{name: name, body: body}
}

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(f.header()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func imageOf(t testing.TB, layers ...[]file) v1.Image {
	t.Helper()
	img := empty.Image
	for _, files := range layers {
		var err error
		if img, err = mutate.AppendLayers(img, static.NewLayer(tarOf(t, files...), types.DockerUncompressedLayer)); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

func collect(t testing.TB, layers ...[]file) evidence.Image {
	t.Helper()
	out, err := Collect(t.Context(), imageOf(t, layers...), "app:1")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// program is a real Go program and a small one: gofmt, which go test has in its PATH.
func program(t testing.TB) string {
	t.Helper()
	name, err := exec.LookPath("gofmt")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func put(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
