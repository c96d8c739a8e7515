package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/workload"
)

// told is what VerifyAll told of one contract.
type told struct {
	r   Result
	err error
}

// several are options of some contracts in one cluster, all of which one Teller tells of.
func several(t *testing.T, c *testCluster, n int, checks ...string) ([]Options, *notes) {
	t.Helper()
	first, tell := options(t, c, checks...)
	all := []Options{first}
	for len(all) < n {
		o := first
		o.Contract = shopContract(t, "", "")
		all = append(all, o)
	}
	return all, tell
}

func verifyAll(t *testing.T, ctx context.Context, all []Options, parallel int) []told {
	t.Helper()
	out := make([]told, len(all))
	var got []int
	err := VerifyAll(ctx, all, parallel, func(i int, r Result, err error) { out[i] = told{r, err}; got = append(got, i) })
	slices.Sort(got)
	if want := []int{0, 1, 2, 3}[:len(all)]; err != nil || !slices.Equal(got, want) {
		t.Fatalf("told were %v, want %v (%v)", got, want, err)
	}
	return out
}

// namespaces are those in which a pod of the workload ran.
func (c *testCluster) namespaces() (out []string) {
	for _, p := range c.api.paths() {
		if ns, is := strings.CutSuffix(strings.TrimPrefix(p, "/api/v1/namespaces/"), "/pods/api-0"); is {
			out = append(out, ns)
		}
	}
	return out
}

// Several contracts have one cluster, which is made once, as is what lies on its nodes; each has a
// namespace of its own, also where the manifests name the same.
func TestSeveralContractsInOneCluster(t *testing.T) {
	newEngine(t, "shop/api:1.0", "shop/api:2.0", "postgres:16")
	c := newCluster(t, true)
	all, tell := several(t, c, 3, "startup/ready", "health/answers", "image/size-budget")
	all[2].Image = "shop/api:2.0"
	all[0].ImagesAsked, all[1].ImagesAsked, all[2].ImagesAsked = []string{"none:1"}, []string{"none:1"}, []string{"none:1"}
	seen := map[string]bool{}
	for i, x := range verifyAll(t, t.Context(), all, 2) {
		e := x.r.Evidence
		if x.err != nil || e.Missing[evidence.SectionStartup] != "" || !e.Startup.Ready || e.Image == nil || e.Cluster.Borrowed || e.Workload.Namespace != "podproof-"+e.Run.ID {
			t.Errorf("contract %d: %+v, missing %v (%v)", i, e.Workload, e.Missing, x.err)
			continue
		}
		if want := map[bool]string{true: "shop/api:2.0", false: "shop/api:1.0"}[i == 2]; e.Image.Ref != want {
			t.Errorf("contract %d is about %s, want %s", i, e.Image.Ref, want)
		}
		seen[e.Run.ID] = true
	}
	if len(seen) != 3 || c.opened != 1 || c.closed != 1 || left(t, all[0]) != 0 {
		t.Errorf("%d runs, opened %d, closed %d times, %d folders are left", len(seen), c.opened, c.closed, left(t, all[0]))
	}
	if n := strings.Count(strings.Join(c.api.changes("PATCH"), " "), coreDNS); n != 1 {
		t.Errorf("CoreDNS was hastened %d times", n)
	}
	slices.Sort(c.loaded)
	agents := slices.DeleteFunc(slices.Clone(c.loaded), func(s string) bool { return !strings.HasPrefix(s, "podproof.local/agent:") })
	if n := len(c.loaded) - len(agents); n != 3 || len(agents) > 1 || len(c.unloaded) > 0 {
		t.Errorf("loaded were %q, unloaded %q: want two images under test and one of a dependency, each once", c.loaded, c.unloaded)
	}
	for id := range seen { // each at its end, for the sake of the others
		if !slices.Contains(c.api.changes("DELETE"), "/api/v1/namespaces/podproof-"+id) {
			t.Errorf("the namespace of run %s was not ended", id)
		}
	}
	if n := strings.Count(strings.Join(tell.lines, "\n"), "Creating a kind cluster"); n != 1 || len(tell.noted) != 1 || !strings.Contains(tell.noted[0], "no object of any contract's manifests uses that image") {
		t.Errorf("the cluster was told %d times; noted: %q", n, tell.noted)
	}
}

// In a cluster that is lent all that they shared is removed with the last of them.
func TestSeveralContractsInAClusterThatIsLent(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	all, _ := several(t, c, 3, "startup/ready")
	for i := range all {
		all[i].Existing = "fake-1"
	}
	for i, x := range verifyAll(t, t.Context(), all, 0) {
		if x.err != nil || len(x.r.Evidence.Missing) > 0 || !slices.Contains(c.api.changes("DELETE"), "/api/v1/namespaces/podproof-"+x.r.Evidence.Run.ID) {
			t.Errorf("contract %d: missing %v (%v)", i, x.r.Evidence.Missing, x.err)
		}
	}
	slices.Sort(c.loaded)
	slices.Sort(c.unloaded)
	if len(c.loaded) != 2 || !slices.Equal(c.loaded, c.unloaded) || c.nodes.removed != 1 || c.opened+c.closed != 0 || left(t, all[0]) != 0 {
		t.Errorf("loaded were %q, unloaded %q, podproof was removed %d times from the nodes, %d folders are left", c.loaded, c.unloaded, c.nodes.removed, left(t, all[0]))
	}
}

// What is wrong with some of them is told of all of them before anything is made.
func TestSeveralContractsOfWhichSomeAreWrong(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	webhook := "---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: []}\n"
	class := func(provisioner string) string {
		return "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: " + provisioner + "}\n"
	}
	for _, x := range []struct {
		name   string
		change func(t *testing.T, all []Options)
		want   []string
	}{
		{"no such manifests", func(_ *testing.T, all []Options) {
			all[0].Contract.Manifests, all[2].Contract.Manifests = []string{"none.yaml"}, []string{"nor.yaml"}
		}, []string{"0", "none.yaml", "2", "nor.yaml"}},
		{"no such image", func(_ *testing.T, all []Options) { all[1].Image = "shop/api:9" }, []string{"1", "image shop/api:9: not found"}},
		{"a webhook", func(t *testing.T, all []Options) { all[1].Contract = shopContract(t, "", webhook) }, []string{"1", "acts on the pods of all contracts"}},
		{"two of one name", func(t *testing.T, all []Options) {
			all[0].Contract, all[1].Contract, all[2].Contract = shopContract(t, "", class("x")), shopContract(t, "", class("x")), shopContract(t, "", class("z"))
		}, []string{"2", "storageclass/fast belongs to the whole cluster, and ", "has another one of that name", "verify one of them by itself"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newCluster(t, true)
			all, _ := several(t, c, 3, "startup/ready")
			x.change(t, all)
			err := VerifyAll(t.Context(), all, 0, func(i int, _ Result, err error) { t.Errorf("contract %d was verified (%v)", i, err) })
			if !errors.As(err, new(*InputError)) || c.opened > 0 || len(c.loaded) > 0 || left(t, all[0]) != 0 {
				t.Fatalf("got %v, opened %d times, %d folders are left", err, c.opened, left(t, all[0]))
			}
			for _, want := range x.want {
				if len(want) == 1 {
					want = all[want[0]-'0'].Contract.File()
				}
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}

// A contract whose time is over, or whose cluster-wide rights have the name of another's, leaves the others.
func TestAContractLeavesTheOthers(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.api.unready["slow"] = true
	all, _ := several(t, c, 3, "startup/ready")
	const binding = "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: reads}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: []}\n"
	all[0].Contract = shopContract(t, "", binding+"---\n"+strings.ReplaceAll(idle, "NAME", "slow"))
	all[0].Contract.Dependencies = contract.Needs("statefulset/db", "deployment/slow")
	all[0].Timeout = 2 * time.Second
	all[1].Contract = shopContract(t, "", binding)
	var cut []string
	all[0].Cut = func(r Result) { cut = append(cut, r.Evidence.Run.CutOff) }
	got := verifyAll(t, t.Context(), all, 3)
	if stopped := (*Stopped)(nil); !errors.As(got[0].err, &stopped) || stopped.By != "--timeout of 2s" || got[0].r.Evidence.Run.CutOff != stopped.By || !slices.Equal(cut, []string{stopped.By}) {
		t.Errorf("the first ended with %v, cut off %q", got[0].err, cut)
	}
	for _, x := range got[1:] {
		if x.err != nil || len(x.r.Evidence.Missing) > 0 {
			t.Errorf("missing: %v (%v)", x.r.Evidence.Missing, x.err)
		}
	}
	bound := "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/reads"
	if made := strings.Join(c.api.changes("PATCH"), "\n"); !strings.Contains(made, bound+"-podproof-"+got[1].r.Evidence.Run.ID) || strings.Contains(made+"\n", bound+"\n") {
		t.Errorf("made were\n%s", made)
	}
	if c.closed != 1 || left(t, all[0]) != 0 {
		t.Errorf("closed %d times, %d folders are left", c.closed, left(t, all[0]))
	}
}

// Ctrl-C has each that was begun tell what it knows, and begins no other.
func TestSeveralContractsThatAreStopped(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.api.unready["db"] = true
	all, _ := several(t, c, 3, "startup/ready", "image/size-budget")
	stopped := &Stopped{By: "SIGTERM"}
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	var mu sync.Mutex
	var cut []string
	began := make(chan struct{}, 3)
	for i := range all {
		all[i].Keep = true
		all[i].Cut = func(r Result) {
			mu.Lock()
			defer mu.Unlock()
			cut = append(cut, r.Evidence.Run.CutOff)
		}
		all[i].Tell = &stopping{notes: &notes{}, at: "Starting statefulset/db, job/migrate", stop: func() {
			if began <- struct{}{}; len(began) == 2 {
				stop(stopped)
			}
		}}
	}
	got := verifyAll(t, ctx, all, 2)
	ran := 0
	for i, x := range got {
		if !errors.Is(x.err, stopped) {
			t.Errorf("contract %d ended with %v", i, x.err)
		}
		if x.r.Evidence.Run.ID != "" {
			ran++
		}
	}
	if ran != 2 || !slices.Equal(cut, []string{"SIGTERM", "SIGTERM"}) || c.closed != 1 || left(t, all[0]) != 0 {
		t.Errorf("%d ran, cut off were %q, closed %d times, %d folders are left", ran, cut, c.closed, left(t, all[0]))
	}
}

func TestSeveralContractsThatAreKept(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	all, _ := several(t, c, 2, "startup/ready")
	for i := range all {
		all[i].Keep = true
	}
	for _, x := range verifyAll(t, t.Context(), all, 0) {
		if x.err != nil || !strings.HasPrefix(x.r.Kept, "Kept the cluster.") || !strings.Contains(x.r.Kept, "-n podproof-"+x.r.Evidence.Run.ID+" get all") {
			t.Errorf("kept is %q (%v)", x.r.Kept, x.err)
		}
	}
	if c.closed != 0 || left(t, all[0]) != 1 || len(c.namespaces()) != 2 {
		t.Errorf("closed %d times, %d folders are left, pods are in %q", c.closed, left(t, all[0]), c.namespaces())
	}
	if err := Clean(t.Context(), all[0].Runs, connect(t), c.alone(), nil, func(string) {}); err != nil || left(t, all[0]) != 0 || len(c.reclaimed) != 1 || c.reclaimed[0].Cluster != "fake-1" {
		t.Errorf("reclaimed were %+v, %d folders are left (%v)", c.reclaimed, left(t, all[0]), err)
	}
}

// A cluster that cannot be made is tried once, and all say why.
func TestSeveralContractsWithoutACluster(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.broken = errBroken
	all, _ := several(t, c, 3, "startup/ready", "image/size-budget")
	for i, x := range verifyAll(t, t.Context(), all, 2) {
		if x.err != nil || x.r.Evidence.Image == nil || x.r.Evidence.Missing[evidence.SectionStartup] != errBroken.Error() {
			t.Errorf("contract %d: missing %v (%v)", i, x.r.Evidence.Missing, x.err)
		}
	}
	if c.opened != 1 || c.closed != 1 {
		t.Errorf("opened %d, closed %d times", c.opened, c.closed)
	}
}

func TestHowManyRunAtOnce(t *testing.T) {
	for _, x := range []struct {
		namespace         string
		cpus, asked, want int
	}{{"", 2, 0, 4}, {"", 0, 0, 2}, {"", 8, 3, 3}, {"mine", 8, 0, 1}} {
		r := &run{Options: Options{Namespace: x.namespace}}
		r.info.CPUs = x.cpus
		if got := (&session{runs: []*run{r}}).width(x.asked); got != x.want {
			t.Errorf("%+v: %d", x, got)
		}
	}
}

// What is shared goes on when the run that asked for it first is over, and is done once, well or not.
func TestWhatIsShared(t *testing.T) {
	s := &session{ctx: t.Context(), deeds: map[string]*deed{}}
	r := &run{session: s}
	begun, release := make(chan struct{}), make(chan struct{})
	do := func(ctx context.Context) (string, error) {
		close(begun) // a second time it would panic
		<-release
		return "a:1", context.Cause(ctx)
	}
	gone, leave := context.WithCancelCause(t.Context())
	go func() { <-begun; leave(errBroken) }()
	if _, err := shared(gone, r, "x", do); !errors.Is(err, errBroken) {
		t.Errorf("the first ended with %v", err)
	}
	close(release)
	for range 2 {
		if got, err := shared(t.Context(), r, "x", do); got != "a:1" || err != nil {
			t.Errorf("got %q (%v)", got, err)
		}
	}
	for range 2 {
		_, err := shared(t.Context(), r, "y", func(context.Context) (string, error) { panic("no") })
		if err == nil || !strings.Contains(err.Error(), "a bug, please report it") {
			t.Errorf("a panic is %v", err)
		}
	}
	calls := 0
	for range 2 {
		_, _ = shared(t.Context(), &run{}, "x", func(context.Context) (int, error) { calls++; return 0, nil })
	}
	if calls != 2 {
		t.Errorf("a run by itself shared something: %d calls", calls)
	}
}

// Beside other contracts nothing takes what a node has once.
func TestPlacedAmongOthers(t *testing.T) {
	r := &run{session: &session{}, place: place{Cluster: &fakeCluster{owned: true}}, ledger: &ledger.Ledger{ID: "r1"}}
	got := r.room("podproof-r1")
	if got.Lent || got.Further || !got.Among {
		t.Errorf("got %+v", got)
	}
	service := workload.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "spec": map[string]any{"type": "NodePort"}}}}
	if _, said := workload.Confine([]workload.Object{service}, got); len(said) != 1 || !strings.Contains(said[0], "type ClusterIP instead of NodePort") {
		t.Errorf("said %q", said)
	}
}

// In one namespace of somebody's cluster the objects of all contracts have the same names: one comes after
// the other, and finds nothing of it.
func TestSeveralContractsInOneNamespace(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	all, _ := several(t, c, 3, "startup/ready")
	for i := range all {
		all[i].Existing, all[i].Namespace, all[i].Image = "fake-1", "mine", ref
	}
	going := 0
	for i := range all {
		all[i].Tell = &counting{notes: &notes{}, going: &going}
	}
	for i, x := range verifyAll(t, t.Context(), all, 3) {
		if x.err != nil || len(x.r.Evidence.Missing) > 0 || x.r.Evidence.Workload.Namespace != "mine" {
			t.Errorf("contract %d: missing %v (%v)", i, x.r.Evidence.Missing, x.err)
		}
	}
	if n := strings.Count(strings.Join(c.api.changes("DELETE"), " "), "/api/v1/namespaces/mine/configmaps/podproof-"); n < 3 || left(t, all[0]) != 0 {
		t.Errorf("%d anchors were deleted, %d folders are left", n, left(t, all[0]))
	}
	if going != 0 {
		t.Errorf("%d starts did not end before the next began", going)
	}
}

// counting sees that no two contracts start their workload at once.
type counting struct {
	*notes
	going *int
}

func (c *counting) StepWithin(name, ended string, usual, most time.Duration) func(error) {
	done := c.notes.StepWithin(name, ended, usual, most)
	if name != "Starting deployment/api" {
		return done
	}
	if *c.going++; *c.going > 1 {
		return done // and leave it above zero
	}
	return func(err error) { *c.going--; done(err) }
}
