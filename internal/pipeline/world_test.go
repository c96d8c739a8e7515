package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/ledger"
)

// fakeEngine plays a Docker engine with some images, which every test's docker.Connect reaches.
type fakeEngine struct {
	mu      sync.Mutex
	images  map[string]v1.Image // by name
	removed []string
	machine string // its architecture; amd64 where it is empty
}

func newEngine(t *testing.T, names ...string) *fakeEngine {
	t.Helper()
	e := &fakeEngine{images: map[string]v1.Image{}}
	for _, n := range names {
		img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Author: n, RootFS: v1.RootFS{Type: "layers"},
			Config: v1.Config{User: "1001", StopSignal: "SIGQUIT", Env: []string{"PATH=/bin"}, ExposedPorts: map[string]struct{}{"8000/tcp": {}}}})
		if err == nil {
			img, err = mutate.AppendLayers(img, oneLayer(t))
		}
		if err != nil {
			t.Fatal(err)
		}
		e.images[n] = img
	}
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(e.serve)}
	go func() { _ = server.Serve(l) }() // it ends with the test
	t.Cleanup(func() { server.Close() })
	t.Setenv("DOCKER_HOST", "unix://"+l.Addr().String())
	return e
}

// oneLayer is one with something in it.
func oneLayer(t *testing.T) v1.Layer {
	t.Helper()
	l, err := random.Layer(64, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// find is the image of a name or an ID.
func (e *fakeEngine) find(ref string) v1.Image {
	for n, img := range e.images {
		if id, err := img.ConfigName(); n == ref || err == nil && id.String() == ref {
			return img
		}
	}
	return nil
}

func (e *fakeEngine) serve(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/")
	switch {
	case strings.HasSuffix(r.URL.Path, "_ping"):
		w.Header().Set("Api-Version", "1.41")
	case path == "info":
		fmt.Fprint(w, `{"NCPU":2}`)
	case path == "version":
		fmt.Fprintf(w, `{"Os":"linux","Arch":%q}`, cmp.Or(e.machine, "amd64"))
	case r.Method == http.MethodDelete:
		e.removed = append(e.removed, strings.TrimPrefix(path, "images/"))
		fmt.Fprint(w, `[]`)
	case path == "images/get":
		tag, err := name.NewTag("saved:1")
		if err == nil {
			err = tarball.Write(tag, e.find(r.FormValue("names")), w)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	default:
		img := e.find(strings.TrimSuffix(strings.TrimPrefix(path, "images/"), "/json"))
		if img == nil {
			http.Error(w, `{"message":"No such image"}`, http.StatusNotFound)
			return
		}
		id, err := img.ConfigName()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		c, _ := img.ConfigFile()
		config, _ := json.Marshal(c.Config)
		fmt.Fprintf(w, `{"Id":%q,"RootFS":{},"Os":"linux","Architecture":"amd64","Config":%s}`, id, config)
	}
}

// testCluster is a cluster whose API server the test plays, and what was done with it.
type testCluster struct {
	facts cluster.Facts
	api   *apiServer
	nodes *testNodes // nil where it lets podproof run nothing on a node
	gone  bool
	lost  error  // of looking for it
	named string // comes before the names of images
	pulls bool   // its nodes pull their images
	image string // of its nodes

	mu               sync.Mutex
	spec             cluster.Spec
	has              []string // images that its nodes have
	loaded, unloaded []string
	opened, closed   int
	stained          string // as the run said when it was closed
	reclaimed        []ledger.Made
	broken           error // of opening it
	stays            error // of removing it
}

func newCluster(t *testing.T, owned bool) *testCluster {
	t.Helper()
	c := &testCluster{facts: cluster.Facts{Provider: "fake", Name: "fake-1", Flag: "fake:fake-1", Owned: owned, Kubectl: "--context fake"}, api: newAPIServer(t), nodes: &testNodes{}}
	return c
}

func (c *testCluster) Prepare(_ context.Context, s cluster.Spec) (cluster.Cluster, error) {
	c.spec = s
	if c.gone {
		return nil, fmt.Errorf("%s: %w", s.Existing, cluster.ErrGone)
	}
	return c, c.lost
}

func (c *testCluster) Reclaim(_ context.Context, left ledger.Made) error {
	c.reclaimed = append(c.reclaimed, left)
	return c.broken
}

// MadeOf is the image of its nodes.
func (c *testCluster) MadeOf() string { return c.image }

// Pulls tells whether images can be put into it.
func (c *testCluster) Pulls() bool { return c.pulls }

// alone are the providers of which it is the only one.
func (c *testCluster) alone() cluster.Providers { return cluster.Providers{"fake": c, "kind": c} }

func (c *testCluster) About() cluster.Facts         { return c.facts }
func (c *testCluster) Booted(context.Context) error { return nil }
func (c *testCluster) REST() *rest.Config           { return c.api.rest() }
func (c *testCluster) Images() cluster.Images {
	if c.pulls {
		return nil
	}
	return c
}
func (c *testCluster) Open(context.Context) error { c.opened++; return c.broken }
func (c *testCluster) Close(context.Context) error {
	c.closed++
	if c.spec.Stained != nil {
		c.stained = c.spec.Stained()
	}
	return c.stays
}
func (c *testCluster) Nodes() cluster.Nodes {
	if c.nodes == nil {
		return nil
	}
	return c.nodes
}

func (c *testCluster) Has(_ context.Context, ref string) (bool, error) {
	return slices.Contains(c.has, ref), nil
}

func (c *testCluster) Name(_ context.Context, _ v1.Image, ref string) (string, error) {
	return c.named + ref, nil
}

func (c *testCluster) Load(_ context.Context, _ v1.Image, ref string) (cluster.Loaded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded = append(c.loaded, ref)
	return cluster.Loaded{}, nil
}

func (c *testCluster) Unload(_ context.Context, refs ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unloaded = append(c.unloaded, refs...)
	return nil
}

// testNodes are nodes on which podproof's agent knows little: "worker", and others.
type testNodes struct {
	mu        sync.Mutex
	others    []string
	connected []string // those that were asked to connect to something
	streamed  []string // those that stream, with what
	installed string
	removed   int
	ran       []string
}

func (n *testNodes) List(context.Context) ([]string, error) {
	return append([]string{"worker"}, n.others...), nil
}
func (n *testNodes) Install(_ context.Context, program string) error {
	n.installed = program
	return nil
}
func (n *testNodes) Remove(context.Context) error { n.removed++; return nil }

func (n *testNodes) Run(_ context.Context, node, op string, args ...string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if op == "connect" {
		n.connected = append(n.connected, node)
	}
	n.ran = append(n.ran, op+" "+strings.Join(args, " "))
	if op == "processes" {
		return []byte("process\nName:\tapi\nUid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nNSpid:\t9\t1\nSeccomp:\t2\nCmdline:\t/api\037\n"), nil
	}
	return nil, nil
}

func (n *testNodes) Stream(ctx context.Context, node string, out io.Writer, op string, _ ...string) error {
	n.mu.Lock()
	n.streamed = append(n.streamed, node+" "+op)
	n.mu.Unlock()
	if op == "logs" {
		_, err := fmt.Fprintln(out, ">")
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

var errBroken = errors.New("the disk is full")

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: api, image: "shop/api:1.0", ports: [{name: http, containerPort: 8000}], readinessProbe: {httpGet: {path: /ready, port: http}}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "postgres:16"}]}
---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 5432, protocol: TCP}]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: api}, stringData: {TOKEN: hunter2hunter2}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {metadata: {labels: {app: migrate}}, spec: {restartPolicy: Never, containers: [{name: m, image: "shop/api:1.0"}]}}}}
`

// shopContract is one beside manifests, in a folder of its own.
func shopContract(t *testing.T, text, more string) contract.Contract {
	t.Helper()
	dir := t.TempDir()
	for file, content := range map[string]string{"all.yaml": manifests + more,
		contract.DefaultFile: "apiVersion: podproof/v1alpha1\nkind: Contract\nmanifests: [all.yaml]\nimage: shop/api:1.0\nworkload: deployment/api\ndependencies: [statefulset/db]\n" + text} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := contract.Load(filepath.Join(dir, contract.DefaultFile))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
