package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
)

// notes is a Teller that keeps what is noted.
type notes struct {
	script
	noted []string
}

func (n *notes) Note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noted = append(n.noted, text)
}

// options are those of a run that tries a few things in a cluster.
func options(t *testing.T, c *testCluster, checks ...string) (Options, *notes) {
	t.Helper()
	selected, err := check.Select(checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	tell := &notes{}
	return Options{Contract: shopContract(t, "", ""), Selected: selected, Providers: c.alone(), Provider: "fake", Version: "v1", Runs: filepath.Join(t.TempDir(), "runs"), Tell: tell, Debug: func(string) {}}, tell
}

const (
	coreDNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
	// idle is a Deployment beside the one under test, which runs another image.
	idle = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: c, image: "postgres:16"}]}}}}
`
)

// left are the folders of runs that are still there.
func left(t *testing.T, o Options) int {
	t.Helper()
	list, err := os.ReadDir(o.Runs)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return len(list)
}

func TestARunInAClusterOfItsOwn(t *testing.T) {
	e := newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	o, tell := options(t, c, "startup/ready", "identity/non-root", "security/restricted", "image/size-budget")
	o.Contract = shopContract(t, "", "---\n"+strings.ReplaceAll(idle, "NAME", "cache"))
	var mu sync.Mutex
	var debugged []string
	o.Debug = func(s string) { mu.Lock(); defer mu.Unlock(); debugged = append(debugged, s) }
	r, err := Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Evidence
	if len(got.Missing) > 0 {
		t.Fatalf("missing: %v", got.Missing)
	}
	if got.Cluster.Kubernetes != "v1.37.2" || got.Cluster.Name != "fake-1" || got.Cluster.Borrowed || got.Cluster.Node != "worker" {
		t.Errorf("the cluster is %+v", got.Cluster)
	}
	if len(got.Dependencies) != 2 || got.Dependencies[0].Object != "statefulset/db" || !got.Dependencies[0].Ready || got.Dependencies[1].Object != "job/migrate" || !got.Dependencies[1].Ready {
		t.Errorf("the dependencies are %+v", got.Dependencies)
	}
	if s := got.Startup; !s.Ready || len(s.Pods) != 1 || !s.WithinDerived {
		t.Errorf("the start is %+v", s)
	}
	if got.Identity == nil || got.Final == nil || len(got.Final.Pods) != 1 || got.Admission == nil || got.Image == nil || got.Logs == nil || got.Logs.Pods != 1 {
		t.Errorf("got identity %v, final %v, admission %v, image %v, logs %v", got.Identity, got.Final, got.Admission, got.Image, got.Logs)
	}
	if w := got.Workload; w.Kind != "Deployment" || w.Name != "api" || w.Container != "api" || !strings.HasPrefix(w.ImageReplaced["shop/api:1.0"], "podproof.local/api:run-") {
		t.Errorf("the workload is %+v", w)
	}
	if got.Run.ID == "" || got.Run.Version != "v1" || got.Run.CutOff != "" || !slices.IsSortedFunc(got.Steps, func(a, b evidence.Step) int { return int((a.Started - b.Started) * 1e6) }) {
		t.Errorf("the run is %+v, its steps %+v", got.Run, got.Steps)
	}
	if c.opened != 1 || c.closed != 1 || left(t, o) != 0 || r.Kept != "" || c.spec.Name != "podproof-"+got.Run.ID || len(e.removed) > 0 {
		t.Errorf("opened %d, closed %d times, %d folders are left, kept %q, removed %q", c.opened, c.closed, left(t, o), r.Kept, e.removed)
	}
	if want := []string{"postgres:16", "podproof.local/api:run-" + got.Run.ID}; len(c.loaded) != 2 || !slices.Contains(c.loaded, want[0]) || !slices.Contains(c.loaded, want[1]) || len(c.unloaded) > 0 {
		t.Errorf("loaded were %q, unloaded %q", c.loaded, c.unloaded)
	}
	if c.nodes.installed == "" || c.nodes.removed != 0 || !slices.Contains(c.nodes.ran, "connect 10.96.0.9 5432") {
		t.Errorf("installed was %q, ran were %q", c.nodes.installed, c.nodes.ran)
	}
	if len(tell.noted) != 0 {
		t.Errorf("noted: %q", tell.noted)
	}
	if !slices.ContainsFunc(debugged, func(s string) bool { return strings.HasPrefix(s, "loaded podproof.local/api:run-") }) {
		t.Errorf("with -v: %q", debugged)
	}
	if !slices.Contains(c.api.changes("PATCH"), coreDNS) {
		t.Error("CoreDNS was not hastened")
	}
	for _, line := range []string{"Creating a kind cluster", "Cluster created", "Starting statefulset/db, job/migrate", "Started deployment/api", "Cleaning up", "Cleaned up"} {
		if !slices.Contains(tell.lines, line) {
			t.Errorf("nobody was told %q: %q", line, tell.lines)
		}
	}
	pod := c.api.get("/api/v1/namespaces/podproof-" + got.Run.ID + "/pods/api-0")
	if pod == nil {
		t.Error("the workload's pod is in no namespace of the run's")
	}
}

// In a cluster that is lent all that a run made is removed, and nothing else.
func TestARunInAClusterThatIsLent(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	o, tell := options(t, c, "startup/ready")
	o.Existing = "fake-1"
	r, err := Verify(t.Context(), o)
	if err != nil || len(r.Evidence.Missing) > 0 {
		t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
	}
	id := r.Evidence.Run.ID
	if !r.Evidence.Cluster.Borrowed || c.opened != 0 || c.closed != 0 || left(t, o) != 0 {
		t.Errorf("opened %d, closed %d times, %d folders are left", c.opened, c.closed, left(t, o))
	}
	if got := c.api.changes("DELETE"); !slices.Contains(got, "/api/v1/namespaces/podproof-"+id) {
		t.Errorf("deleted were %q", got)
	}
	if len(c.loaded) != 2 || len(c.unloaded) != 2 || !slices.ContainsFunc(c.loaded, func(s string) bool { return strings.HasPrefix(s, "podproof.local/other-") && strings.HasSuffix(s, id) }) {
		t.Errorf("loaded were %q, unloaded %q", c.loaded, c.unloaded)
	}
	for _, ref := range c.loaded {
		if !slices.Contains(c.unloaded, ref) {
			t.Errorf("%s stays", ref)
		}
	}
	if slices.Contains(c.api.changes("PATCH"), coreDNS) {
		t.Error("the CoreDNS of a cluster that is lent was changed")
	}
	if c.nodes.removed != 1 || c.spec.Existing != "fake-1" || len(tell.noted) > 0 {
		t.Errorf("podproof was removed %d times from the nodes; noted: %q", c.nodes.removed, tell.noted)
	}
}

func TestARunThatKeepsWhatItMade(t *testing.T) {
	newEngine(t, "shop/api:1.0")
	for _, owned := range []bool{true, false} {
		c := newCluster(t, owned)
		c.has = []string{"postgres:16"}
		o, _ := options(t, c, "startup/ready")
		o.Keep = true
		if !owned {
			o.Existing = "fake-1"
		}
		r, err := Verify(t.Context(), o)
		if err != nil || len(r.Evidence.Missing) > 0 {
			t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
		}
		namespace := "podproof-" + r.Evidence.Run.ID
		what := map[bool]string{true: "the cluster", false: "namespace " + namespace + " in the fake cluster fake-1"}[owned]
		if !strings.HasPrefix(r.Kept, "Kept "+what+".") || !strings.Contains(r.Kept, "kubectl --context fake -n "+namespace+" get all") {
			t.Errorf("kept is %q", r.Kept)
		}
		if c.closed != 0 || len(c.unloaded) != 0 || left(t, o) != 1 || len(c.api.changes("DELETE")) != 0 || len(c.loaded) != 1 {
			t.Errorf("closed %d times, loaded %q, unloaded %q, deleted %q, %d folders are left", c.closed, c.loaded, c.unloaded, c.api.changes("DELETE"), left(t, o))
		}
		// The next run's sweep leaves it alone, and Clean removes it.
		var said []string
		note := func(s string) { said = append(said, s) }
		engine := connect(t)
		if err := Sweep(t.Context(), o.Runs, engine, c.alone(), false, note); err != nil || len(said) > 0 || left(t, o) != 1 {
			t.Errorf("the sweep said %q, and left %d (%v)", said, left(t, o), err)
		}
		if err := Clean(t.Context(), o.Runs, engine, c.alone(), nil, note); err != nil || left(t, o) != 0 {
			t.Errorf("%d folders are left (%v)", left(t, o), err)
		}
		if owned && (len(c.reclaimed) != 1 || c.reclaimed[0].Cluster != "fake-1") {
			t.Errorf("reclaimed were %+v", c.reclaimed)
		}
		if deleted := c.api.changes("DELETE"); !owned && (len(deleted) == 0 || len(c.unloaded) != 1 || c.nodes.removed == 0) {
			t.Errorf("deleted were %q, unloaded %q", deleted, c.unloaded)
		}
	}
}

// What a run was stopped in is nothing to look at, and is not kept.
func TestARunThatIsStopped(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.api.unready["db"] = true
	o, _ := options(t, c, "startup/ready", "image/size-budget")
	o.Keep = true
	var cut []Result
	o.Cut = func(r Result) { cut = append(cut, r) }
	stopped := &Stopped{By: "SIGTERM"}
	ctx, stop := context.WithCancelCause(t.Context())
	tell := &stopping{notes: &notes{}, at: "Starting statefulset/db, job/migrate", stop: func() { stop(stopped) }}
	o.Tell = tell
	r, err := Verify(ctx, o)
	if !errors.Is(err, stopped) || r.Evidence.Run.CutOff != "SIGTERM" || r.Kept != "" || len(cut) != 1 || cut[0].Evidence.Run.CutOff != "SIGTERM" {
		t.Errorf("got %+v, %q, cut off %d times (%v)", r.Evidence.Run, r.Kept, len(cut), err)
	}
	if why := r.Evidence.Missing[evidence.SectionStartup]; !strings.Contains(why, "SIGTERM") || c.closed != 1 || left(t, o) != 0 {
		t.Errorf("the start is missing because %q; closed %d times, %d folders are left", why, c.closed, left(t, o))
	}
}

// stopping is a Teller that stops the run at a step.
type stopping struct {
	*notes
	at   string
	stop func()
}

func (s *stopping) StepWithin(name, ended string, usual, most time.Duration) func(error) {
	if name == s.at {
		s.stop()
	}
	return s.notes.StepWithin(name, ended, usual, most)
}

func TestARunOfTheImageAlone(t *testing.T) {
	newEngine(t, "shop/api:2.0")
	c := newCluster(t, true)
	o, _ := options(t, c, "image/size-budget")
	o.Image = "shop/api:2.0"
	r, err := Verify(t.Context(), o)
	if err != nil || r.Evidence.Image == nil || r.Evidence.Image.Ref != "shop/api:2.0" || r.Evidence.Cluster != nil || c.opened+c.closed > 0 || left(t, o) != 0 {
		t.Errorf("got %+v; opened %d times (%v)", r.Evidence, c.opened, err)
	}
}

func TestWhatTheClusterCannotDoLeavesTheRest(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.broken = errBroken
	o, _ := options(t, c, "startup/ready", "image/size-budget")
	r, err := Verify(t.Context(), o)
	if err != nil || r.Evidence.Image == nil || r.Evidence.Missing[evidence.SectionStartup] != errBroken.Error() || r.Evidence.Missing[evidence.SectionImage] != "" || c.closed != 1 {
		t.Errorf("missing: %v, closed %d times (%v)", r.Evidence.Missing, c.closed, err)
	}
	self, err := agentProgram("amd64") // which the race detector links to a library
	if err == nil {
		_, err = cluster.NewProgram(self, "podproof", "amd64", 65532)
	}
	looks := err == nil
	c = newCluster(t, true) // without a node, and with a program that cannot be its own image, the rest goes on
	o, _ = options(t, c, "startup/ready", "identity/non-root")
	o.Providers["fake"] = cluster.Nodeless(c)
	r, err = Verify(t.Context(), o)
	if err != nil || !r.Evidence.Startup.Ready || r.Evidence.Cluster.Node != "" || !r.Evidence.Cluster.NoNodes || (r.Evidence.Missing[evidence.SectionIdentity] == "") != looks || c.nodes.installed != "" || len(c.nodes.ran) > 0 {
		t.Errorf("missing: %v (%v)", r.Evidence.Missing, err)
	}
}

func TestWhatIsWrongEndsTheRun(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(t *testing.T, o *Options, c *testCluster)
		want   string
	}{
		{"no such image", func(_ *testing.T, o *Options, _ *testCluster) { o.Image = "shop/api:9" }, "image shop/api:9: not found"},
		{"no image", func(t *testing.T, o *Options, _ *testCluster) {
			o.Contract = contract.Contract{}
			o.Selected, _ = check.Select([]string{"image/size-budget"}, nil)
		}, "there is no image to verify"},
		{"a Dockerfile lies there", func(t *testing.T, o *Options, _ *testCluster) {
			o.Contract = shopContract(t, "", "")
			o.Contract.Image = "shop/other:1"
			if err := os.WriteFile(o.Contract.Path("Containerfile"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			o.Selected, _ = check.Select([]string{"image/size-budget"}, nil)
		}, "add `build: {context: ., dockerfile: Containerfile}` to the contract"},
		{"no such manifest", func(_ *testing.T, o *Options, _ *testCluster) { o.Contract.Manifests = []string{"none.yaml"} }, "none.yaml"},
		{"no such cluster", func(_ *testing.T, o *Options, c *testCluster) {
			o.Existing, c.facts.Owned, c.gone = "fake-2", false, true
		}, "fake-2: no such cluster"},
		{"it reaches out of a cluster that is lent", func(t *testing.T, o *Options, c *testCluster) {
			o.Existing, c.facts.Owned = "fake-1", false
			o.Contract = shopContract(t, "", "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: x}\n")
		}, "storageclass/fast belongs to the whole cluster"},
	} {
		t.Run(x.name, func(t *testing.T) {
			newEngine(t, "shop/api:1.0", "postgres:16")
			c := newCluster(t, true)
			o, _ := options(t, c, "startup/ready")
			x.change(t, &o, c)
			r, err := Verify(t.Context(), o)
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), x.want) || r.Evidence.Startup != nil || left(t, o) != 0 || c.opened > 0 || len(c.loaded) > 0 {
				t.Errorf("got %v, opened %d times, %d folders are left", err, c.opened, left(t, o))
			}
		})
	}
}

// A Service that lives in a cluster that is lent must not be talked to; Kubernetes' own may be.
func TestManifestsThatNameALiveService(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	c.api.put("ADDED", "/api/v1/namespaces/team/services/bank", c.api.parse(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"bank","namespace":"team"}}`))
	c.api.put("ADDED", "/api/v1/namespaces/default/services/kubernetes", c.api.parse(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"kubernetes","namespace":"default","labels":{"provider":"kubernetes"}}}`))
	o, _ := options(t, c, "startup/ready")
	o.Existing = "fake-1"
	o.Contract = shopContract(t, "", "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: api}, data: {BANK: http://bank.team.svc, API: https://kubernetes.default.svc}}\n")
	_, err := Verify(t.Context(), o)
	if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "bank.team") || strings.Contains(err.Error(), "kubernetes.default") || !strings.Contains(err.Error(), "--cluster fake:fake-1 (nothing was made there)") {
		t.Errorf("got %v", err)
	}
	if made := c.api.changes("POST"); len(made) > 0 {
		t.Errorf("made were %q", made)
	}
}

func TestCustomResourcesThatTheClusterDoesNotKnowAreLeftOut(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	o, tell := options(t, c, "startup/ready")
	o.Existing = "fake-1"
	o.Contract = shopContract(t, "", "---\n{apiVersion: example.com/v1, kind: Thing, metadata: {name: x}}\n")
	r, err := Verify(t.Context(), o)
	if err != nil || !r.Evidence.Startup.Ready || len(tell.noted) != 1 || !strings.Contains(tell.noted[0], "the cluster has no kind Thing in example.com/v1") {
		t.Errorf("noted: %q, missing: %v (%v)", tell.noted, r.Evidence.Missing, err)
	}
}

// What the API server refuses is the manifests' fault.
func TestAnObjectThatTheAPIServerDoesNotKnow(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	o, _ := options(t, c, "startup/ready")
	o.Contract = shopContract(t, "", "---\n{apiVersion: v1, kind: PodTemplate, metadata: {name: l}}\n")
	r, err := Verify(t.Context(), o)
	if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "this cluster has no kind PodTemplate") || c.closed != 1 || left(t, o) != 0 || r.Evidence.Startup != nil {
		t.Errorf("got %v, closed %d times, %d folders are left", err, c.closed, left(t, o))
	}
}

func TestWhatAPersonShouldKnowIsNoted(t *testing.T) {
	newEngine(t, "shop/api:1.0", "shop/api:pr-7", "postgres:16", "mirror/postgres:16")
	c := newCluster(t, true)
	o, tell := options(t, c, "startup/ready")
	o.Contract.Image = "shop/api:pr-7"
	o.SetImages = map[string]string{"postgres:16": "mirror/postgres:16", "redis:7": "mirror/redis:7"}
	o.ImagesAsked = []string{"postgres:16", "redis:7"}
	if _, err := Verify(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	noted := strings.Join(tell.noted, "\n")
	for _, want := range []string{"deployment/api names the image shop/api:1.0; shop/api:pr-7 runs in its place", "--set-image redis:7=…: no object of the manifests uses that image; they use "} {
		if !strings.Contains(noted, want) {
			t.Errorf("noted: %q, want %q", noted, want)
		}
	}
	if strings.Contains(noted, "--set-image postgres:16") || !slices.Contains(c.loaded, "mirror/postgres:16") {
		t.Errorf("noted: %q, loaded were %q", noted, c.loaded)
	}
	o, tell = options(t, newCluster(t, true), "image/size-budget", "startup/ready")
	o.Contract = shopContract(t, "", "")
	text, err := os.ReadFile(o.Contract.Path("all.yaml"))
	if err == nil {
		err = os.WriteFile(o.Contract.Path("all.yaml"), []byte(strings.Replace(string(text), "spec:\n", "spec:\n  replicas: 0\n", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = Verify(t.Context(), o) // there is no such image, which is said later
	if !strings.Contains(strings.Join(tell.noted, "\n"), "has replicas: 0; one is run") {
		t.Errorf("noted: %q", tell.noted)
	}
	for path, want := range map[string]string{"db-0": "mirror/postgres:16"} {
		ps := 0
		for _, p := range c.api.log {
			if p.Object.GetName() == path && p.Object.GetKind() == "Pod" {
				ps++
				text, _ := p.Object.MarshalJSON()
				if !strings.Contains(string(text), want) {
					t.Errorf("%s runs %s", path, text)
				}
			}
		}
		if ps == 0 {
			t.Errorf("no pod %s", path)
		}
	}
}

// What cannot be removed changes no verdict, and is told; it stays in the run's ledger.
func TestWhatCannotBeRemovedIsTold(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.stays = errBroken
	o, tell := options(t, c, "startup/ready")
	r, err := Verify(t.Context(), o)
	if err != nil || !r.Evidence.Startup.Ready || c.closed == 0 || left(t, o) != 1 {
		t.Errorf("closed %d times, %d folders are left (%v)", c.closed, left(t, o), err)
	}
	if noted := strings.Join(tell.noted, "\n"); !strings.Contains(noted, "Cleaning up left something behind") || !strings.Contains(noted, errBroken.Error()) {
		t.Errorf("noted: %q", noted)
	}
}

func TestAnEarlierRunsLeftoversAreSwept(t *testing.T) {
	e := newEngine(t, "shop/api:1.0")
	c := newCluster(t, true)
	o, tell := options(t, c, "image/size-budget")
	killed := func(made ledger.Made) string {
		l, err := ledger.New(o.Runs)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Record(func(m *ledger.Made) { *m = made }); err != nil {
			t.Fatal(err)
		}
		if err := l.Release(true); err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	host := os.Getenv("DOCKER_HOST")
	here := killed(ledger.Made{Engine: host, Cluster: "podproof-x", Built: []string{"podproof.local/reproduction:x-1"}})
	elsewhere := killed(ledger.Made{Engine: "tcp://elsewhere:2375", Cluster: "podproof-y"})
	if _, err := Verify(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(c.reclaimed) != 1 || c.reclaimed[0].Cluster != "podproof-x" || !slices.Equal(e.removed, []string{"podproof.local/reproduction:x-1"}) {
		t.Errorf("reclaimed were %+v, removed %q", c.reclaimed, e.removed)
	}
	want := []string{"Removed what an earlier run left behind (run " + here + "): the kind cluster podproof-x"}
	if diff := cmp.Diff(want, tell.noted); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(o.Runs, elsewhere)); err != nil || left(t, o) != 1 {
		t.Errorf("what was made on another engine: %v", err)
	}
	c.broken = errBroken
	again := killed(ledger.Made{Cluster: "podproof-z"})
	tell.noted = nil
	if _, err := Verify(t.Context(), o); err != nil || len(tell.noted) != 1 || !strings.Contains(tell.noted[0], "Could not remove all that an earlier run left: removing what run "+again+" left: the disk is full") || left(t, o) != 2 {
		t.Errorf("noted: %q, %d folders are left (%v)", tell.noted, left(t, o), err)
	}
}

// An image for another machine may run where that is emulated, and is told of before a cluster is made.
func TestVerifyTellsOfAnotherMachinesImage(t *testing.T) {
	for machine, want := range map[string]string{"amd64": "", "arm64": "shop/api:1.0 is for linux/amd64 and the Docker engine's machine is linux/arm64: it runs there only where that emulates the other"} {
		newEngine(t, "shop/api:1.0").machine = machine
		o, tell := options(t, newCluster(t, true), "image/config-complete")
		if _, err := Verify(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(tell.noted, "\n"); (want == "") != !strings.Contains(said, "the Docker engine's machine") || !strings.Contains(said, want) {
			t.Errorf("on %s: noted is %q", machine, said)
		}
	}
}
