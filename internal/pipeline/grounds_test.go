package pipeline

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// remembered is a Memory that keeps what it is asked, and answers by what it is given.
type remembered struct {
	mu     sync.Mutex
	may    bool
	asked  []Grounds
	answer *Result
}

func (m *remembered) May(Grounds) bool { return m.may }

func (m *remembered) Recall(on Grounds) *Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, maps.Clone(on))
	return m.answer
}

// world is what a run of the table stands on.
type world struct {
	o       Options
	engine  *fakeEngine
	cluster *testCluster
	notes   []string
}

// alike is always the same world.
func alike(t *testing.T, owned bool) *world {
	t.Helper()
	w := &world{engine: newEngine(t), cluster: newCluster(t, owned)}
	for _, name := range []string{"shop/api:1.0", "postgres:16", "node:1"} {
		w.tag(t, name, name)
	}
	w.cluster.image = "node:1"
	w.o, _ = options(t, w.cluster, "startup/ready", "image/size-budget")
	var mu sync.Mutex
	w.o.Debug = func(s string) { mu.Lock(); defer mu.Unlock(); w.notes = append(w.notes, s) }
	if !owned {
		w.o.Existing = "fake-1"
		w.cluster.api.system("1-2-3", "")
	}
	return w
}

// tag gives an image by its content a name.
func (w *world) tag(t *testing.T, name, content string) {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Author: content, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	w.engine.mu.Lock()
	defer w.engine.mu.Unlock()
	w.engine.images[name] = img
}

// known are the grounds of a run in the world; nil where they are not known.
func (w *world) known(t *testing.T) Grounds {
	t.Helper()
	m := &remembered{answer: &Result{Record: "an earlier one"}}
	w.o.Memory = m
	r, err := Verify(t.Context(), w.o)
	if len(m.asked) == 0 {
		return nil
	}
	if err != nil || r.Record != "an earlier one" || len(m.asked) != 1 {
		t.Fatalf("asked %d times, got %+v (%v)", len(m.asked), r, err)
	}
	return m.asked[0]
}

// rewrite changes a file beside the contract, and reads that again.
func (w *world) rewrite(t *testing.T, file, old, to string) {
	t.Helper()
	name := w.o.Contract.Path(file)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.o.Contract, err = contract.Load(w.o.Contract.Path(contract.DefaultFile)); err != nil {
		t.Fatal(err)
	}
}

// Each thing that decides what a run tries makes another run of it, and nothing else does.
func TestWhatARunStandsOn(t *testing.T) {
	for _, x := range []struct {
		name   string
		lent   bool
		change func(*testing.T, *world)
		other  string // the ground that differs; empty for none
	}{
		{name: "nothing", change: func(*testing.T, *world) {}},
		{name: "nothing, in a cluster that is lent", lent: true, change: func(*testing.T, *world) {}},
		{name: "a longer time", change: func(_ *testing.T, w *world) { w.o.Timeout = 1 << 40 }},
		{name: "the image behind the tag", other: "image", change: func(t *testing.T, w *world) { w.tag(t, "shop/api:1.0", "another") }},
		{name: "a dependency's image behind its tag", other: "other images", change: func(t *testing.T, w *world) { w.tag(t, "postgres:16", "another") }},
		{name: "an image in place of a dependency's", other: "other images,flags", change: func(t *testing.T, w *world) {
			w.tag(t, "mirror/postgres:16", "another")
			w.o.SetImages = map[string]string{"postgres:16": "mirror/postgres:16"}
		}},
		{name: "the node image behind its tag", other: "cluster", change: func(t *testing.T, w *world) { w.tag(t, "node:1", "another") }},
		{name: "a manifest", other: "manifests", change: func(t *testing.T, w *world) { w.rewrite(t, "all.yaml", "port: 5432", "port: 5433") }},
		{name: "the value of a Secret", other: "manifests", change: func(t *testing.T, w *world) { w.rewrite(t, "all.yaml", "hunter2hunter2", "hunter3hunter3") }},
		{name: "the contract", other: "contract", change: func(t *testing.T, w *world) {
			w.rewrite(t, contract.DefaultFile, "image: shop", "startup: {within: 31s}\nimage: shop")
		}},
		{name: "the contract's profile", other: "contract", change: func(t *testing.T, w *world) {
			w.rewrite(t, contract.DefaultFile, "image: shop", "profile: strict\nimage: shop")
		}},
		{name: "a comment in the contract", other: "contract", change: func(t *testing.T, w *world) {
			w.rewrite(t, contract.DefaultFile, "image: shop", "# why\nimage: shop")
		}},
		{name: "the selection", other: "selection", change: func(_ *testing.T, w *world) { w.o.Selected, _ = check.Select([]string{"startup/ready"}, nil) }},
		{name: "podproof's version", other: "podproof", change: func(_ *testing.T, w *world) { w.o.Version = "v2" }},
		{name: "no node access", other: "cluster", change: func(_ *testing.T, w *world) { w.o.Providers["fake"] = cluster.Nodeless(w.cluster) }},
		{name: "the image by another name", other: "contract", change: func(t *testing.T, w *world) {
			w.tag(t, "shop/api:2.0", "shop/api:1.0")
			w.o.Image = "shop/api:2.0"
		}},
		{name: "another cluster of the name", lent: true, other: "cluster", change: func(_ *testing.T, w *world) { w.cluster.api.system("3-2-1", "") }},
		{name: "another version of Kubernetes", lent: true, other: "cluster", change: func(_ *testing.T, w *world) { w.cluster.api.system("1-2-3", "v1.38.0") }},
		{name: "the network", lent: true, other: "flags", change: func(_ *testing.T, w *world) { w.o.OpenNetwork = true }},
	} {
		t.Run(x.name, func(t *testing.T) {
			a := alike(t, !x.lent)
			before := a.known(t)
			x.change(t, a)
			after := a.known(t)
			if before == nil || after == nil {
				t.Fatalf("they are not known: %q", a.notes)
			}
			var other []string
			for _, name := range []string{"podproof", "contract", "manifests", "selection", "flags", "machine", "cluster", "other images", "build", "image"} {
				if before[name] == "" {
					t.Errorf("%s is empty", name)
				}
				if before[name] != after[name] {
					other = append(other, name)
				}
			}
			want := strings.FieldsFunc(x.other, func(r rune) bool { return r == ',' })
			slices.Sort(want)
			slices.Sort(other)
			if !slices.Equal(other, want) || len(before) != 10 {
				t.Errorf("other are %q, want %q, of %d", other, want, len(before))
			}
			if a.cluster.opened > 0 || left(t, a.o) > 0 || len(a.cluster.api.changes("POST")) > 0 {
				t.Errorf("the cluster was opened %d times, %d folders are left", a.cluster.opened, left(t, a.o))
			}
		})
	}
}

// What may be another thing at any time, and nothing tells, is no ground to stand on: such a run is made,
// and -v says why.
func TestWhatNothingTellsIsRunAnew(t *testing.T) {
	for _, x := range []struct {
		name   string
		lent   bool
		change func(*testing.T, *world)
		says   string
	}{
		{"--keep", false, func(_ *testing.T, w *world) { w.o.Keep = true }, "--keep wants something to look at"},
		{"an image that the node pulls", false, func(t *testing.T, w *world) { delete(w.engine.images, "postgres:16") }, "the engine has no image postgres:16, so that the node pulls"},
		{"no node image", false, func(_ *testing.T, w *world) { w.cluster.image = "" }, "nothing tells what the cluster will be made of"},
		{"a node image that is yet to be pulled", false, func(_ *testing.T, w *world) { w.cluster.image = "node:2" }, "the engine has no image node:2"},
		{"an image that the nodes have", true, func(_ *testing.T, w *world) { w.cluster.has = []string{"postgres:16"} }, "the nodes have an image postgres:16 of their own"},
		{"a host outside", false, func(t *testing.T, w *world) {
			w.rewrite(t, contract.DefaultFile, "dependencies: [", "dependencies: [{host: 's3.example.com:443'}, ")
		}, "it is outside of the cluster"},
		{"a cluster that does not say which it is", true, func(_ *testing.T, w *world) { delete(w.cluster.api.objects, "/api/v1/namespaces/kube-system") }, "the UID of namespace kube-system"},
		{"a namespace that is there", true, func(_ *testing.T, w *world) { w.o.Namespace = "shop" }, "what else is in namespace shop"},
		{"a ReplicaSet", false, func(t *testing.T, w *world) {
			w.rewrite(t, "all.yaml", "\n---\n{apiVersion: v1, kind: Service", "\n---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: r}, spec: {selector: {matchLabels: {app: r}}, template: {metadata: {labels: {app: r}}, spec: {containers: [{name: r, image: 'x:1'}]}}}}\n---\n{apiVersion: v1, kind: Service")
		}, "nobody knows what becomes of replicaset/r"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := alike(t, !x.lent)
			x.change(t, w)
			if on := w.known(t); on != nil {
				t.Fatalf("it stands on %v", on)
			}
			if said := strings.Join(w.notes, "\n"); !strings.Contains(said, "nor is one kept of it: ") || !strings.Contains(said, x.says) {
				t.Errorf("-v does not say %q:\n%s", x.says, said)
			}
		})
	}
}

// A run whose nodes pull their images is known where each is named by its digest.
func TestPulledImagesByTheirTags(t *testing.T) {
	r := &run{Options: Options{Providers: cluster.Providers{"fake": &testCluster{pulls: true}}, Provider: "fake"}}
	if id, err := r.imageID(t.Context(), "postgres@sha256:abc"); err != nil || id != "postgres@sha256:abc" {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := r.imageID(t.Context(), "postgres:16"); err == nil || !strings.Contains(err.Error(), "name it with its digest") {
		t.Errorf("%v", err)
	}
}

// A run that was made tells what it stood on, unless that changed under it.
func TestWhatARunStoodOnToItsEnd(t *testing.T) {
	for _, moved := range []bool{false, true} {
		w := alike(t, true)
		e := newEngine(t, "shop/api:1.0", "postgres:16", "node:1") // with layers, which are read
		w.engine = e
		m := &remembered{}
		w.o.Memory = m
		if moved {
			w.o.Tell = &stopping{notes: &notes{}, at: "Starting statefulset/db, job/migrate", stop: func() { w.tag(t, "postgres:16", "another") }}
		}
		r, err := Verify(t.Context(), w.o)
		if err != nil || len(r.Evidence.Missing) > 0 || len(m.asked) != 1 {
			t.Fatalf("missing %v, asked %d times (%v)", r.Evidence.Missing, len(m.asked), err)
		}
		if moved != (r.On == nil) || !moved && !maps.Equal(r.On, m.asked[0]) {
			t.Errorf("moved %t: it stood on %v", moved, r.On)
		}
		if said := strings.Join(w.notes, "\n"); moved != strings.Contains(said, "the other images changed while it ran") {
			t.Errorf("moved %t: -v says\n%s", moved, said)
		}
	}
}

// Of several contracts those that are answered are told so, and the others run; where all are, nothing is made.
func TestSeveralContractsOfWhichSomeAreAnswered(t *testing.T) {
	for _, n := range []int{0, 1, 2} {
		newEngine(t, "shop/api:1.0", "postgres:16", "node:1")
		c := newCluster(t, true)
		c.image = "node:1"
		all, _ := several(t, c, 2, "startup/ready")
		for i := range n {
			all[i].Memory = &remembered{answer: &Result{Record: "an earlier one"}}
		}
		for i, x := range verifyAll(t, t.Context(), all, 0) {
			if answered := i < n; x.err != nil || answered != (x.r.Record != "") || answered != (x.r.Evidence.Startup == nil) {
				t.Errorf("%d are answered; of %d: %q, %+v (%v)", n, i, x.r.Record, x.r.Evidence.Startup, x.err)
			}
		}
		if made := n < 2; made != (c.opened == 1) || made != (c.closed == 1) || left(t, all[0]) != 0 {
			t.Errorf("%d are answered: opened %d, closed %d times, %d folders are left", n, c.opened, c.closed, left(t, all[0]))
		}
	}
}

// countedBuilder counts builds.
type countedBuilder struct {
	testBuilder
	builds int
}

func (b *countedBuilder) Build(ctx context.Context, s build.Spec, waiting func(string)) (evidence.Build, error) {
	b.builds++
	return b.testBuilder.Build(ctx, s, waiting)
}

// A build that was answered by no record is not done twice; one that was is gone with the run.
func TestABuildIsMadeFirstWhereNothingElseDiffers(t *testing.T) {
	for _, x := range []struct {
		may, answered bool
		builds        int
	}{{false, false, 1}, {true, false, 1}, {true, true, 1}} {
		w := alike(t, true)
		dir := filepath.Dir(w.o.Contract.File())
		for file, text := range map[string]string{"Dockerfile": "FROM scratch\nCOPY x /x\n", "x": "1"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w.rewrite(t, contract.DefaultFile, "image: shop", "build: {context: .}\nimage: shop")
		w.o.Selected, _ = check.Select([]string{"build/succeeds"}, nil)
		m := &remembered{may: x.may}
		if x.answered {
			m.answer = &Result{Record: "an earlier one"}
		}
		w.o.Memory = m
		b := &countedBuilder{testBuilder: testBuilder{first: evidence.Build{ImageID: "sha256:built"}}}
		r := newRun(w.o)
		if err := r.read(); err != nil {
			t.Fatal(err)
		}
		if err := r.approach(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.builder = b
		known := r.recall(t.Context())
		if x.answered != (known != nil) || x.may != (len(m.asked) == 1) || r.on == nil {
			t.Fatalf("%+v: known %v, asked %d times, stands on %v: %q", x, known, len(m.asked), r.on, w.notes)
		}
		if x.answered {
			r.answered(*known)
		} else {
			if err := r.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			res, err := r.carryOut(t.Context())
			if err != nil || res.Evidence.Build == nil || res.On[GroundImage] != "sha256:built" {
				t.Errorf("%+v: built %+v, stood on %v (%v): %q", x, res.Evidence.Build, res.On, err, w.notes)
			}
		}
		if b.builds != x.builds || left(t, w.o) != 0 {
			t.Errorf("%+v: built %d times, %d folders are left", x, b.builds, left(t, w.o))
		}
		r.close()
	}
}
