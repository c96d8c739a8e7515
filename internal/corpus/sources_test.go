package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/pipeline"
)

// busy is an image with something for every check to say.
func busy(t testing.TB) *recipe {
	r := healthy(t)
	r.env("DB_PASSWORD", r.secret("hunter2"))
	r.run("make login", netrc(r, "root/.netrc"))
	r.run("rm /root/.netrc", gone("root/.netrc"))
	r.run("pip install pytest", distribution("pytest", "8.3.3", text(site+"pytest/tests/key.pem", pemOf("PRIVATE KEY", 90)))...)
	r.copy(". .", text("app/.git/HEAD", "ref\n"), text("app/tests/test_a.py", ""), file{Name: "app/helper", Body: elf, Mode: 0o4755},
		file{Name: "app/jobs.py", Body: "print()\n", Mode: 0o666}, hardlink("srv/jobs.py", "app/jobs.py"), text("app/data.txt", mixed(91, 256*kib)))
	r.run("make data", text("app/data.txt", mixed(92, 10*kib)))
	r.steps = append(r.steps, r.steps[len(r.steps)-1]) // the same layer twice
	r.user("toor")
	r.shell("python main.py")
	r.config.ExposedPorts = map[string]struct{}{"9000/tcp": {}}
	r.contract.Size.Layers = 3
	return r
}

// The same image gets the same findings, byte for byte, wherever it lies and however it is packed.
func TestFindingsAreTheSameFromEverySource(t *testing.T) {
	r := busy(t)
	plain := r.image()
	packed := func(c compression.Compression, media types.MediaType) v1.Image {
		return r.of(func(b []byte) (v1.Layer, error) {
			return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
				tarball.WithCompression(c), tarball.WithMediaType(media))
		})
	}
	zipped, zstandard := packed(compression.GZip, types.OCILayer), packed(compression.ZStd, types.OCILayerZStd)
	classic, oci := saved(t, plain), archived(t, layoutOf(t, plain))
	engine(t, classic)

	var want []byte
	for _, c := range []struct{ source, ref string }{
		{"a Docker engine", "docker:corpus:1"},
		{"an archive, classic", "tar:" + kept(t, classic)},
		{"an archive, classic, in gzip", "tar:" + kept(t, inGzip(t, classic))},
		{"an archive, classic, in zstd", "tar:" + kept(t, inZstd(t, classic))},
		{"an archive, classic, of gzip layers", "tar:" + kept(t, saved(t, zipped))},
		{"an archive, OCI", "tar:" + kept(t, oci)},
		{"an archive, OCI, in zstd", "tar:" + kept(t, inZstd(t, oci))},
		{"an archive, OCI, of zstd layers", "tar:" + kept(t, archived(t, layoutOf(t, zstandard)))},
		{"an OCI layout", "oci:" + layoutOf(t, zipped)},
		{"an OCI layout of zstd layers", "oci:" + layoutOf(t, zstandard)},
		{"a registry", "registry:" + pushed(t, zipped)},
		{"a registry, of zstd layers", "registry:" + pushed(t, zstandard)},
	} {
		// From the source, then from what was kept of it.
		for _, cache := range []string{"", t.TempDir()} {
			for range 2 {
				got := findings(t, r, c.ref, cache)
				if want == nil {
					want = got
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s, cache %q: other findings\n%s\nthan at first\n%s", c.source, cache, got, want)
				}
			}
		}
	}
	for _, id := range []string{history, layers, tooling, user, signal, leaks, setuid, writable, size, config} {
		if !strings.Contains(string(want), fmt.Sprintf(`{"ID":%q,"Status":"fail"`, id)) {
			t.Errorf("%s does not fail, so that nothing was compared\n%s", id, want)
		}
	}
}

// findings are those of `podproof inspect`.
func findings(t *testing.T, r *recipe, ref, cache string) []byte {
	t.Helper()
	got, err := pipeline.Inspect(t.Context(), pipeline.InspectOptions{Contract: r.contract, Image: ref, Cache: cache, Tell: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	type verdict struct {
		ID       string
		Status   check.Status
		Findings []check.Finding
	}
	var out []verdict
	for _, v := range check.Judge(selected, got.Contract, got.Evidence) {
		out = append(out, verdict{v.Check.ID, v.Status, v.Findings})
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b, []byte(`},{"ID"`), []byte("},\n{\"ID\""))
}

// silent hears what is done, and says nothing.
type silent struct{}

func (silent) StepTo(string, string) func(error) { return func(error) {} }
func (silent) Waiting(string)                    {}
func (silent) Note(string)                       {}

// saved is what `docker save` up to version 24 writes.
func saved(t *testing.T, img v1.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tarball.Write(name.MustParseReference("corpus:1"), img, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func layoutOf(t *testing.T, img v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	at, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = at.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// archived is a layout in a tar, as `docker save` writes it since version 25.
func archived(t *testing.T, dir string) []byte {
	t.Helper()
	var files []file
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files = append(files, text(strings.TrimPrefix(p, dir+"/"), string(b)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imagetest.Tar(t, files...)
}

func pushed(t *testing.T, img v1.Image) string {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	ref := strings.TrimPrefix(srv.URL, "http://") + "/shop/corpus:1"
	where, err := name.ParseReference(ref)
	if err == nil {
		err = remote.Write(where, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// engine is a Docker engine that has one image and can save it.
func engine(t *testing.T, save []byte) {
	t.Helper()
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch path.Base(req.URL.Path) {
		case "_ping":
		case "json":
			fmt.Fprint(w, `{"Id":"sha256:aa","Size":12}`)
		case "get":
			_, _ = w.Write(save)
		default:
			http.Error(w, `{"message":"no such thing"}`, http.StatusNotFound)
		}
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
}

func kept(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func inGzip(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func inZstd(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}
