package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"podproof.dev/podproof/internal/collect/image"
	"podproof.dev/podproof/internal/collect/image/layer"
)

func bodyOf(t testing.TB, l v1.Layer) []byte {
	t.Helper()
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parts(t testing.TB, img v1.Image) (config []byte, layers []v1.Layer) {
	t.Helper()
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if layers, err = img.Layers(); err != nil {
		t.Fatal(err)
	}
	return config, layers
}

// classic writes an archive as Docker up to 24 does: a folder for each layer, a link
// for one that occurs again.
func classic(t testing.TB, img v1.Image) []byte {
	t.Helper()
	config, layers := parts(t, img)
	files := []file{text("conf.json", string(config))}
	names, first := []string{}, map[string]string{}
	for i, l := range layers {
		dir := fmt.Sprintf("%064d", i)
		name, b := dir+"/layer.tar", bodyOf(t, l)
		if same, ok := first[string(b)]; ok {
			files = append(files, file{Name: name, Link: "../" + same})
		} else {
			first[string(b)] = name
			files = append(files, text(name, string(b)))
		}
		files = append(files, text(dir+"/VERSION", "1.0"))
		names = append(names, name)
	}
	files = append(files, text("manifest.json", asJSON(t, []any{map[string]any{"Config": "conf.json", "Layers": names}})))
	return tarOf(t, files...)
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// oci collects the blobs of an OCI-shaped archive.
type oci struct {
	t     testing.TB
	files []file
}

func (o *oci) blob(media types.MediaType, b []byte) v1.Descriptor {
	h, n, err := v1.SHA256(bytes.NewReader(b))
	if err != nil {
		o.t.Fatal(err)
	}
	o.files = append(o.files, text(blobName(h), string(b)))
	return v1.Descriptor{MediaType: media, Digest: h, Size: n}
}

func (o *oci) image(img v1.Image, compress func([]byte) []byte) v1.Descriptor {
	config, layers := parts(o.t, img)
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: o.blob(types.OCIConfigJSON, config)}
	for _, l := range layers {
		m.Layers = append(m.Layers, o.blob(types.OCILayer, compress(bodyOf(o.t, l)))) // the media type may be wrong
	}
	return o.blob(types.OCIManifestSchema1, []byte(asJSON(o.t, m)))
}

func (o *oci) index(ds ...v1.Descriptor) v1.Descriptor {
	return o.blob(types.OCIImageIndex, []byte(asJSON(o.t, v1.IndexManifest{SchemaVersion: 2, Manifests: ds})))
}

func (o *oci) archive(ds ...v1.Descriptor) []byte {
	return tarOf(o.t, append(o.files, text("oci-layout", "{}"), text("index.json", asJSON(o.t, v1.IndexManifest{SchemaVersion: 2, Manifests: ds})))...)
}

func plain(b []byte) []byte { return b }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	for _, part := range [][]byte{b[:len(b)/2], b[len(b)/2:]} { // of several members, as in estargz
		w := gzip.NewWriter(&out)
		_, _ = w.Write(part)
		_ = w.Close()
	}
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	out := []byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7} // a skippable frame comes first, as in zstd:chunked
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return append(out, append(w.EncodeAll(b[:len(b)/2], nil), w.EncodeAll(b[len(b)/2:], nil)...)...)
}

func on(t testing.TB, img v1.Image, arch string) v1.Image {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, c); err != nil {
		t.Fatal(err)
	}
	return img
}

func TestArchiveShapes(t *testing.T) {
	amd := on(t, imageOf(t, []file{text("a", "1")}, []file{text("b", "2")}, []file{text("a", "1")}), "amd64")
	arm := on(t, amd, "arm64")
	attestation := func(o *oci) v1.Descriptor {
		d := o.image(imageOf(t), plain)
		d.Platform = &v1.Platform{OS: "unknown", Architecture: "unknown"}
		d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
		return d
	}
	absent := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}
	for _, c := range []struct {
		name  string
		bytes func() []byte
	}{
		{"classic", func() []byte { return classic(t, amd) }},
		{"OCI", func() []byte { o := &oci{t: t}; return o.archive(o.image(amd, plain)) }},
		{"OCI, gzip", func() []byte { o := &oci{t: t}; return o.archive(o.image(amd, gzipped)) }},
		{"OCI, zstd", func() []byte { o := &oci{t: t}; return o.archive(o.image(amd, zstandard)) }},
		{"two names of one image", func() []byte { o := &oci{t: t}; d := o.image(amd, plain); return o.archive(d, d) }},
		{"containerd store", func() []byte {
			o := &oci{t: t}
			return o.archive(o.index(o.image(amd, gzipped), o.image(arm, gzipped), attestation(o), absent))
		}},
		{"platform in the index alone", func() []byte {
			o := &oci{t: t}
			d, e := o.image(amd, plain), o.image(on(t, amd, ""), plain)
			d.Platform, e.Platform = &v1.Platform{OS: "linux", Architecture: "amd64"}, &v1.Platform{OS: "linux", Architecture: "s390x"}
			return o.archive(d, e)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := OpenArchive(put(t, c.bytes()), v1.Platform{OS: "linux", Architecture: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			want, wantLayers := parts(t, amd)
			got, layers := parts(t, a)
			if !bytes.Equal(got, want) {
				t.Errorf("configuration %s, want %s", got, want)
			}
			if len(layers) != len(wantLayers) {
				t.Fatalf("%d layers, want %d", len(layers), len(wantLayers))
			}
			for i, l := range layers {
				b := bodyOf(t, wantLayers[i])
				if !bytes.Equal(bodyOf(t, l), b) {
					t.Errorf("layer %d has another content", i)
				}
				if n, err := l.(interface{ UncompressedSize() (int64, error) }).UncompressedSize(); err != nil || n != int64(len(b)) {
					t.Errorf("layer %d has %d bytes (%v), want %d", i, n, err, len(b))
				}
			}
			if out, err := image.Collect(t.Context(), a, image.Options{Ref: "app:1"}); err != nil || out.Architecture != "amd64" {
				t.Errorf("Collect: %s, %v", out.Architecture, err)
			}
		})
	}
}

func TestBadArchives(t *testing.T) {
	img := on(t, imageOf(t, []file{text("a", strings.Repeat("1", 4096))}), "amd64")
	good := classic(t, img)
	config, _ := parts(t, img)
	manifest := func(layers ...string) file {
		return text("manifest.json", asJSON(t, []any{map[string]any{"Config": "c.json", "Layers": layers}}))
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"cut in a body", good[:len(good)-6000], "cut short after entry"},
		{"cut between entries", good[:1024], "neither index.json nor manifest.json"},
		{"no tar", []byte(strings.Repeat("x", 2048)), "not a tar file"},
		{"empty", nil, "the file is empty; write the image to it with `docker save -o"},
		{"no configuration", tarOf(t, manifest()), "entry c.json is not there"},
		{"no layer", tarOf(t, text("c.json", string(config)), manifest("l.tar")), "layer 0: entry l.tar is not there"},
		{"links in a circle", tarOf(t, text("c.json", string(config)), file{Name: "l.tar", Link: "l.tar"}, manifest("l.tar")), "entry l.tar is not there"},
		{"fewer layers", tarOf(t, text("c.json", string(config)), manifest()), "names 0 layers and its configuration 1"},
		{"no JSON", tarOf(t, text("manifest.json", "[")), "entry manifest.json"},
		{"no configuration inside", tarOf(t, text("c.json", "["), manifest()), "c.json is not an image configuration"},
		{"two platforms, none fits", func() []byte {
			o := &oci{t: t}
			return o.archive(o.image(on(t, img, "arm64"), plain), o.image(on(t, img, "s390x"), plain))
		}(), "no image for linux/amd64, but for linux/"},
		{"a container's files", tarOf(t, text("etc/passwd", "root"), text("usr/bin/env", "x"), text("manifest.yaml", "")), "as `docker export` writes them"},
		{"any other files", tarOf(t, text("main.go", "package main")), "neither index.json nor manifest.json"},
		{"absent blobs alone", (&oci{t: t}).archive(v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}), "no image whose manifest is complete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := put(t, c.bytes)
			a, err := OpenArchive(name, v1.Platform{OS: "linux", Architecture: "amd64"})
			if err == nil {
				_ = a.Close()
				t.Fatal("Open found nothing wrong")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%q, want one with %q and the file's name", err, c.want)
			}
		})
	}
	none := filepath.Join(t.TempDir(), "none")
	if _, err := OpenArchive(none, v1.Platform{}); !layer.IsFault(err) || !strings.Contains(err.Error(), "there is no file "+none) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestBadCompression(t *testing.T) {
	o := &oci{t: t}
	b := o.archive(o.image(on(t, imageOf(t, []file{text("a", "1")}), "amd64"), func(b []byte) []byte { return gzipped(b)[:20] }))
	a, err := OpenArchive(put(t, b), v1.Platform{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if _, err := image.Collect(t.Context(), a, image.Options{Ref: "app:1"}); err == nil || !strings.Contains(err.Error(), "layer 0 (sha256:") {
		t.Errorf("Collect = %v, want an error that names the layer", err)
	}
	if _, err := a.layers[0].(layerOf).UncompressedSize(); err == nil || !strings.Contains(err.Error(), "blobs/sha256/") {
		t.Errorf("UncompressedSize = %v, want an error that names the entry", err)
	}
}

// The names of an image are those that the engine saved it under.
func TestNamesOfArchives(t *testing.T) {
	img := imageOf(t, []file{text("a", "b")})
	config, layers := parts(t, img)
	classicTar := tarOf(t, text("c.json", string(config)), text("l.tar", string(bodyOf(t, layers[0]))),
		text("manifest.json", asJSON(t, []any{map[string]any{"Config": "c.json", "RepoTags": []string{"shop/api:1", "shop/api:2"}, "Layers": []string{"l.tar"}}})))
	o := &oci{t: t}
	d := o.image(img, plain)
	d.Annotations = map[string]string{"io.containerd.image.name": "docker.io/shop/api:1", "org.opencontainers.image.ref.name": "1"}
	again := d
	again.Annotations = map[string]string{"org.opencontainers.image.ref.name": "shop/api:2"}
	for name, b := range map[string][]byte{"classic": classicTar, "OCI": o.archive(d, again)} {
		a, err := OpenArchive(put(t, b), v1.Platform{OS: "linux", Architecture: "amd64"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Close() }()
		for _, want := range []string{"shop/api:1", "shop/api:2"} {
			if !slices.ContainsFunc(a.Names, func(n string) bool { return strings.TrimPrefix(n, "docker.io/") == want }) {
				t.Errorf("%s: names %q, without %s", name, a.Names, want)
			}
		}
	}
}

func TestName(t *testing.T) {
	file := put(t, nil)
	for ref, want := range map[string]string{"docker:shop/api:1": "shop/api:1", "registry:r.example/api": "r.example/api", "shop/api": "shop/api",
		"registry:5000/shop/api:1": "registry:5000/shop/api:1", "docker:5000/shop/api": "docker:5000/shop/api", "registry:host:5000/shop/api": "host:5000/shop/api",
		"tar:x.tar": "", "oci:x": "", file: "", "./none": "", "/none.tar": ""} {
		if got, ok := Name(ref); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", ref, got, ok, want)
		}
	}
}
