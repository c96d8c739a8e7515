package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// archive is a file with an image of one layer, as `docker save` writes it.
func archive(t *testing.T) string {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, oneLayer(t))
	if err == nil {
		img, err = mutate.Config(img, v1.Config{User: "1001", ExposedPorts: map[string]struct{}{"8000/tcp": {}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	tag, err := name.NewTag("shop/api:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(file, tag, img); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestInspectReadsAFile(t *testing.T) {
	o := InspectOptions{Image: archive(t), Cache: t.TempDir(), Version: "v1"}
	inspect := func() (Result, []string, int) {
		t.Helper()
		tell, early := &script{}, 0
		o.Tell = tell
		o.Early = func(r Result) {
			early++
			if r.Evidence.Image.Config.User != "1001" || len(r.Evidence.Image.Layers) != 1 {
				t.Errorf("told early: %+v", r.Evidence.Image)
			}
		}
		r, err := Inspect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return r, tell.lines, early
	}
	r, told, early := inspect()
	if want := []string{"Opening image " + o.Image, "Image opened", "Reading the image's layers", "Image read"}; !slices.Equal(told, want) || early != 1 {
		t.Errorf("told %q, and %d times early", told, early)
	}
	e := r.Evidence
	if e.Image == nil || len(e.Image.Layers) != 1 || e.Run.Version != "v1" || len(e.Run.ID) != 8 || e.Run.Finished.Before(e.Run.Started) || e.SchemaVersion != evidence.SchemaVersion || r.Contract.HTTP.Port != 8000 {
		t.Errorf("got %+v of the contract %+v", e, r.Contract)
	}
	if _, _, early := inspect(); early != 0 {
		t.Error("what the cache knows takes no time, and is told early")
	}
	o.Cache = ""
	if _, _, early := inspect(); early != 1 {
		t.Errorf("without a cache: told early %d times", early)
	}
	o.Early = nil
	if _, err := Inspect(t.Context(), o); err != nil {
		t.Error(err)
	}
}

// Only the archive says what image it holds, and so whether the folder's contract is for it.
func TestInspectTakesTheFoldersContractForItsOwnImage(t *testing.T) {
	for about, port := range map[string]int{"shop/api:2": 9000, "shop/web:1": 8000} {
		var told []string
		c := contract.Contract{APIVersion: contract.APIVersion, Kind: contract.Kind, Image: about, HTTP: contract.HTTP{Port: 9000}}
		r, err := Inspect(t.Context(), InspectOptions{Image: archive(t), Near: true, Contract: c, Tell: &script{}, Debug: func(s string) { told = append(told, s) }})
		if err != nil || r.Evidence.Image == nil || r.Contract.HTTP.Port != port {
			t.Errorf("a contract for %s: port %d, want %d (%v)", about, r.Contract.HTTP.Port, port, err)
		}
		if !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, "derived ") }) {
			t.Errorf("what was derived is not told: %q", told)
		}
	}
}

func TestInspectOfWhatIsNoImage(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.tar")
	if err := os.WriteFile(broken, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	newEngine(t)
	for _, x := range []struct {
		name string
		o    InspectOptions
		want string
	}{
		{"a file that is none", InspectOptions{Image: broken}, broken},
		{"a name that the engine does not have", InspectOptions{Image: "docker-daemon:shop/none:1"}, "shop/none:1"},
		{"a platform that is none", InspectOptions{Image: broken, Platform: "amd64"}, `--platform "amd64" is not a platform`},
		{"a platform without an architecture", InspectOptions{Image: broken, Platform: "linux/"}, `--platform "linux/" is not a platform`},
		{"a platform of too many parts", InspectOptions{Image: broken, Platform: "a/b/c/d/e"}, "is not a platform"},
		{"manifests that are not there", InspectOptions{Image: broken, Contract: contract.Contract{Manifests: []string{"none.yaml"}}}, "none.yaml"},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.o.Tell = &script{}
			r, err := Inspect(t.Context(), x.o)
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), x.want) || r.Evidence.Image != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	cause := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := Inspect(ctx, InspectOptions{Image: archive(t), Tell: &script{}}); err != nil && err != cause {
		t.Errorf("got %v", err)
	}
	if err := inputError(ctx, docker.ErrNotFound); err != cause {
		t.Errorf("a run that was ended: %v", err)
	}
	if err := inputError(t.Context(), errBroken); err != errBroken {
		t.Errorf("what nobody asked for: %v", err)
	}
}

func TestWhereAnImageIsOpened(t *testing.T) {
	for asked, want := range map[string]string{"": "linux/" + runtime.GOARCH, "linux/arm/v7": "linux/arm", "linux/s390x": "linux/s390x"} {
		i := &inspection{InspectOptions: InspectOptions{Platform: asked}}
		if got := i.result(evidence.Image{}).Evidence.Run.Platform; got != want {
			t.Errorf("asked for %q: the platform is %s, want %s", asked, got, want)
		}
	}
	i := &inspection{InspectOptions: InspectOptions{Platform: "linux/arm64", Cache: "/cache"}, cache: layersIn("/cache")}
	o, err := i.where()
	if err != nil || o.Platform == nil || o.Platform.Architecture != "arm64" || o.Configs != "/cache/configs" || o.Known == nil {
		t.Errorf("got %+v (%v)", o, err)
	}
	i = &inspection{}
	if o, err := i.where(); err != nil || o.Platform != nil || o.Configs != "" || o.Known != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
}

func TestInspectNamesItsContract(t *testing.T) {
	file := filepath.Join(t.TempDir(), contract.DefaultFile)
	if err := os.WriteFile(file, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := contract.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), InspectOptions{Image: archive(t), Contract: c, Tell: &script{}})
	if err != nil {
		t.Fatal(err)
	}
	if in := r.Evidence.Inputs; in == nil || in.Contract != c.Digest() || !strings.HasPrefix(in.Contract, "sha256:") || in.Manifests != "" {
		t.Errorf("%+v", in)
	}
}
