package pipeline

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// pushed is a registry with the image under test, and its name there.
func pushed(t *testing.T) (ref string, img v1.Image) {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	ref = strings.TrimPrefix(s.URL, "http://") + "/shop/api:1.0"
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}, Config: v1.Config{User: "1001"}})
	if err == nil {
		img, err = mutate.AppendLayers(img, oneLayer(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(ref)
	if err == nil {
		err = remote.Write(to, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref, img
}

// somebodys is a cluster of the kubeconfig, with a namespace in it.
func somebodys(t *testing.T) *testCluster {
	t.Helper()
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock") // it takes no engine
	c := newCluster(t, false)
	c.pulls, c.nodes = true, nil
	c.api.put("ADDED", "/api/v1/namespaces/mine", c.api.parse(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"mine"}}`))
	return c
}

// In a namespace of somebody else's cluster the image runs as its registry has it, by digest, and
// afterwards all is as it was.
func TestARunInANamespaceOfSomebodyElses(t *testing.T) {
	ref, img := pushed(t)
	c := somebodys(t)
	c.api.forbidden = map[string]bool{"/api/v1/nodes": true, "/apis/storage.k8s.io/v1/storageclasses": true, "/apis/scheduling.k8s.io/v1/priorityclasses": true}
	before := c.api.paths()
	o, tell := options(t, c, "startup/ready", "image/user-non-root")
	o.Existing, o.Namespace, o.Image, o.Kubeconfig = "fake-1", "mine", ref, "/etc/kubeconfig"
	r, err := Verify(t.Context(), o)
	if err != nil || len(r.Evidence.Missing) > 0 {
		t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := img.ConfigName()
	if e := r.Evidence; e.Image.ID != id.String() || e.Image.Source != "registry" || e.Workload.Namespace != "mine" || !e.Cluster.Borrowed ||
		e.Workload.ImageReplaced["shop/api:1.0"] != strings.TrimSuffix(ref, ":1.0")+"@"+digest.String() {
		t.Errorf("the image is %s of %s, the workload %+v", e.Image.ID, e.Image.Source, e.Workload)
	}
	if s := r.Evidence.Startup; !s.Ready || s.Pods[0].Spec.Containers[0].ImagePullPolicy == corev1.PullNever {
		t.Errorf("the start is %+v", s)
	}
	if after := c.api.paths(); !slices.Equal(before, after) || left(t, o) != 0 {
		t.Errorf("there are %q, and there were %q; %d folders are left", after, before, left(t, o))
	}
	if got := c.api.changes("DELETE"); slices.Contains(got, "/api/v1/namespaces/mine") {
		t.Errorf("deleted were %q", got)
	}
	if c.spec.Kubeconfig != "/etc/kubeconfig" || len(c.loaded)+len(c.unloaded)+len(tell.noted) > 0 {
		t.Errorf("loaded were %q, noted %q", c.loaded, tell.noted)
	}
}

// A cluster may run another image than the one that was asked for, of which nothing is known then.
func TestAnImageThatTheClusterReplaces(t *testing.T) {
	for runs, wrong := range map[string]bool{"INDEX": false, "other.example/shop/api@sha256:" + strings.Repeat("0", 64): true, strings.Repeat("0", 64): true} {
		ref, img := pushed(t)
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		c := somebodys(t)
		c.api.runs = strings.Replace(runs, "INDEX", "shop/api@"+digest.String(), 1)
		o, _ := options(t, c, "startup/ready")
		o.Existing, o.Namespace, o.Image = "fake-1", "mine", ref
		r, err := Verify(t.Context(), o)
		why := r.Evidence.Missing[evidence.SectionStartup]
		if err != nil || wrong != strings.Contains(why, "runs image "+runs+", which is not the one that was inspected") {
			t.Errorf("where %s runs, the start is missing because %q (%v)", runs, why, err)
		}
	}
}

// paths are all that there is.
func (a *apiServer) paths() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for p := range a.objects {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// What a killed run left in a namespace that stays, the next one removes.
func TestASweepOfANamespaceOfSomebodyElses(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	before := c.api.paths()
	o, _ := options(t, c, "startup/ready")
	o.Existing, o.Namespace, o.Image, o.Keep = "fake-1", "mine", ref, true
	r, err := Verify(t.Context(), o)
	if err != nil || !strings.Contains(r.Kept, "namespace mine") || len(c.api.changes("DELETE")) > 0 {
		t.Fatalf("kept %q, deleted were %q (%v)", r.Kept, c.api.changes("DELETE"), err)
	}
	var told []string
	if err := CleanCluster(t.Context(), o, nil, func(s string) { told = append(told, s) }); err != nil || len(told) != 1 || !strings.Contains(told[0], "which was to be kept") {
		t.Errorf("said %q (%v)", told, err)
	}
	if got := c.api.get("/api/v1/namespaces/mine/secrets/api"); len(got.GetOwnerReferences()) != 1 {
		t.Errorf("a Secret is owned by %v", got.GetOwnerReferences())
	}
	var said []string
	if err := Clean(t.Context(), o.Runs, nil, c.alone(), nil, func(s string) { said = append(said, s) }); err != nil || left(t, o) != 0 {
		t.Errorf("%d folders are left (%v)", left(t, o), err)
	}
	if after := c.api.paths(); !slices.Equal(before, after) || !strings.Contains(said[0], "its objects in namespace mine of the fake cluster fake-1") {
		t.Errorf("there are %q, and there were %q; said %q", after, before, said)
	}
}

func only(t *testing.T, checks ...string) []check.Check {
	t.Helper()
	out, err := check.Select(checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestANamespaceThatIsRefused(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(c *testCluster, o *Options)
		want   string
	}{
		{"pods of others", func(c *testCluster, _ *Options) {
			for _, p := range []string{"a", "b", "c", "d", "e"} {
				c.api.put("ADDED", "/api/v1/namespaces/mine/pods/"+p, c.api.parse(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"`+p+`","namespace":"mine"},"status":{"phase":"Running"}}`))
			}
		}, "namespace mine has pods of others (a, b, c, 2 more)"},
		{"an object of the name", func(c *testCluster, _ *Options) {
			c.api.put("ADDED", "/api/v1/namespaces/mine/secrets/api", c.api.parse(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"api","namespace":"mine"}}`))
		}, "secret/api exists in the cluster already"},
		{"no namespace", func(_ *testCluster, o *Options) { o.Namespace = "none" }, "--namespace none: there is no such namespace"},
		{"an image of no registry", func(_ *testCluster, o *Options) { o.Image = strings.Replace(o.Image, "shop/api:1.0", "shop/api:9", 1) }, "give IMAGE by its name in a registry"},
		{"a build", func(_ *testCluster, o *Options) {
			o.Image = ""
			o.Contract = shopContract(t, "build: {context: .}\n", "")
		}, "the contract builds the image, and the nodes of this cluster pull theirs from a registry"},
		{"no agent", func(_ *testCluster, o *Options) { o.AgentImage = ""; o.Selected = only(t, "health/answers") }, "`podproof agent push REF`"},
		{"no cluster", func(c *testCluster, _ *Options) { c.gone = true }, "no such cluster"},
	} {
		t.Run(x.name, func(t *testing.T) {
			ref, _ := pushed(t)
			c := somebodys(t)
			o, _ := options(t, c, "startup/ready")
			o.Existing, o.Namespace, o.Image, o.AgentImage = "fake-1", "mine", ref, "agent:1"
			x.change(c, &o)
			before := c.api.paths()
			_, err := Verify(t.Context(), o)
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, want %q", err, x.want)
			}
			if after := c.api.paths(); !slices.Equal(before, after) || left(t, o) != 0 {
				t.Errorf("there are %q, and there were %q; %d folders are left", after, before, left(t, o))
			}
		})
	}
}

func TestANamespaceWithPodsOfOthersThatMayBeUsed(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	c.api.put("ADDED", "/api/v1/namespaces/mine/pods/a", c.api.parse(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"mine"},"status":{"phase":"Running"}}`))
	before := c.api.paths()
	o, _ := options(t, c, "startup/ready")
	o.Existing, o.Namespace, o.Image, o.Shared = "fake-1", "mine", ref, true
	r, err := Verify(t.Context(), o)
	if err != nil || !r.Evidence.Startup.Ready || !slices.Equal(before, c.api.paths()) {
		t.Errorf("missing: %v (%v); there are %q", r.Evidence.Missing, err, c.api.paths())
	}
}

// What a policy cuts off is nobody's fault, and is open where that is asked for.
func TestANamespaceWithANetworkPolicy(t *testing.T) {
	for _, open := range []bool{false, true} {
		for _, ready := range []bool{true, false} {
			ref, _ := pushed(t)
			c := somebodys(t)
			c.api.unready["api"] = !ready
			c.api.put("ADDED", "/apis/networking.k8s.io/v1/namespaces/mine/networkpolicies/deny", c.api.parse(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny","namespace":"mine"},"spec":{"podSelector":{}}}`))
			before := c.api.paths()
			o, tell := options(t, c, "startup/ready")
			o.Existing, o.Namespace, o.Image, o.OpenNetwork = "fake-1", "mine", ref, open
			o.Contract.Startup.Within = contract.Duration(time.Second)
			r, err := Verify(t.Context(), o)
			if err != nil || !slices.Equal(before, c.api.paths()) {
				t.Fatalf("there are %q (%v)", c.api.paths(), err)
			}
			made := slices.ContainsFunc(c.api.changes("POST"), func(p string) bool { return strings.HasSuffix(p, "/mine/networkpolicies") })
			noted := slices.ContainsFunc(tell.noted, func(s string) bool {
				return strings.Contains(s, "network policies that select the pods of this run (deny)")
			})
			why := r.Evidence.Missing[evidence.SectionStartup]
			if made != open || noted == open || (why == "") != (open || ready) || why != "" && !strings.Contains(why, "--open-network") {
				t.Errorf("open %t, ready %t: made %t, noted %q, the start is missing because %q", open, ready, made, tell.noted, why)
			}
		}
	}
}

func TestTheMachineOfACluster(t *testing.T) {
	c := somebodys(t)
	node := func(name, arch, cpus, more string) {
		c.api.put("ADDED", "/api/v1/nodes/"+name, c.api.parse(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"`+name+`","labels":{"kubernetes.io/arch":"`+arch+`"}},"spec":{`+more+`},"status":{"nodeInfo":{"architecture":"`+arch+`"},"allocatable":{"cpu":"`+cpus+`"}}}`))
	}
	node("worker", "arm64", "1", "")
	node("w2", "arm64", "2500m", `"taints":[{"key":"a","effect":"PreferNoSchedule"}]`)
	node("w3", "amd64", "4", "")
	node("w4", "amd64", "8", `"taints":[{"key":"a","effect":"NoSchedule"}]`)
	node("w5", "amd64", "8", `"unschedulable":true`)
	tell := &notes{}
	r := &run{Options: Options{Providers: c.alone(), Provider: "fake", Debug: func(string) {}, Tell: tell}}
	for _, x := range []struct {
		name string
		pod  corev1.PodSpec
		arch string
		cpus int
		note string
	}{
		{"any", corev1.PodSpec{}, "arm64", 8, "several architectures (amd64, arm64): of the image the one for arm64"},
		{"of one architecture", corev1.PodSpec{NodeSelector: map[string]string{"kubernetes.io/arch": "amd64"}}, "amd64", 4, ""},
		{"tolerant", corev1.PodSpec{Tolerations: []corev1.Toleration{{Key: "a", Operator: corev1.TolerationOpExists}}}, "amd64", 16, "the one for amd64"},
	} {
		tell.noted = nil
		r.plan.Workload.Template.Spec = x.pod
		got, err := r.machine(t.Context())
		if err != nil || got.Architecture != x.arch || got.CPUs != x.cpus || (x.note == "") != (len(tell.noted) == 0) || !strings.Contains(strings.Join(tell.noted, ""), x.note) {
			t.Errorf("%s: got %+v, noted %q (%v)", x.name, got, tell.noted, err)
		}
	}
	c.api.Close()
	if _, err := r.machine(t.Context()); err == nil || !strings.Contains(err.Error(), "`kubectl --context fake version` shows whether the cluster can be reached") {
		t.Errorf("the error is %v", err)
	}
}

// What a run left that was started on another machine is known in the cluster alone.
func TestWhatRunsOfOtherMachinesLeft(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	anchor := func(run, until string) string {
		path := "/api/v1/namespaces/mine/configmaps/podproof-" + run
		c.api.put("ADDED", path, c.api.parse(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"podproof-`+run+`","namespace":"mine","labels":{"podproof.dev/run":"`+run+`"},"annotations":{"podproof.dev/expires":"`+until+`"}}}`))
		return path
	}
	old, young := anchor("old", "2020-01-01T00:00:00Z"), anchor("young", time.Now().Add(time.Hour).Format(time.RFC3339))
	o, _ := options(t, c, "startup/ready")
	o.Existing, o.Namespace, o.Image = "fake-1", "mine", ref
	if _, err := Verify(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if c.api.get(old) != nil || c.api.get(young) == nil {
		t.Errorf("there are %q", c.api.paths())
	}
	var said []string
	note := func(s string) { said = append(said, s) }
	if err := CleanCluster(t.Context(), o, nil, note); err != nil || c.api.get(young) == nil || len(said) != 1 || !strings.HasPrefix(said[0], "Left the objects of run young in namespace mine, which may be under way until ") {
		t.Errorf("said %q (%v)", said, err)
	}
	if err := CleanCluster(t.Context(), o, []string{"none"}, note); err == nil || !strings.Contains(err.Error(), "there is nothing of a run none") || c.api.get(young) == nil {
		t.Errorf("said %q (%v)", said, err)
	}
	if err := CleanCluster(t.Context(), o, []string{"young"}, note); err != nil || c.api.get(young) != nil || said[len(said)-1] != "Removed the objects of run young in namespace mine" {
		t.Errorf("said %q (%v)", said, err)
	}
}
