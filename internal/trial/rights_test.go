package trial

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/rights/rightstest"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/workload"
)

// recorders keep what is asked of the fakes of all tests, by their client.
var recorders sync.Map

// heard is a client of which it is kept what is asked.
func heard(c *fake.Clientset) *fake.Clientset {
	r := &rightstest.Recorder{}
	r.On(&c.Fake)
	recorders.Store(kubernetes.Interface(c), r)
	return c
}

func recorderOf(c kubernetes.Interface) *rightstest.Recorder {
	r, _ := recorders.Load(c)
	return r.(*rightstest.Recorder)
}

// sitting is a trial that a test made, with the rights that it declared, and what it asked.
type sitting struct {
	test, trial   string
	declared, run []rights.Rule
	asked         *rightstest.Recorder
}

var (
	sittingsLock sync.Mutex
	sittings     []sitting
)

// as is the bench of a trial: what is asked from here on is held against its rights when all tests are over.
func (b *TestBed) as(t *testing.T, x Trial, change ...func(*subject.Subject)) *TestBed {
	t.Helper()
	b.Trial = x.ID
	s := subject.Subject{Contract: b.Contract, Workload: b.Subject, Container: b.declared(), Objects: slices.Clone(b.Manifests)}
	for _, v := range b.Services {
		if len(v.Spec.Selector) == 0 {
			v.Spec.Selector = b.Subject.Template.Labels
		}
		u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&v)
		if err != nil {
			t.Fatal(err)
		}
		o := workload.Object{Unstructured: &unstructured.Unstructured{Object: u}}
		o.SetKind("Service")
		o.SetAPIVersion("v1")
		s.Objects = append(s.Objects, o)
	}
	for _, c := range change {
		c(&s)
	}
	applied, err := workload.ApplyRights(s.Objects, workload.GuessResource)
	if err != nil {
		t.Fatal(err)
	}
	run := slices.Concat(workload.ObserveRights(), applied, workload.JobRights(s.Jobs))
	for _, o := range s.Objects { // the applier of a bench is that of a cluster of podproof's own
		resource, _, err := workload.GuessResource(o)
		if err != nil {
			t.Fatal(err)
		}
		run = append(run, rights.To(resource.Group, resource.Resource, "patch").Of(o.GetName()))
	}
	if x.Needs.Has(NeedAgent) {
		run = append(run, AgentRights()...)
	}
	asked := recorderOf(b.Applier.Client).Next() // another trial may have been made on this bench
	recorders.Store(b.Applier.Client, asked)
	sittingsLock.Lock()
	defer sittingsLock.Unlock()
	sittings = append(sittings, sitting{t.Name(), x.ID, x.Needed(s), run, asked})
	return b
}

// TestMain holds, when all tests are over, what each trial asked of the API server against what it
// declares: used ⊆ declared in each test, and declared ⊆ used in all of them together.
func TestMain(m *testing.M) {
	code := m.Run()
	faults := overstepped(sittings)
	if whole := flag.Lookup("test.run").Value.String() + flag.Lookup("test.skip").Value.String() + flag.Lookup("test.list").Value.String(); whole == "" {
		faults = append(faults, unused(sittings)...)
	}
	for _, f := range faults {
		fmt.Fprintln(os.Stderr, "rights:", f)
		code = max(code, 1)
	}
	os.Exit(code)
}

func oversteps(s sitting) []rights.Rule {
	return rights.Beyond(s.asked.Used(), slices.Concat(s.declared, s.run))
}

func overstepped(all []sitting) (faults []string) {
	for _, s := range all {
		for _, r := range oversteps(s) {
			faults = append(faults, fmt.Sprintf("in %s the trial %s used what it does not declare in Rights: %s", s.test, s.trial, r))
		}
	}
	return faults
}

func unused(all []sitting) (faults []string) {
	for _, x := range List {
		var declared, used []rights.Rule
		made := 0
		for _, s := range all {
			if s.trial == x.ID {
				declared, used = append(declared, s.declared...), append(used, s.asked.Used()...)
				made++
			}
		}
		if x.Rights != nil && made == 0 {
			faults = append(faults, fmt.Sprintf("no test makes the trial %s on a bench with as, so that nothing holds its Rights against what it does", x.ID))
		}
		for _, r := range rights.Beyond(unnamed(declared), unnamed(used)) {
			if r.Subresource == "exec" || r.Subresource == "ephemeralcontainers" { // tests play both, and what is at the other end
				continue
			}
			faults = append(faults, fmt.Sprintf("no test of the trial %s uses what it declares in Rights: %s", x.ID, r))
		}
	}
	return faults
}

// unnamed are the rules without the names of objects: each test has its own.
func unnamed(rules []rights.Rule) []rights.Rule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Names = nil
	}
	return out
}

// The comparison itself sees what it is there for.
func TestRightsAreHeldAgainstWhatIsAsked(t *testing.T) {
	client := heard(fake.NewClientset())
	b := bench(template())
	b.Applier.Client = client
	s := sitting{"here", Termination.ID, endingPods("podproof-termination")(subject.Subject{}), workload.ObserveRights(), recorderOf(client)}
	if _, err := b.create(t.Context(), b.trial("podproof-termination")); err != nil {
		t.Fatal(err)
	}
	if got := overstepped([]sitting{s}); len(got) > 0 {
		t.Errorf("declared, and told: %q", got)
	}
	if _, err := b.serviceLinks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.remove(t.Context(), "podproof-termination-2"); err == nil {
		t.Fatal("a pod is removed that is not there")
	}
	got := strings.Join(overstepped([]sitting{s}), "\n")
	for _, want := range []string{"list services", "delete pods podproof-termination-2"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if strings.Contains(got, "create") {
		t.Errorf("what is declared is told: %q", got)
	}
	if got := strings.Join(unused([]sitting{s}), "\n"); !strings.Contains(got, "no test of the trial termination uses what it declares in Rights: patch pods") || !strings.Contains(got, "no test makes the trial rollouts") {
		t.Errorf("got %q", got)
	}
	// What the test itself asks is not the trial's doing.
	if _, err := client.CoreV1().Secrets("shop").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.Join(overstepped([]sitting{s}), "\n"), "secrets") {
		t.Error("what a test asks is taken for the trial's")
	}
}

func TestRightsFollowTheManifests(t *testing.T) {
	api := workload.Controller{Object: object("Deployment", "api"), Replicas: 1}
	s := subject.Subject{Workload: api, Contract: contract.Contract{Env: contract.Env{Required: []string{"DB_URL"}}}}
	has := func(x Trial, s subject.Subject, want rights.Rule) bool {
		return len(rights.Beyond([]rights.Rule{want}, x.Needed(s))) == 0
	}
	two := s
	two.Workload.Replicas = 2
	starts := s
	starts.Workload.Template.Spec.InitContainers = []corev1.Container{{Name: "migrate"}}
	secret := corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "api"}}}
	config := corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "api"}}}
	takes, holds := s, s
	takes.Container.EnvFrom = []corev1.EnvFromSource{secret, config}
	holds.Container.EnvFrom = takes.Container.EnvFrom
	holds.Objects = []workload.Object{object("Secret", "api"), object("ConfigMap", "api")}
	for _, c := range []struct {
		name  string
		trial Trial
		s     subject.Subject
		rule  rights.Rule
		want  bool
	}{
		{"an eviction of one of two", Rollouts, two, rights.To("", "pods/eviction", "create"), true},
		{"of the only one", Rollouts, s, rights.To("", "pods/eviction", "create"), false},
		{"its Deployment", Rollouts, s, rights.To("apps", "deployments", "get", "update").Of("api"), true},
		{"another Deployment", Rollouts, s, rights.To("apps", "deployments", "update").Of("db"), false},
		{"a pod that is made again", ReadOnlyRoot, starts, rights.To("", "pods", "patch").Of("podproof-read-only-root"), true},
		{"one that is not", ReadOnlyRoot, s, rights.To("", "pods", "patch").Of("podproof-read-only-root"), false},
		{"a Secret that no manifest holds", RequiredEnv, takes, rights.To("", "secrets", "get").Of("api"), true},
		{"a ConfigMap that none holds", MalformedEnv, takes, rights.To("", "configmaps", "get").Of("api"), true},
		{"a Secret of the manifests", RequiredEnv, holds, rights.To("", "secrets", "get").Of("api"), false},
		{"a ConfigMap of theirs", RequiredEnv, holds, rights.To("", "configmaps", "get").Of("api"), false},
		{"a pod for each wrong way", MalformedEnv, s, rights.To("", "pods", "delete").Of("podproof-malformed-0", "podproof-malformed-1"), true},
		{"and no more", MalformedEnv, s, rights.To("", "pods", "delete").Of("podproof-malformed-2"), false},
	} {
		if got := has(c.trial, c.s, c.rule); got != c.want {
			t.Errorf("%s: %s may %s: %t", c.name, c.trial.ID, c.rule, got)
		}
	}
}

// No trial of any manifests may list Secrets, or read one without its name.
func TestNoTrialListsSecrets(t *testing.T) {
	s := subject.Subject{Workload: workload.Controller{Object: object("Deployment", "api"), Replicas: 3}, Contract: contract.Contract{Env: contract.Env{Required: []string{"A"}}}}
	s.Container.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "api"}}}}
	for _, x := range List {
		for _, r := range x.Needed(s) {
			if r.Resource == "secrets" && (len(r.Names) == 0 || !slices.Equal(r.Verbs, []string{"get"})) {
				t.Errorf("%s may %s", x.ID, r)
			}
		}
	}
}
