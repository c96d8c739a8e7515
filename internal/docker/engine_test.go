package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
)

// engine serves an API on a socket of its own and returns the socket's path.
func engine(t *testing.T, api http.Handler) string {
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
	srv := &http.Server{Handler: api}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return l.Addr().String()
}

// api is an engine of version 1.41 with one image and one container.
func api() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	answer := func(pattern, body string) {
		m.HandleFunc("/v1.41"+pattern, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	answer("/info", `{"CgroupVersion":"1","Driver":"overlay2","NCPU":2,"MemTotal":7,"Architecture":"x86_64"}`)
	answer("/version", `{"Version":"20.10.24","Os":"linux","Arch":"amd64"}`)
	answer("/images/app:1/json", `{"Id":"sha256:aa","Size":12,"RootFS":{"Layers":["sha256:bb"]}}`)
	m.HandleFunc("DELETE /v1.41/images/app:1", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"Untagged":"app:1"}]`) })
	answer("/images/get", "tar")
	m.HandleFunc("/v1.41/containers/json", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("all") != "1" || !strings.Contains(r.FormValue("filters"), `"label":{"k=v":true}`) {
			http.Error(w, `{"message":"wrong filters"}`, http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, `[{"Id":"c1","Names":["/node"],"State":"exited","Labels":{"k":"v"}}]`)
	})
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"no such thing"}`, http.StatusNotFound)
	})
	return m
}

func connect(t *testing.T) *Engine {
	t.Helper()
	e, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// A container that runs already, or starts after the first look, is waited for no longer.
func TestAwaitStarted(t *testing.T) {
	for name, there := range map[string]string{"runs already": `[{"Id":"c1","State":"running"}]`, "starts later": `[{"Id":"c0","State":"exited"}]`} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			looked := make(chan struct{})
			m := http.NewServeMux()
			m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
			m.HandleFunc("/v1.41/containers/json", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, there)
				close(looked)
			})
			m.HandleFunc("/v1.41/events", func(w http.ResponseWriter, r *http.Request) {
				if f := r.FormValue("filters"); !strings.Contains(f, `"event":{"start":true}`) || !strings.Contains(f, `"label":{"k=v":true}`) {
					http.Error(w, `{"message":"wrong filters"}`, http.StatusBadRequest)
					return
				}
				w.(http.Flusher).Flush()
				<-looked
				if name == "starts later" {
					fmt.Fprintln(w, `{"Type":"container","Action":"start"}`)
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			})
			t.Setenv("DOCKER_HOST", "unix://"+engine(t, m))
			if err := connect(t).AwaitStarted(t.Context(), "k=v"); err != nil {
				t.Error(err)
			}
		})
	}
}

// clean takes the user's own settings out of the test's way.
func clean(t *testing.T) string {
	t.Helper()
	for _, k := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION"} {
		t.Setenv(k, "")
	}
	dir, old := t.TempDir(), config.Dir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(old) })
	return dir
}

func TestEngineByHost(t *testing.T) {
	clean(t)
	sock := "unix://" + engine(t, api())
	t.Setenv("DOCKER_HOST", sock)
	e := connect(t)
	if e.Host() != sock || !slices.Equal(e.Env(), []string{"DOCKER_HOST=" + sock}) {
		t.Errorf("host %s, env %v", e.Host(), e.Env())
	}
	info, err := e.Info(t.Context())
	if want := (Info{"20.10.24", "linux", "amd64", "1", "overlay2", 2, 7}); err != nil || info != want {
		t.Errorf("info %+v, %v, want %+v", info, err, want)
	}
	img, err := e.Image(t.Context(), "app:1")
	if err != nil || img.ID != "sha256:aa" || img.Size != 12 || !slices.Equal(img.Layers, []string{"sha256:bb"}) {
		t.Errorf("image %+v, %v", img, err)
	}
	if _, err := e.Image(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("image none: %v, want ErrNotFound", err)
	}
	cs, err := e.Containers(t.Context(), "k=v")
	if err != nil || len(cs) != 1 || cs[0].Name != "node" || cs[0].ID != "c1" || cs[0].State != "exited" {
		t.Errorf("containers %+v, %v", cs, err)
	}
	for _, name := range []string{"app:1", "gone"} {
		if err := e.RemoveImage(t.Context(), name); err != nil {
			t.Errorf("removing image %s: %v", name, err)
		}
	}
	if err := e.RemoveNetwork(t.Context(), "gone"); err != nil {
		t.Errorf("removing a network that is not there: %v", err)
	}
	if _, err := e.Dial(t.Context(), "/grpc", "h2c", nil); err == nil || !strings.Contains(err.Error(), "POST /grpc") {
		t.Errorf("dialling an engine without BuildKit: %v", err)
	}
}

func TestEngineByContext(t *testing.T) {
	dir := clean(t)
	sock := "unix://" + engine(t, api())
	sum := sha256.Sum256([]byte("mine"))
	meta := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json")
	write(t, meta, `{"Name":"mine","Metadata":{},"Endpoints":{"docker":{"Host":"`+sock+`"}}}`)

	check := func(t *testing.T) {
		e := connect(t)
		if e.Host() != sock || !slices.Equal(e.Env(), []string{"DOCKER_HOST=", "DOCKER_CONTEXT=mine"}) {
			t.Errorf("host %s, env %v", e.Host(), e.Env())
		}
	}
	t.Run("from the environment", func(t *testing.T) { t.Setenv("DOCKER_CONTEXT", "mine"); check(t) })
	t.Run("from the settings", func(t *testing.T) {
		write(t, filepath.Join(dir, "config.json"), `{"currentContext":"mine"}`)
		check(t)
	})
	t.Run("unknown", func(t *testing.T) {
		t.Setenv("DOCKER_CONTEXT", "other")
		refuses(t, `DOCKER_CONTEXT names the context "other"`, "docker context ls")
	})
}

func TestNoEngine(t *testing.T) {
	clean(t)
	t.Run("no socket", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "s"))
		refuses(t, "(DOCKER_HOST)", "no such file or directory", "Start Docker")
	})
	t.Run("no name", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "here")
		refuses(t, "here", "DOCKER_HOST")
	})
	t.Run("too old", func(t *testing.T) {
		m := http.NewServeMux()
		m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.24") })
		t.Setenv("DOCKER_HOST", "unix://"+engine(t, m))
		refuses(t, "1.24", "Docker Engine 20.10")
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix://"+engine(t, api()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Connect(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Connect = %v, want context.Canceled", err)
		}
	})
}

func refuses(t *testing.T, words ...string) {
	t.Helper()
	_, err := Connect(t.Context())
	if err == nil {
		t.Fatal("Connect found an engine")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than one paragraph", err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
