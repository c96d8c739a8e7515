// Package imagetest builds images in memory, for tests.
package imagetest

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is one entry of a layer. One whose name ends in "/" is a directory.
type File struct {
	Name, Body string
	Link       string // target of a symbolic link, of a hard one with Hard set
	Hard       bool
	Mode       int64 // 0644 when it is 0, 0755 for a directory
	UID, GID   int
	PAX        map[string]string
}

// Text is an ordinary file.
func Text(name, body string) File { return File{Name: name, Body: body} }

// Exe is an executable.
func Exe(name, body string) File { return File{Name: name, Body: body, Mode: 0o755} }

func (f File) header() *tar.Header {
	h := &tar.Header{Name: f.Name, Mode: f.Mode, Uid: f.UID, Gid: f.GID, Size: int64(len(f.Body)), Typeflag: tar.TypeReg, PAXRecords: f.PAX}
	switch {
	case f.Hard:
		h.Typeflag, h.Linkname = tar.TypeLink, f.Link
	case f.Link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
	case strings.HasSuffix(f.Name, "/"):
		h.Typeflag = tar.TypeDir
	}
	switch {
	case f.Mode != 0:
	case h.Typeflag == tar.TypeDir:
		h.Mode = 0o755
	default:
		h.Mode = 0o644
	}
	return h
}

// Tar writes the entries as a tar archive.
func Tar(t testing.TB, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(f.header()); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Image makes an image of layers, lowest first.
func Image(t testing.TB, layers ...[]File) v1.Image {
	t.Helper()
	img := empty.Image
	for _, files := range layers {
		var err error
		if img, err = mutate.AppendLayers(img, static.NewLayer(Tar(t, files...), types.DockerUncompressedLayer)); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// Config changes an image's configuration.
func Config(t testing.TB, img v1.Image, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	change(c)
	if img, err = mutate.ConfigFile(img, c); err != nil {
		t.Fatal(err)
	}
	return img
}

// Program is a real Go program and a small one: gofmt, which go test has in its PATH.
func Program(t testing.TB) string {
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
