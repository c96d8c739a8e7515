package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/docker"
)

// serve makes a Docker engine that has some images, and breaks off in the middle of saving
// one without content. What it says of an image are the layers of those that are given.
func serve(t *testing.T, saved map[string][]byte, images ...v1.Image) {
	t.Helper()
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	var layers []string
	for _, img := range images {
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range config.RootFS.DiffIDs {
			layers = append(layers, id.String())
		}
	}
	bytesOf := map[string][]byte{}
	for ref, b := range saved {
		id := idOf(ref)
		for _, name := range slices.Compact([]string{ref, id}) {
			bytesOf[name] = b
			m.HandleFunc("/v1.41/images/"+name+"/json", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"Id":%q,"Size":12,"Config":{"User":"7"},"RootFS":{"Layers":%s}}`, id, asJSON(t, layers))
			})
		}
	}
	m.HandleFunc("/v1.41/images/get", func(w http.ResponseWriter, r *http.Request) {
		b := bytesOf[r.FormValue("names")]
		if _, err := w.Write(b); err != nil {
			t.Error(err)
		}
		if b == nil {
			fmt.Fprint(w, "the beginning")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
	})
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: m}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
}

// idOf is the ID that the engine of serve gives to an image: what names a digest is that of an
// image, anything else gets one made up.
func idOf(ref string) string {
	if strings.HasPrefix(ref, "sha256:") {
		return ref
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(ref)))
}

func TestSaveByID(t *testing.T) {
	host := v1.Platform{OS: "linux", Architecture: "amd64"}
	img, other := on(t, imageOf(t, []file{text("a", "1")}), "amd64"), on(t, imageOf(t, []file{text("a", "2")}), "amd64")
	config, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	o := &oci{t: t}
	manifest := o.image(img, plain)
	index := o.index(manifest)
	inContainerd := o.archive(index)
	for _, c := range []struct {
		name, id string
		saved    []byte
		same     bool
	}{
		{"an engine's own store: the ID is the configuration's", config.String(), classic(t, img), true},
		{"containerd's store: the ID is the manifest's", manifest.Digest.String(), inContainerd, true},
		{"containerd's store: the ID is the index's", index.Digest.String(), inContainerd, true},
		{"another image than the one that was built", config.String(), classic(t, other), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The engine has the image by its ID alone: its name was given to another one.
			serve(t, map[string][]byte{c.id: c.saved, "app:1": classic(t, other)})
			e, err := docker.Connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			dir := t.TempDir()
			_, got, err := SaveByID(t.Context(), e, c.id, dir, host)
			if !c.same {
				if !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), c.id) {
					t.Errorf("it was taken for the image: %v", err)
				}
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("left behind: %v, %v", left, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = got.Close() }()
			if name, err := got.ConfigName(); err != nil || name != config {
				t.Errorf("saved %s, %v, want %s", name, err, config)
			}
		})
	}
}

func TestSave(t *testing.T) {
	serve(t, map[string][]byte{"app:1": []byte("tar of app:1"), "broken:1": nil})
	dir := t.TempDir()
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	name, err := Save(t.Context(), e, "app:1", dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "tar of app:1" {
		t.Errorf("saved %q, %v", b, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}

	if _, err := Save(t.Context(), e, "none:1", dir); !errors.Is(err, docker.ErrNotFound) {
		t.Errorf("an image that is not there: %v", err)
	}
	if _, err := Save(t.Context(), e, "broken:1", dir); err == nil || !strings.Contains(err.Error(), "saving image broken:1") {
		t.Errorf("a stream that breaks off: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := Save(t.Context(), e, "app:1", filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	err := explainFull(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "app:1", "the folder", 300<<20, 5<<20)
	for _, want := range []string{"the folder", "app:1", "300 MiB", "5 MiB", "XDG_CACHE_HOME"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}
