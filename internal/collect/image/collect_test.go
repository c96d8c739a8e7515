package image

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"podproof.dev/podproof/internal/evidence"
)

// pip is a package of Python that is in the final file system unless a layer hides it.
var pip = text("app/site-packages/pytest-8.0.dist-info/METADATA", "Name: pytest\nVersion: 8.0\n\n")

func TestFinalFileSystem(t *testing.T) {
	other := text("app/site-packages/attrs-1.dist-info/METADATA", "Name: attrs\nVersion: 1\n\n")
	for _, c := range []struct {
		name   string
		layers [][]file
		want   string // names and layers of the packages
	}{
		{"stays", [][]file{{pip}, {other}}, "attrs@1 pytest@0"},
		{"whiteout of the file", [][]file{{pip}, {text("app/site-packages/pytest-8.0.dist-info/.wh.METADATA", "")}}, ""},
		{"whiteout of a directory above", [][]file{{pip, other}, {text("app/.wh.site-packages", "")}}, ""},
		{"whiteout, then there again", [][]file{{pip}, {text("app/.wh.site-packages", "")}, {pip}}, "pytest@2"},
		{"whiteout below the file's layer", [][]file{{text(".wh.app", "")}, {pip}}, "pytest@1"},
		{"opaque directory", [][]file{{pip}, {{Name: "app/"}, text("app/.wh..wh..opq", ""), other}}, "attrs@1"},
		{"opaque directory, siblings first", [][]file{{pip}, {other, text("app/.wh..wh..opq", "")}}, "attrs@1"},
		{"opaque root", [][]file{{pip}, {text(".wh..wh..opq", "")}}, ""},
		{"directory becomes a file", [][]file{{pip}, {text("app/site-packages", "")}}, ""},
		{"directory becomes a link", [][]file{{pip}, {{Name: "app", Link: "srv"}}}, ""},
		{"file becomes a directory", [][]file{{pip}, {{Name: pip.Name + "/"}}}, ""},
		{"directory again", [][]file{{pip}, {{Name: "app/site-packages/"}}}, "pytest@0"},
		{"copied up unchanged", [][]file{{pip}, {pip}}, "pytest@0"},
		{"a newer version", [][]file{{pip}, {text(pip.Name, "Name: pytest\nVersion: 8.1\n\n")}}, "pytest@1"},
		{"AUFS's bookkeeping", [][]file{{pip}, {text(".wh..wh.aufs", ""), text("app/.wh..wh.plnk", "")}}, "pytest@0"},
		{"odd spellings", [][]file{{text("./"+pip.Name, pip.Body)}, {text("/app/../app/x", "")}}, "pytest@0"},
		{"the same layer twice", [][]file{{pip}, {other}, {other}}, "attrs@1 pytest@0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, p := range collect(t, c.layers...).Packages {
				got = append(got, p.Name+"@"+string(rune('0'+p.Layer)))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("packages %q, want %q", s, c.want)
			}
		})
	}
}

func TestConfigurationAndHistory(t *testing.T) {
	img := imageOf(t, []file{text("a", "1")}, []file{text("b", "2")})
	history := func(hs ...v1.History) evidence.Image {
		t.Helper()
		c, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		c = c.DeepCopy()
		c.History, c.Architecture, c.OS = hs, "amd64", "linux"
		c.Created = v1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		c.Config = v1.Config{User: "1001:1001", Env: []string{"A=1"}, Cmd: []string{"/app"}, WorkingDir: "/w", StopSignal: "SIGINT",
			ExposedPorts: map[string]struct{}{"9/tcp": {}, "8000/tcp": {}}, Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "x"}}}
		changed, err := mutate.ConfigFile(img, c)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Collect(t.Context(), changed, Options{Ref: "app:1"})
		if err != nil {
			t.Fatal(err)
		}
		id, err := changed.ConfigName()
		if err != nil || out.ID != id.String() || out.Ref != "app:1" || !out.LayersRead {
			t.Errorf("ID %s, ref %s, layers read %v; want %s (%v)", out.ID, out.Ref, out.LayersRead, id, err)
		}
		return out
	}

	out := history(v1.History{CreatedBy: "COPY a"}, v1.History{CreatedBy: "ENV A=1", EmptyLayer: true}, v1.History{CreatedBy: "COPY b", Comment: "c"})
	want := []evidence.History{{CreatedBy: "COPY a"}, {CreatedBy: "ENV A=1", EmptyLayer: true, Layer: -1}, {CreatedBy: "COPY b", Comment: "c", Layer: 1}}
	if d := cmp.Diff(want, out.History); d != "" {
		t.Error(d)
	}
	if out.Layers[0].CreatedBy != "COPY a" || out.Layers[1].CreatedBy != "COPY b" || out.Layers[1].Size != 2048 {
		t.Errorf("layers %+v", out.Layers)
	}
	wantConfig := evidence.ImageConfig{User: "1001:1001", Env: []string{"A=1"}, Cmd: []string{"/app"}, WorkingDir: "/w", StopSignal: "SIGINT",
		ExposedPorts: []string{"8000/tcp", "9/tcp"}, Healthcheck: []string{"CMD", "x"}}
	if d := cmp.Diff(wantConfig, out.Config); d != "" {
		t.Error(d)
	}
	if out.Architecture != "amd64" || out.OS != "linux" || out.Created.Year() != 2026 {
		t.Errorf("%s/%s of %s", out.OS, out.Architecture, out.Created)
	}

	// One entry too few: nothing tells which layer it made.
	out = history(v1.History{CreatedBy: "COPY a"})
	if out.History[0].Layer != -1 || out.Layers[0].CreatedBy != "" {
		t.Errorf("a history that does not fit was matched: %+v %+v", out.History, out.Layers)
	}
}

// lying is an image whose layers are not what the configuration says.
type lying struct {
	v1.Image
	layers []v1.Layer
}

func (l lying) Layers() ([]v1.Layer, error) { return l.layers, nil }

func TestDamagedLayers(t *testing.T) {
	img := imageOf(t, []file{text("a", "1")}, []file{text("b", "2")})
	own, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	strange, err := random.Layer(1<<10, "application/vnd.oci.image.layer.v1.tar")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		layers []v1.Layer
		want   string
	}{
		{"another content", []v1.Layer{own[0], strange}, "layer 1 (sha256:"},
		{"a layer missing", own[:1], "it has 1 layers and its configuration names 2"},
		{"that breaks podproof", []v1.Layer{own[0], broken{own[1]}}, "podproof itself broke"},
		{"whose unpacking breaks podproof", []v1.Layer{own[0], breaking{own[1]}}, "podproof itself broke"},
		{"cut short", []v1.Layer{own[0], short{own[1]}}, "layer 1 (sha256:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Collect(t.Context(), lying{img, c.layers}, Options{Ref: "app:1"})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "app:1") {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// broken is a layer that panics when it is opened, breaking one that does when it is read.
type (
	broken   struct{ v1.Layer }
	breaking struct{ v1.Layer }
)

func (broken) Uncompressed() (io.ReadCloser, error) { panic("opened") }

func (b breaking) Uncompressed() (io.ReadCloser, error) { return b, nil }
func (breaking) Read([]byte) (int, error)               { panic("read") }
func (breaking) Close() error                           { return nil }

// short is a layer that ends in the middle of its first entry.
type short struct{ v1.Layer }

func (s short) Uncompressed() (io.ReadCloser, error) {
	r, err := s.Layer.Uncompressed()
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(r, 512), r}, err
}

func TestCollectIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Collect(ctx, imageOf(t, []file{text("a", "1")}), Options{Ref: "app:1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Collect = %v, want context.Canceled", err)
	}
}
