package kind

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/cluster"
)

func hash(s string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(s))) }

// chain is the chain ID of layers by the words of the OCI image specification.
func chain(layers ...string) string {
	id := hash(layers[0])
	for _, l := range layers[1:] {
		id = hash(id + " " + hash(l))
	}
	return id
}

func imageOf(t *testing.T, layers ...string) v1.Image {
	t.Helper()
	img := empty.Image
	for _, l := range layers {
		var err error
		if img, err = mutate.AppendLayers(img, static.NewLayer([]byte(l), types.DockerUncompressedLayer)); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// unpack reads a layout as its receiver does.
func unpack(t *testing.T, l *thinLayout) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	if err := l.write(&b); err != nil {
		t.Fatal(err)
	}
	return entries(t, &b)
}

func entries(t *testing.T, archive io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[h.Name]; twice {
			t.Errorf("%s is in the archive twice", h.Name)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThinLayoutSendsWhatIsLacking(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers string // one letter a layer
		have   []string
		sent   string
		reused int
	}{
		{"nothing there", "abc", nil, "abc", 0},
		{"the lowest there", "abc", []string{chain("a")}, "bc", 1},
		{"all there", "abc", []string{chain("a"), chain("a", "b"), chain("a", "b", "c")}, "", 3},
		{"other layers there", "abc", []string{chain("b"), chain("x", "a")}, "abc", 0},
		{"only upper ones there", "abc", []string{chain("a", "b"), chain("a", "b", "c")}, "abc", 0},
		{"a gap", "abc", []string{chain("a"), chain("a", "b", "c")}, "bc", 1},
		{"the same layer twice", "abac", nil, "abc", 0},
		{"the same layer twice, once there", "abac", []string{chain("a")}, "bac", 1},
		{"no layers", "", nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			have := map[string]bool{}
			for _, h := range c.have {
				have[h] = true
			}
			img := imageOf(t, strings.Split(c.layers, "")...)
			l, err := newThinLayout(img, "app:1", have)
			if err != nil {
				t.Fatal(err)
			}
			if want := (cluster.Loaded{Sent: len(c.sent), Reused: c.reused, Bytes: int64(len(c.sent))}); l.loaded != want {
				t.Errorf("loaded %+v, want %+v", l.loaded, want)
			}
			want := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`), "index.json": l.index}
			for _, blob := range append([]string{string(l.manifest), string(l.config)}, strings.Split(c.sent, "")...) {
				want["blobs/"+strings.Replace(hash(blob), ":", "/", 1)] = []byte(blob)
			}
			if diff := cmp.Diff(want, unpack(t, l)); diff != "" {
				t.Errorf("the archive (-want +got):\n%s", diff)
			}
		})
	}
}

// The manifest names every layer, sent or not: the image is complete, only the archive is thin.
func TestThinLayoutDescribesTheWholeImage(t *testing.T) {
	img := imageOf(t, "lower", "upper")
	l, err := newThinLayout(img, "app:1", map[string]bool{chain("lower"): true})
	if err != nil {
		t.Fatal(err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(l.index, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 1 {
		t.Fatalf("the index names %d manifests, want 1", len(index.Manifests))
	}
	d := index.Manifests[0]
	if got, want := d.Annotations["io.containerd.image.name"], "docker.io/library/app:1"; got != want {
		t.Errorf("the image's name is %q, want %q", got, want)
	}
	if d.Digest.String() != hash(string(l.manifest)) || d.Size != int64(len(l.manifest)) {
		t.Errorf("the index describes %s (%d bytes), not the manifest", d.Digest, d.Size)
	}
	m, err := v1.ParseManifest(bytes.NewReader(l.manifest))
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if m.Config.Digest.String() != hash(string(config)) {
		t.Errorf("the manifest's config is %s, not the image's", m.Config.Digest)
	}
	var got []string
	for _, layer := range m.Layers {
		got = append(got, fmt.Sprint(layer.MediaType, " ", layer.Digest, " ", layer.Size))
	}
	want := []string{
		"application/vnd.oci.image.layer.v1.tar " + hash("lower") + " 5",
		"application/vnd.oci.image.layer.v1.tar " + hash("upper") + " 5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
}

// A layer that comes compressed is sent as its diff ID names it: uncompressed.
func TestThinLayoutUncompresses(t *testing.T) {
	img, err := random.Image(2048, 3)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newThinLayout(img, "app:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, l)
	for _, id := range config.RootFS.DiffIDs {
		if got := hash(string(files[blob(id)])); got != id.String() {
			t.Errorf("the blob of layer %s has the digest %s", id, got)
		}
	}
}

// Another run's image, and the layer with it, may go between the question and the import.
func TestLoadSendsAllWhenALayerHasGone(t *testing.T) {
	for _, c := range []struct {
		name    string
		listed  string // the layer that the node says it has
		imports int
	}{
		{"the layer has gone", chain("lower"), 2},
		{"there was none", "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			imports := 0
			node := func(_ context.Context, stdin io.Reader, _ string, args ...string) ([]byte, error) {
				if args[1] == "snapshots" {
					return []byte(c.listed + "  Committed\n"), nil
				}
				imports++
				if _, sent := entries(t, stdin)["blobs/sha256/"+strings.TrimPrefix(hash("lower"), "sha256:")]; !sent {
					return nil, errors.New("content digest " + hash("lower") + ": not found")
				}
				return nil, nil
			}
			l, err := loadInto(t.Context(), node, imageOf(t, "lower", "upper"), "app:1")
			if want := (cluster.Loaded{Sent: 2, Bytes: 10}); err != nil || l != want || imports != c.imports {
				t.Errorf("%+v after %d imports (%v), want %+v after %d", l, imports, err, want, c.imports)
			}
		})
	}
}

func TestLoadTellsAnImportThatFails(t *testing.T) {
	node := func(_ context.Context, stdin io.Reader, _ string, args ...string) ([]byte, error) {
		if args[1] == "snapshots" {
			return nil, nil
		}
		return nil, errors.New("no space left on device")
	}
	if _, err := loadInto(t.Context(), node, imageOf(t, "a"), "app:1"); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("the error is %v", err)
	}
}

func TestChains(t *testing.T) {
	a, b := chain("a"), chain("a", "b")
	got := chains("KEY                                 PARENT                      KIND\n" +
		a + "                                      Committed\n" +
		b + " " + a + "                            Committed\n" +
		"extract-7123-x2Yb " + b + "              Active\n" +
		"9f1c6fd1a2b3 " + b + "                   Active\n")
	if diff := cmp.Diff(map[string]bool{a: true, b: true}, got); diff != "" {
		t.Errorf("chain IDs (-want +got):\n%s", diff)
	}
	if got := chains(""); len(got) != 0 {
		t.Errorf("no snapshots give the chain IDs %v", got)
	}
}

func TestFullName(t *testing.T) {
	digest := "@" + hash("")
	for ref, want := range map[string]string{
		"postgres:16-alpine":                       "docker.io/library/postgres:16-alpine",
		"reactbin-api-prod":                        "docker.io/library/reactbin-api-prod:latest",
		"bitnami/redis:7":                          "docker.io/bitnami/redis:7",
		"index.docker.io/library/postgres:16":      "docker.io/library/postgres:16",
		"gcr.io/distroless/static-debian12:latest": "gcr.io/distroless/static-debian12:latest",
		"localhost:5000/app":                       "localhost:5000/app:latest",
		"podproof.local/app:run-abc":               "podproof.local/app:run-abc",
		"ghcr.io/index.docker.io/app:1":            "ghcr.io/index.docker.io/app:1",
		"postgres" + digest:                        "docker.io/library/postgres" + digest,
	} {
		if got, err := fullName(ref); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", ref, got, err, want)
		}
	}
	if _, err := fullName("App:1"); err == nil || !strings.Contains(err.Error(), `"App:1"`) {
		t.Errorf("an invalid name gives %v, want an error that names it", err)
	}
}

func TestNamesToRemove(t *testing.T) {
	list := []byte(`{"images": [
		{"id": "sha256:1", "repoTags": ["registry.k8s.io/pause:3.10"], "pinned": true},
		{"id": "sha256:2", "repoTags": ["podproof.local/api:run-1"], "repoDigests": ["docker.io/library/import-1@sha256:3"]},
		{"id": "sha256:4", "repoTags": ["podproof.local/web:run-1", "docker.io/library/web:dev"]},
		{"id": "sha256:5", "repoTags": ["podproof.local/db:run-1"], "repoDigests": ["docker.io/library/import-2@sha256:7", "docker.io/library/postgres@sha256:6"]}]}`)
	for name, want := range map[string][]string{
		"podproof.local/api:run-1":  {"podproof.local/api:run-1", "docker.io/library/import-1@sha256:3", "sha256:2"},
		"podproof.local/web:run-1":  {"podproof.local/web:run-1"},
		"podproof.local/db:run-1":   {"podproof.local/db:run-1"}, // a team's, which names it by its digest alone
		"podproof.local/gone:run-1": nil,
	} {
		if got, err := namesToRemove(list, name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := namesToRemove([]byte("?"), "x"); err == nil {
		t.Error("what is no JSON is read")
	}
}
