package standin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/hack/internal/progress"
)

func testHost(t *testing.T) Host {
	t.Helper()
	hack, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return Host{Hack: hack, Go: map[string]string{"GOVERSION": "go1.26.0", "GOARCH": "amd64"}}
}

func TestKeyFollowsInputs(t *testing.T) {
	host := testHost(t)
	first, err := host.Golang()
	if err != nil {
		t.Fatal(err)
	}
	again, err := host.Golang()
	if err != nil || first.Ref() != again.Ref() {
		t.Errorf("the same inputs gave %s and %s (%v)", first.Ref(), again.Ref(), err)
	}
	for name, change := range map[string]func(*Host){
		"go version":      func(h *Host) { h.Go["GOVERSION"] = "go1.26.9" },
		"architecture":    func(h *Host) { h.Go["GOARCH"] = "arm64" },
		"module settings": func(h *Host) { h.Go["GOPROXY"] = "https://proxy.example" },
		"CA bundle":       func(h *Host) { h.CA = "certificate" },
	} {
		other := testHost(t)
		change(&other)
		image, err := other.Golang()
		if err != nil {
			t.Fatal(err)
		}
		if image.Key == first.Key {
			t.Errorf("%s changed, the key did not", name)
		}
	}
	if key("ab", "c") == key("a", "bc") {
		t.Error("inputs run into each other")
	}
}

func TestGoEnvHoldsOnlyWhatDiffers(t *testing.T) {
	host := testHost(t)
	if got := host.goEnv(); got != "" {
		t.Errorf("Go's own settings gave %q", got)
	}
	host.Go["GOSUMDB"] = "off"
	if got := host.goEnv(); got != "GOSUMDB=off\n" {
		t.Errorf("got %q", got)
	}
}

func TestRequired(t *testing.T) {
	version, err := testHost(t).required("kube", "k8s.io/kubernetes")
	if err != nil || !strings.HasPrefix(version, "v1.") {
		t.Errorf("got %q, %v", version, err)
	}
	if _, err := testHost(t).required("kube", "example.com/none"); err == nil {
		t.Error("a module that is not required has a version")
	}
}

// A part that fails or is interrupted leaves nothing behind, and is begun again by the next build.
func TestPartIsWholeOrAbsent(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	log := progress.New(null, "")
	defer log.Close()
	dir := t.TempDir()
	fails := true
	p := part{name: "p", key: "k", build: func(_ context.Context, _ *Builder, dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "half"), nil, 0o600); err != nil {
			return err
		}
		if fails {
			return errors.New("interrupted")
		}
		return nil
	}}
	if err := (&Builder{Log: log, Dir: dir}).make(t.Context(), p); err == nil {
		t.Fatal("the failure is lost")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	fails = false
	b := &Builder{Log: log, Dir: dir}
	if err := b.make(t.Context(), p); err != nil || !b.has(p) {
		t.Errorf("the second build: %v", err)
	}
}

func TestNeedSpaceSaysHowMuch(t *testing.T) {
	b := &Builder{Dir: t.TempDir(), Host: Host{Go: map[string]string{"GOCACHE": t.TempDir()}}}
	err := b.NeedSpace([]Image{{parts: []part{{name: "p", key: "k", size: 1 << 60}}}})
	if err == nil || !strings.Contains(err.Error(), "GB in ") {
		t.Errorf("got %v", err)
	}
	if err := b.NeedSpace([]Image{{parts: []part{{name: "p", key: "k", size: 1}}}}); err != nil {
		t.Error(err)
	}
}
