package source

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// layout unpacks an OCI-shaped archive into a folder.
func layout(t *testing.T, b []byte) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, h.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, body, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// push puts an image into a registry of this process, its layers in the form that compress gives.
func push(t *testing.T, img v1.Image, compress func([]byte) []byte) string {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	ref := strings.TrimPrefix(srv.URL, "http://") + "/team/app:1"
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	o := &oci{t: t}
	o.image(img, compress)
	last := len(o.files) - 1 // the manifest
	for _, f := range o.files[:last] {
		if err := remote.WriteLayer(tag.Context(), static.NewLayer([]byte(f.Body), types.OCILayer)); err != nil {
			t.Fatal(err)
		}
	}
	if err := remote.Put(tag, manifest(o.files[last].Body)); err != nil {
		t.Fatal(err)
	}
	return ref
}

type manifest string

func (m manifest) RawManifest() ([]byte, error)        { return []byte(m), nil }
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func collected(t *testing.T, ref string, o Options) evidence.Image {
	t.Helper()
	img, err := Open(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := img.Close(); err != nil {
			t.Error(err)
		}
	}()
	out, err := image.Collect(t.Context(), img, image.Options{Ref: "app:1", Source: img.Kind, Compressed: img.Compressed, Readers: img.Readers})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sample(t *testing.T) v1.Image {
	return on(t, imageOf(t,
		[]file{text("app/.env", "DB_PASSWORD=hunter2x\n"), text("etc/passwd", "app:x:7:7::/:/\n"), {Name: "bin/su", Body: "x", Mode: 0o4755}},
		[]file{text("app/.wh..env", ""), text("app/tests/test_x.py", strings.Repeat("x = 1\n", 100))},
		[]file{text("etc/passwd", "app:x:7:7::/:/\n")},
	), "amd64")
}

// The same image says the same wherever it comes from.
func TestSourcesAgree(t *testing.T) {
	img := sample(t)
	amd64 := v1.Platform{OS: "linux", Architecture: "amd64"}
	want, err := image.Collect(t.Context(), img, image.Options{Ref: "app:1"})
	if err != nil {
		t.Fatal(err)
	}
	ociOf := func(compress func([]byte) []byte) []byte { o := &oci{t: t}; return o.archive(o.image(img, compress)) }
	nested := func() []byte {
		o := &oci{t: t}
		return o.archive(o.index(o.image(on(t, img, "arm64"), gzipped), o.image(img, gzipped)))
	}
	serve(t, map[string][]byte{"app:1": classic(t, img)})
	for _, c := range []struct {
		name, ref, kind string
		compressed      bool
	}{
		{"docker", "docker:app:1", Docker, false},
		{"docker without its prefix", "app:1", Docker, false},
		{"tar, classic", "tar:" + put(t, classic(t, img)), Tar, false},
		{"tar without its prefix", put(t, classic(t, img)), Tar, false},
		{"tar, gzip", "tar:" + put(t, gzipped(classic(t, img))), Tar, false},
		{"tar, zstd", "tar:" + put(t, zstandard(classic(t, img))), Tar, false},
		{"OCI archive", "tar:" + put(t, ociOf(plain)), Tar, false},
		{"OCI archive of gzip layers", "tar:" + put(t, ociOf(gzipped)), Tar, true},
		{"OCI archive of zstd layers, gzip", "tar:" + put(t, gzipped(ociOf(zstandard))), Tar, true},
		{"OCI folder", "oci:" + layout(t, ociOf(gzipped)), OCI, true},
		{"OCI folder without its prefix", layout(t, ociOf(zstandard)), OCI, true},
		{"OCI folder, nested index", "oci:" + layout(t, nested()), OCI, true},
		{"registry", "registry:" + push(t, img, gzipped), Registry, true},
		{"registry, zstd under a wrong name", "registry:" + push(t, img, zstandard), Registry, true},
		{"registry without its prefix", push(t, img, plain), Registry, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := collected(t, c.ref, Options{Host: amd64})
			if got.Source != c.kind || got.Size.Compressed > 0 != c.compressed {
				t.Errorf("source %s, %d bytes compressed; want %s, and whether they are known: %v", got.Source, got.Size.Compressed, c.kind, c.compressed)
			}
			got.Source, got.Size.Compressed, got.Seconds, want.Seconds = "", 0, 0, 0
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPlatforms(t *testing.T) {
	img := sample(t)
	o := &oci{t: t}
	two := layout(t, o.archive(o.index(o.image(on(t, img, "arm64"), plain), o.image(img, plain))))
	o = &oci{t: t}
	one := layout(t, o.archive(o.image(on(t, img, "arm64"), plain)))
	amd64, arm64, s390x := v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Platform{OS: "linux", Architecture: "arm64"}, v1.Platform{OS: "linux", Architecture: "s390x"}
	for _, c := range []struct {
		name, dir  string
		host       v1.Platform
		asked      *v1.Platform
		want, says string
	}{
		{"this host's", two, arm64, nil, "arm64", ""},
		{"the one asked for", two, amd64, &arm64, "arm64", ""},
		{"the only one, for another host", one, amd64, nil, "arm64", ""},
		{"none of several", two, s390x, nil, "", "no image for linux/s390x, but for linux/a"},
		{"not the only one", one, amd64, &amd64, "", "no image for linux/amd64, but for linux/arm64"},
	} {
		img, err := Open(t.Context(), "oci:"+c.dir, Options{Host: c.host, Platform: c.asked})
		if c.says != "" {
			if err == nil || !layer.IsFault(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want a fault that says %q", c.name, err, c.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if config, err := img.ConfigFile(); err != nil || config.Architecture != c.want {
			t.Errorf("%s: %s, %v", c.name, config.Architecture, err)
		}
		_ = img.Close()
	}
}

// Faults of the image name the part that they are about.
func TestDamagedParts(t *testing.T) {
	img := sample(t)
	change := func(t *testing.T, compress func([]byte) []byte, which func(path string, b []byte) []byte) string {
		o := &oci{t: t}
		dir := layout(t, o.archive(o.image(img, compress)))
		files, err := filepath.Glob(dir + "/blobs/sha256/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(files, dir+"/index.json") {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			switch b = which(filepath.Base(f), b); {
			case b == nil:
				err = os.Remove(f)
			default:
				err = os.WriteFile(f, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	isTar := func(b []byte) bool { return bytes.Contains(b[:min(len(b), 600)], []byte("ustar")) }
	flip := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 1; return b }
	for _, c := range []struct {
		name     string
		compress func([]byte) []byte
		which    func(string, []byte) []byte
		says     []string
	}{
		{"a layer's content", plain, func(_ string, b []byte) []byte {
			if isTar(b) && bytes.Contains(b, []byte("DB_PASSWORD")) {
				return flip(b, 513)
			}
			return b
		}, []string{"layer 0 (sha256:", "has the digest"}},
		{"a compressed layer's end", zstandard, func(_ string, b []byte) []byte {
			if bytes.HasPrefix(b, []byte{0x50, 0x2a}) {
				return flip(b, 8) // in a frame that is skipped: the content stays what it was
			}
			return b
		}, []string{"blobs/sha256/", "which is not its name"}},
		{"a layer cut short", gzipped, func(_ string, b []byte) []byte {
			if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
				return b[:len(b)-10]
			}
			return b
		}, []string{"blobs/sha256/", "bytes and its manifest says"}},
		{"a layer that is not there", gzipped, func(_ string, b []byte) []byte {
			if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
				return nil
			}
			return b
		}, []string{"layer 0: blobs/sha256/", "is not there"}},
		{"the configuration", plain, func(_ string, b []byte) []byte {
			if bytes.Contains(b, []byte("diff_ids")) {
				return flip(b, 20)
			}
			return b
		}, []string{"blobs/sha256/", "which is not its name"}},
		{"the index", plain, func(name string, b []byte) []byte {
			if name == "index.json" {
				return b[:10]
			}
			return b
		}, []string{"index.json (byte"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := read(t, "oci:"+change(t, c.compress, c.which))
			if err == nil || !layer.IsFault(err) {
				t.Fatalf("%v, want a fault", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}

func read(t *testing.T, ref string) error {
	t.Helper()
	img, err := Open(t.Context(), ref, Options{})
	if err != nil {
		return err
	}
	defer func() { _ = img.Close() }()
	_, err = image.Collect(t.Context(), img, image.Options{Ref: "app:1"})
	return err
}

func TestForeignLayers(t *testing.T) {
	img := sample(t)
	o := &oci{t: t}
	config, _ := parts(t, img)
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: o.blob(types.OCIConfigJSON, config)}
	for i := range 3 {
		m.Layers = append(m.Layers, v1.Descriptor{MediaType: types.DockerForeignLayer, URLs: []string{"https://mcr.example/x"},
			Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(fmt.Sprint(i), 64)}})
	}
	b := o.archive(o.blob(types.OCIManifestSchema1, []byte(asJSON(t, m))))
	err := read(t, "tar:"+put(t, b))
	if err == nil || !layer.IsFault(err) || !strings.Contains(err.Error(), "https://mcr.example/x") {
		t.Errorf("%v, want a fault that says where the layer lies", err)
	}
}

func TestNothingThere(t *testing.T) {
	none := func(context.Context) (*docker.Engine, error) { return nil, errors.New("nobody answers") }
	for ref, says := range map[string]string{
		"tar:/nowhere/x.tar": "there is no file /nowhere/x.tar", "oci:/nowhere": "there is no folder /nowhere",
		"oci:" + t.TempDir(): "is not an OCI image layout: it has no index.json; name a folder", "tar:" + t.TempDir(): "is a folder", "./nothing": "there is no file or folder",
		"registry:A B": "is not a valid image name", "127.0.0.1:1/app:1": "nobody answers", "registry:127.0.0.1:1/app:1": "from registry 127.0.0.1:1",
	} {
		_, err := Open(t.Context(), ref, Options{Connect: none})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", ref, err, says)
		}
	}
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer srv.Close()
	_, err := Open(t.Context(), "registry:"+strings.TrimPrefix(srv.URL, "http://")+"/none:1", Options{})
	if err == nil || !layer.IsFault(err) || !strings.Contains(err.Error(), "has no image") {
		t.Errorf("an image that the registry does not have: %v", err)
	}
}

// An image of the engine whose layers are all known is not saved again.
func TestKnownImageIsNotSaved(t *testing.T) {
	img := sample(t)
	serve(t, map[string][]byte{"app:1": classic(t, img)}, img)
	saved, all := 0, false
	o := Options{Configs: t.TempDir(),
		Known: func(string) bool { return all }, Saving: func(said v1.Image) {
			saved++
			if c, err := said.ConfigFile(); err != nil || c.Config.User != "7" || len(c.RootFS.DiffIDs) != 3 {
				t.Errorf("the engine is said to say %+v, %v", c, err)
			}
		}}
	open := func() *Image {
		t.Helper()
		img, err := Open(t.Context(), "docker:app:1", o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = img.Close() })
		return img
	}
	open()
	open()
	if saved != 2 {
		t.Errorf("saved %d times while nothing was known, want 2", saved)
	}
	all = true
	got := open()
	want, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := got.RawConfigFile(); err != nil || !bytes.Equal(raw, want) || saved != 2 {
		t.Errorf("configuration %s (%v), saved %d times", raw, err, saved)
	}
	// Somebody reads a layer after all.
	_, wantLayers := parts(t, img)
	if !bytes.Equal(bodyOf(t, got.layers[1]), bodyOf(t, wantLayers[1])) || saved != 3 {
		t.Errorf("the layer is another one, or it was saved %d times", saved)
	}
}
