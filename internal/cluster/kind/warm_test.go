package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

// warmWorld plays an engine and kind's clusters on it.
type warmWorld struct {
	runs    string
	nodes   map[string]string // the state of each, by cluster
	memory  int64             // that each takes
	image   string            // the ID of the node image
	made    int
	removed []string
	said    []string
	stained string
	// What goes wrong.
	asleep, untidy, unmade, stuck error
}

func newWarmWorld(t *testing.T) *warmWorld {
	t.Helper()
	return &warmWorld{runs: t.TempDir(), nodes: map[string]string{}, memory: 600 << 20, image: "sha256:node"}
}

func (w *warmWorld) Host() string { return "unix:///engine.sock" }
func (w *warmWorld) Close() error { return nil }
func (w *warmWorld) Info(context.Context) (docker.Info, error) {
	return docker.Info{Memory: 8 << 30}, nil
}
func (w *warmWorld) Image(_ context.Context, ref string) (docker.Image, error) {
	if w.image == "" {
		return docker.Image{}, fmt.Errorf("image %s: %w", ref, docker.ErrNotFound)
	}
	return docker.Image{ID: w.image}, nil
}

func (w *warmWorld) Containers(_ context.Context, label string) ([]docker.Container, error) {
	name := strings.TrimPrefix(label, nodeLabel+"=")
	if state := w.nodes[name]; state != "" {
		return []docker.Container{{ID: name, Name: name + "-control-plane", State: state}}, nil
	}
	return nil, nil
}

func (w *warmWorld) Pause(_ context.Context, id string) error {
	w.nodes[id] = paused
	return w.stuck
}
func (w *warmWorld) Unpause(_ context.Context, id string) error    { w.nodes[id] = "running"; return nil }
func (w *warmWorld) Memory(context.Context, string) (int64, error) { return w.memory, nil }
func (w *warmWorld) remove(_ context.Context, k *Kind) error {
	w.removed = append(w.removed, k.name)
	delete(w.nodes, k.name)
	return nil
}

// run is one that is about to open a warm cluster.
func (w *warmWorld) run() *warm {
	note := func(text string) { w.said = append(w.said, text) }
	c := newWarm("node:1", cluster.Spec{Run: "r", Warm: true, Runs: w.runs, Stained: func() string { return w.stained }, Note: note, Debug: note,
		Waiting: func(string) {}, Ended: func(string, time.Duration) {}})
	c.does = deeds{
		connect: func(context.Context) (engine, error) { return w, nil },
		make: func(_ context.Context, k *Kind) error {
			w.made++
			w.nodes[k.name] = "running"
			return errors.Join(w.unmade, os.WriteFile(k.kubeconfig, []byte("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: https://c}}]\n"), 0o600))
		},
		remove:   w.remove,
		awake:    func(context.Context, *Kind) error { return w.asleep },
		pristine: func(context.Context, *Kind, string) error { return nil },
		tidy:     func(context.Context, *Kind, string) error { return w.untidy },
	}
	return c
}

// used is one that was opened and closed.
func (w *warmWorld) used(t *testing.T) *warm {
	t.Helper()
	r := w.run()
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// abandoned are the clusters that a sweep would remove.
func (w *warmWorld) abandoned(t *testing.T) (names []string) {
	t.Helper()
	all, err := ledger.Abandoned(w.runs, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		names = append(names, l.Made.Cluster)
		if err := l.Release(true); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestAWarmClusterIsMadeOnceAndResumed(t *testing.T) {
	w := newWarmWorld(t)
	first := w.run()
	if about := first.About(); !about.Owned || !about.Warm || !about.Stays() || about.Name != "" {
		t.Errorf("before it is opened it is %+v", about)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Errorf("closing what was not opened: %v", err)
	}
	if err := first.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := first.About().Name
	if got := w.nodes[name]; got != "running" || first.used {
		t.Errorf("its node is %q, used %t", got, first.used)
	}
	if err := first.Close(t.Context()); err != nil || w.nodes[name] != paused {
		t.Errorf("it is left %q (%v)", w.nodes[name], err)
	}
	second := w.run()
	if err := second.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Booted(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := second.ledger.Made.Warm.Memory; got != w.memory {
		t.Errorf("it waited with %d bytes, want %d", got, w.memory)
	}
	if err := second.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	second = w.run()
	if err := second.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := second.ledger.Made.Warm.Memory; got != w.memory {
		t.Errorf("after two runs it waited with %d bytes, want %d", got, w.memory)
	}
	if got := second.About().Name; got != name || w.made != 1 || w.nodes[name] != "running" || !second.used || second.REST() == nil {
		t.Errorf("the second run is in %s, the first was in %s; made %d", got, name, w.made)
	}
	if !slices.ContainsFunc(w.said, func(s string) bool { return strings.HasPrefix(s, "Resumed the warm cluster "+name) }) {
		t.Errorf("it said %q", w.said)
	}
	third := w.run() // at the same time
	if err := third.Open(t.Context()); err != nil || third.About().Name == name || w.made != 2 {
		t.Errorf("the third is in %s, made %d (%v)", third.About().Name, w.made, err)
	}
}

func TestWhatAKilledRunLeavesOfAWarmClusterIsSwept(t *testing.T) {
	for name, kill := range map[string]func(*testing.T, *warmWorld) *warm{
		"while it is made": func(t *testing.T, w *warmWorld) *warm {
			r := w.run()
			w.unmade = errors.New("killed")
			_ = r.Open(t.Context())
			return r
		},
		"while it is used": func(t *testing.T, w *warmWorld) *warm {
			w.used(t)
			r := w.run()
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			return r
		},
		"before it is known to be awake": func(t *testing.T, w *warmWorld) (r *warm) {
			w.used(t)
			r = w.run()
			r.does.awake = func(context.Context, *Kind) error { panic("killed") }
			defer func() { _ = recover() }()
			_ = r.Open(t.Context())
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarmWorld(t)
			r := kill(t, w)
			cut := r.About().Name
			if got := w.abandoned(t); len(got) != 0 {
				t.Errorf("of a run that lives a sweep would remove %v", got)
			}
			if err := r.ledger.Release(true); err != nil { // as the kernel does at a process' end
				t.Fatal(err)
			}
			if got := w.abandoned(t); !slices.Equal(got, []string{cut}) {
				t.Errorf("a sweep would remove %v, and not %s", got, cut)
			}
			w.unmade = nil
			if next := w.used(t); next.About().Name == cut {
				t.Error("the next run took it")
			}
		})
	}
}

func TestAWarmClusterThatIsNotAsItWasLeft(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*warmWorld, *warm)
		said  string
	}{
		"stopped":      {func(w *warmWorld, r *warm) { w.nodes[r.name] = "exited" }, "-control-plane is exited and not paused, as it was left"},
		"running":      {func(w *warmWorld, r *warm) { w.nodes[r.name] = "running" }, "is running and not paused"},
		"gone":         {func(w *warmWorld, r *warm) { delete(w.nodes, r.name) }, "it has 0 nodes and not one"},
		"not itself":   {func(w *warmWorld, _ *warm) { w.asleep = errors.New("its API server is away") }, "its API server is away"},
		"no way to it": {func(_ *warmWorld, r *warm) { os.Remove(r.kubeconfig) }, "its kubeconfig is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarmWorld(t)
			first := w.used(t)
			c.spoil(w, first)
			second := w.run()
			if err := second.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(w.removed) != 1 || w.made != 2 || second.used || second.REST() != nil || w.nodes[second.About().Name] != "running" {
				t.Errorf("removed %v, made %d, used %t", w.removed, w.made, second.used)
			}
			if said := strings.Join(w.said, "\n"); !strings.Contains(said, "is removed, and made anew: ") || !strings.Contains(said, c.said) {
				t.Errorf("it said:\n%s", said)
			}
		})
	}
}

func TestWhatIsNotKeptWarm(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*warmWorld, *warm)
		said  string
	}{
		"it is stained":        {func(w *warmWorld, _ *warm) { w.stained = "clusterrole/x of the manifests belongs to the whole cluster" }, "clusterrole/x of the manifests belongs to the whole cluster"},
		"it is not tidy":       {func(w *warmWorld, _ *warm) { w.untidy = errors.New("ctr: no space left") }, "ctr: no space left"},
		"it is too large":      {func(w *warmWorld, _ *warm) { w.memory = 3 << 30 }, "its node takes 3072 MiB of memory, and what waits may take 2048 MiB"},
		"it is too old":        {func(_ *warmWorld, r *warm) { r.ledger.Made.Warm.Made = time.Now().Add(-oldest - time.Minute) }, "it was made on "},
		"it cannot be stopped": {func(w *warmWorld, _ *warm) { w.stuck = errors.New("the freezer is stuck") }, "the freezer is stuck"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarmWorld(t)
			r := w.run()
			if err := r.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.spoil(w, r)
			if err := r.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			left, _ := os.ReadDir(w.runs)
			if said := strings.Join(w.said, "\n"); len(w.nodes) != 0 || len(left) != 0 || !strings.Contains(said, "and not kept warm: "+c.said) {
				t.Errorf("nodes %v, folders %v, said:\n%s", w.nodes, left, said)
			}
		})
	}
}

// No more wait than may, and those that were used last do.
func TestRoomForWarmClusters(t *testing.T) {
	for name, c := range map[string]struct {
		memory int64
		left   int
	}{"by number": {100 << 20, mostWarm}, "by memory": {1100 << 20, 1}} {
		t.Run(name, func(t *testing.T) {
			w := newWarmWorld(t)
			w.memory = c.memory
			var all []*warm
			for range 4 { // all at the same time
				r := w.run()
				if err := r.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				all = append(all, r)
			}
			for _, r := range all {
				if err := r.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var want []string
			for _, r := range all[4-c.left:] {
				want = append(want, r.About().Name)
			}
			var got []string
			for name := range w.nodes {
				got = append(got, name)
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what waits (-want +got):\n%s", diff)
			}
		})
	}
}

// One of another node image is made beside it.
func TestAWarmClusterOfAnotherNodeImage(t *testing.T) {
	w := newWarmWorld(t)
	first := w.used(t)
	w.image = "sha256:other"
	if second := w.used(t); second.About().Name == first.About().Name {
		t.Error("it was taken")
	}
	w.image = "sha256:node"
	if third := w.used(t); third.About().Name != first.About().Name || w.made != 2 {
		t.Errorf("the first was not taken again; made %d", w.made)
	}
}

// One whose node image kind has pulled is known by that afterwards.
func TestAWarmClusterOfANodeImageThatIsPulled(t *testing.T) {
	w := newWarmWorld(t)
	w.image = ""
	first := w.run()
	if err := first.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.image = "sha256:pulled"
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second := w.used(t); second.About().Name != first.About().Name {
		t.Error("it is not taken again")
	}
}

// A run that is stopped while the cluster is made leaves none.
func TestAWarmClusterThatCannotBeMade(t *testing.T) {
	w := newWarmWorld(t)
	w.unmade = errors.New("no space left")
	r := w.run()
	if err := r.Open(t.Context()); !errors.Is(err, w.unmade) {
		t.Errorf("got %v", err)
	}
	if err := r.Close(t.Context()); err != nil || len(w.nodes) != 0 {
		t.Errorf("left are %v (%v)", w.nodes, err)
	}
	r = w.run()
	_ = r.Open(t.Context())
	w.stained = "not all that the run made in it could be removed" // as where it is still being made
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.abandoned(t); !slices.Equal(got, []string{r.About().Name}) {
		t.Errorf("a sweep would remove %v", got)
	}
	broken := w.run()
	broken.does.connect = func(context.Context) (engine, error) { return nil, errors.New("no engine") }
	if err := broken.Open(t.Context()); err == nil {
		t.Error("there is no error")
	}
	if err := broken.Booted(t.Context()); err == nil || !strings.Contains(err.Error(), "no cluster was made") {
		t.Errorf("booted: %v", err)
	}
}

// What was there stays, the last run's layers stay under their digests, and all else goes.
func TestForeignImages(t *testing.T) {
	there := imagesIn(`REF TYPE DIGEST SIZE PLATFORMS LABELS
registry.k8s.io/pause:3.10 application/vnd.oci.image.manifest.v1+json sha256:p 5 B linux/amd64 io.cri-containerd.image=managed
sha256:pause application/vnd.oci.image.manifest.v1+json sha256:p 5 B linux/amd64 -
podproof.local/api:run-2 application/vnd.oci.image.manifest.v1+json sha256:a2 5 B linux/amd64 -
sha256:api2 application/vnd.oci.image.manifest.v1+json sha256:a2 5 B linux/amd64 -
sha256:api1 application/vnd.oci.image.manifest.v1+json sha256:a1 5 B linux/amd64 -
docker.io/library/postgres:16 application/vnd.oci.image.manifest.v1+json sha256:pg 5 B linux/amd64 -
docker.io/library/postgres@sha256:pg application/vnd.oci.image.manifest.v1+json sha256:pg 5 B linux/amd64 -
sha256:postgres application/vnd.oci.image.manifest.v1+json sha256:pg 5 B linux/amd64 -
`)
	got := foreign(there, []string{"registry.k8s.io/pause:3.10", "sha256:pause"})
	want := []string{"podproof.local/api:run-2", "sha256:api1", "docker.io/library/postgres:16", "docker.io/library/postgres@sha256:pg"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheKubeconfigLiesInTheLedger(t *testing.T) {
	w := newWarmWorld(t)
	r := w.run()
	if err := r.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(w.runs, strings.TrimPrefix(r.About().Name, "podproof-"), "kubeconfig"); r.kubeconfig != want {
		t.Errorf("it is %s, and should be %s", r.kubeconfig, want)
	}
}
