package pipeline

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// whole is a run with everything that a contract can ask for.
func whole(t *testing.T, only ...string) *run {
	t.Helper()
	selected, err := check.Select(only, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "main.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := contract.Contract{
		Image:    "shop.example/app:1",
		Build:    &contract.Build{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile"), SourceFile: "main.go", Reproducible: true},
		Workload: "deployment/api", Dependencies: contract.Needs("statefulset/postgres"),
		Env: contract.Env{Required: []string{"TOKEN"}}, Identity: contract.Identity{ArbitraryUID: true},
	}
	return &run{Options: Options{Selected: selected}, place: place{Cluster: &fakeCluster{owned: true, nodes: &testNodes{}}}, plan: subject.Subject{Contract: c}, subject: subject.Subject{Contract: c}}
}

// fakeCluster is one that is never opened.
type fakeCluster struct {
	cluster.Cluster
	owned bool
	nodes cluster.Nodes
}

func (c *fakeCluster) Nodes() cluster.Nodes { return c.nodes }

func (c *fakeCluster) About() cluster.Facts { return cluster.Facts{Provider: "fake", Owned: c.owned} }

func ids(steps []step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.id)
	}
	return strings.Join(out, " ")
}

// A step that names an unknown one would not wait for anything.
func TestStepsNameStepsThatExist(t *testing.T) {
	steps := whole(t).steps()
	known := map[string]bool{}
	for _, s := range steps {
		for _, a := range s.after {
			if !known[a] {
				t.Errorf("%s comes after %s, which no step before it is called", s.id, a)
			}
		}
		if known[s.id] {
			t.Errorf("two steps are called %s", s.id)
		}
		known[s.id] = true
		i := slices.IndexFunc(trial.List, func(x trial.Trial) bool { return x.ID == s.id })
		if i < 0 {
			continue
		}
		for step, need := range map[string]trial.Need{"agent": trial.NeedAgent, "ready": trial.NeedReady} {
			if needs := trial.List[i].Needs.Has(need); slices.Contains(s.after, step) != needs {
				t.Errorf("%s comes after %q, and needs %s: %t", s.id, s.after, step, needs)
			}
		}
	}
}

// Where no node may be touched, podproof's own image looks, whether anybody can be asked or not, and its
// pod tells of the machine: a dependency that it can reach can be reached.
func TestStepsWithoutNodes(t *testing.T) {
	r := whole(t, "identity/*", "resources/*")
	r.place.Cluster = cluster.WithoutNodes(r.place.Cluster)
	steps := map[string]step{}
	for _, s := range r.steps() {
		steps[s.id] = s
	}
	for _, id := range []string{"identity", "resources"} {
		if !slices.Contains(steps[id].after, "agent-image") {
			t.Errorf("%s comes after %q", id, steps[id].after)
		}
	}
	if !slices.Contains(steps["dependencies"].behind, "agent") {
		t.Errorf("the dependencies wait for the end of %q", steps["dependencies"].behind)
	}
	withNodes := whole(t, "identity/*", "resources/*")
	for _, s := range withNodes.steps() {
		if s.id == "identity" && slices.Contains(s.after, "agent-image") || s.id == "dependencies" && s.behind != nil {
			t.Errorf("with nodes %s waits for podproof's own image", s.id)
		}
	}
	// A worker is asked by nobody, and looked at all the same.
	r.plan.Contract.HTTP, r.plan.Contract.GRPC = contract.HTTP{}, nil
	r.subject = r.plan
	for _, s := range r.steps() {
		if s.id != "agent-image" {
			continue
		}
		if err := s.run(t.Context()); err == nil { // there is no program for no architecture
			t.Error("podproof's own image is not put into the cluster")
		}
	}
}

// Every part of the evidence that a check looks at is collected by a step.
func TestStepsCollectWhatChecksNeed(t *testing.T) {
	collected := map[string]bool{}
	for _, s := range whole(t).steps() {
		for _, section := range s.sections {
			collected[string(section)] = true
		}
	}
	for _, c := range check.Catalogue() {
		for _, section := range c.Needs {
			if !collected[string(section)] {
				t.Errorf("%s needs %s, which is in no step's sections (%s)", c.ID, section, slices.Sorted(maps.Keys(collected)))
			}
		}
	}
}

func TestStepsDoNoMoreThanTheChecksNeed(t *testing.T) {
	for _, c := range []struct {
		name   string
		only   string
		change func(*run)
		want   string
	}{
		{"the image alone", "image/*", nil, "build save inspect"},
		{"an image that is there", "image/*", func(r *run) { r.Image, r.plan.Contract.Build = "app:2", nil }, "save inspect"},
		{"the build alone", "build/*", nil, "build context rebuild lock-rebuild reproduction"},
		{"nobody promised reproducible builds", "build/*", func(r *run) { r.plan.Contract.Build.Reproducible = false }, "build context rebuild lock-rebuild"},
		{"the build and no other", "build/succeeds", nil, "build"},
		{"what the build takes", "build/frozen-dependencies", nil, "build context"},
		{"one rebuild", "build/lockfile-change-rebuilds", nil, "build context lock-rebuild"},
		{"one trial", "termination/exit-zero", nil, "build save cluster node dns boot node-agent load other-images dependencies startup wait-for-quiet termination"},
		{"all ways to end", "termination/*", nil, "build save cluster node dns boot node-agent load other-images agent-image agent dependencies startup ready wait-for-quiet termination early-termination responses requests-in-flight frozen"},
		{"a cluster that is there", "termination/*", func(r *run) { r.place.Cluster = &fakeCluster{nodes: &testNodes{}} }, "build save node dns node-agent load other-images agent-image agent dependencies startup ready wait-for-quiet termination early-termination responses requests-in-flight frozen"},
		{"no node may be touched", "identity/*", func(r *run) { r.place.Cluster = &fakeCluster{} }, "build save node dns node-agent load other-images agent-image agent dependencies startup ready wait-for-quiet identity arbitrary-uid"},
		{"no variable is required", "config/*", func(r *run) { r.plan.Contract.Env.Required = nil }, "build save cluster node dns boot node-agent load other-images agent-image agent dependencies startup ready wait-for-quiet identity responses"},
		{"no Dockerfile", "*/*", func(r *run) { r.plan.Contract.Build.Dockerfile = "none" }, "build"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := whole(t, c.only)
			if c.change != nil {
				c.change(r)
			}
			if diff := cmp.Diff(c.want, ids(r.steps())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTitle(t *testing.T) {
	for image, want := range map[string]string{
		"reactbin-api-prod:latest":     "reactbin-api-prod",
		"shop.example:5000/team/app:1": "app",
		"app@sha256:0a1b":              "app",
		"app:1@sha256:0a1b":            "app",
	} {
		r := &run{Options: Options{Image: image}}
		if got := r.title(); got != want {
			t.Errorf("%s is called %q, want %q", image, got, want)
		}
	}
}

// What takes as long as the image is big, and what the build does, is bounded by the run alone.
func TestEachTrialHasABound(t *testing.T) {
	free := map[string]bool{"build": true, "context": true, "rebuild": true, "lock-rebuild": true, "reproduction": true,
		"save": true, "inspect": true, "load": true, "other-images": true}
	r := whole(t)
	r.plan.Contract.Startup.Within, r.plan.Contract.Termination.Within = contract.Duration(30*time.Second), contract.Duration(30*time.Second)
	steps := r.steps()
	for _, s := range steps {
		if free[s.id] != (s.within == 0) {
			t.Errorf("%s may take %s", s.id, s.within)
		}
	}
	if most := longest(steps, atMost); most < 5*time.Minute || most > time.Hour {
		t.Errorf("the run may take %s", most)
	}
	if got := longest([]step{{id: "c", after: []string{"a", "x"}, behind: []string{"b"}, within: 1}, {id: "a", within: 2}, {id: "b", within: 4}, {id: "d", within: 3}}, atMost); got != 5 {
		t.Errorf("steps that wait for each other take %d", got)
	}
	if got := endsWithin(steps, time.Minute); !strings.Contains(got, "within 1m0s") {
		t.Error(got)
	}
}

// Nothing that only requests can carry out is tried of a worker, nor told to be.
func TestWorkersAreNotAsked(t *testing.T) {
	r := whole(t)
	r.plan.Contract.HTTP, r.plan.Contract.GRPC = contract.HTTP{}, nil
	r.subject = r.plan
	steps := r.steps()
	r.subject.Contract.Dependencies = nil // podproof's proxy in front of one is of the agent's image, too
	asked := 0
	for _, s := range steps {
		if slices.Contains([]string{"agent-image", "agent", "health", "responses", "requests-in-flight", "rollouts"}, s.id) {
			asked++
			if err := s.run(t.Context()); err != nil || s.name != "" {
				t.Errorf("%s, told as %q: %v", s.id, s.name, err)
			}
		}
	}
	if asked != 6 {
		t.Errorf("%d steps that ask", asked)
	}
}

// A build that failed is evidence, and the reason why there is no other.
func TestTheResultOfARunWithoutAnImage(t *testing.T) {
	r := whole(t)
	r.ledger = &ledger.Ledger{ID: "x"}
	r.saw.e.Build = &evidence.Build{Error: "exit code 1"}
	r.saw.clusterSteps = []evidence.Step{{Name: "b", Started: 2}}
	out := outcome{fatal: errNoBuild, missing: map[evidence.Section]string{evidence.SectionBuild: "x"}, steps: []evidence.Step{{Name: "c", Started: 3}, {Name: "a", Started: 1}}}
	e := r.result(out).Evidence
	if e.Missing[evidence.SectionBuild] != "" || e.Missing[evidence.SectionImage] != errNoBuild.Error() || e.Missing[evidence.SectionStartup] != errNoBuild.Error() || e.Missing[evidence.SectionRebuild] != errNoBuild.Error() {
		t.Errorf("missing: %v", e.Missing)
	}
	if len(e.Steps) != 3 || e.Steps[0].Name != "a" || e.Steps[1].Name != "b" || e.Build.Error != "exit code 1" {
		t.Errorf("the steps are %+v", e.Steps)
	}
	r.set(func(*evidence.Evidence) { t.Error("what is being judged was changed") })
	for name, b := range map[string]evidence.Build{"it is there": {}, "a file was missing": {MissingPath: "Dockerfile"}} {
		r.saw.e.Build = &b
		e := r.result(outcome{missing: map[evidence.Section]string{}}).Evidence
		if missing := e.Missing[evidence.SectionImage] != ""; missing != (b.MissingPath != "") {
			t.Errorf("%s: missing: %v", name, e.Missing)
		}
	}
	r.saw.e.Build = nil
	if e := r.result(outcome{missing: map[evidence.Section]string{evidence.SectionBuild: "stopped"}}).Evidence; e.Missing[evidence.SectionBuild] != "stopped" || len(e.Missing) != 1 {
		t.Errorf("missing: %v", e.Missing)
	}
}

func TestSecretsOfTheBuildAreMasked(t *testing.T) {
	const secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"
	e := evidence.Evidence{Image: &evidence.Image{History: []evidence.History{{CreatedBy: "RUN curl -H 'Authorization: token " + secret + "' x"}}},
		Build: &evidence.Build{Error: "token " + secret}, Rebuild: &evidence.Rebuild{Error: "token " + secret}, LockRebuild: &evidence.Rebuild{Error: "token " + secret}, Reproduction: &evidence.Reproduction{Error: "token " + secret}}
	m := mask(e)
	text, err := json.Marshal(m)
	if err != nil || strings.Contains(string(text), secret) {
		t.Errorf("%s (%v)", text, err)
	}
	if m := mask(evidence.Evidence{}); m.Image != nil || m.Build != nil || m.Rebuild != nil || m.LockRebuild != nil || m.Reproduction != nil {
		t.Errorf("of nothing: %+v", m)
	}
}

func TestTheNamespaceOfARun(t *testing.T) {
	named := workload.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "namespace": "shop"}}}}
	for _, c := range []struct {
		owned   bool
		objects []workload.Object
		want    string
	}{{true, []workload.Object{named}, "shop"}, {true, nil, "podproof-x"}, {false, []workload.Object{named}, "podproof-x"}} {
		r := &run{ledger: &ledger.Ledger{ID: "x"}, place: place{Cluster: &fakeCluster{owned: c.owned}}, plan: subject.Subject{Objects: c.objects}}
		if got := r.namespace(); got != c.want {
			t.Errorf("owned: %t, of %d objects: %s", c.owned, len(c.objects), got)
		}
	}
}

func TestWhatIsSaidOfDependencies(t *testing.T) {
	r := whole(t)
	if got := r.dependenciesTitle(); got != "Starting statefulset/postgres" {
		t.Error(got)
	}
	r.plan.Contract.Dependencies = nil
	if got := r.dependenciesTitle(); got != "Applying the manifests" {
		t.Error(got)
	}
	for want, ds := range map[string][]contract.Dependency{"Taking  away": nil, "Taking job/a away": contract.Needs("job/a"),
		"Taking job/a, job/b and s3 (s3.example.com:443) away": append(contract.Needs("job/a", "job/b"), contract.Dependency{Host: "s3.example.com:443", Name: "s3"})} {
		r.plan.Contract.Dependencies = ds
		if got := r.told("Taking DEPENDENCY away"); got != want {
			t.Error(got)
		}
	}
}

func TestHowTheWorkloadIsAsked(t *testing.T) {
	r := whole(t)
	r.subject.Contract.HTTP = contract.HTTP{Port: 8000, Health: "/live", Longest: contract.Duration(time.Second), Query: &contract.Route{Path: "/items"}}
	a := r.asked()
	if a.Health.Path != "/live" || a.Ready.Path != "/live" || a.Longest != time.Second || a.Query == nil || a.Query.Method != "GET" || a.Query.Path != "/items" || a.Upload != nil {
		t.Errorf("got %+v", a)
	}
	r.subject.Container = corev1.Container{ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(9000)}}}}
	if a := r.asked(); a.Ready.Path != "/ready" || a.Ready.Port != 9000 || a.Health.Port != 8000 {
		t.Errorf("got %+v", a)
	}
}

func TestPatience(t *testing.T) {
	for within, want := range map[time.Duration]time.Duration{20 * time.Second: 30 * time.Second, time.Minute: 90 * time.Second, 5 * time.Minute: 330 * time.Second} {
		r := &run{}
		r.plan.Contract.Startup.Within = contract.Duration(within)
		if got := r.patience(); got != want {
			t.Errorf("within %s: %s", within, got)
		}
	}
}

// A trial is made on a bench of its own, and what it saw is written down where it counts.
func TestATrialIsMade(t *testing.T) {
	saw := func(e *evidence.Evidence) { e.Health = &evidence.Health{} }
	for _, c := range []struct {
		name  string
		parts bool
		err   error
		want  bool
	}{{"all is well", false, nil, true}, {"it failed", false, errBroken, false}, {"in parts", true, errBroken, true}} {
		r := &run{bench: &trial.TestBed{}}
		err := r.try(trial.Trial{ID: "health", Parts: c.parts, Run: func(_ context.Context, b *trial.TestBed) (trial.Seen, error) {
			if b.Trial != "health" || b == r.bench {
				t.Errorf("the bench is %+v", b)
			}
			return saw, c.err
		}})(t.Context())
		if err != c.err || (r.saw.e.Health != nil) != c.want {
			t.Errorf("%s: %v, seen %v", c.name, err, r.saw.e.Health)
		}
	}
}

func TestTrialsBeginWithAReadyWorkload(t *testing.T) {
	r := whole(t)
	r.saw.e.Startup = &evidence.Startup{}
	if err := r.isReady(t.Context()); err == nil || !strings.Contains(err.Error(), "deployment/api did not become Ready") {
		t.Errorf("got %v", err)
	}
	r.saw.e.Startup.Ready = true
	if err := r.isReady(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheEndOfARunIsTold(t *testing.T) {
	steps := []step{{id: "a", within: time.Hour}}
	if got := endsWithin(steps, 0); !strings.Contains(got, "within 1h0m0s at the latest, the building") {
		t.Error(got)
	}
	if got := endsWithin(steps, 2*time.Hour); !strings.Contains(got, "within 1h0m0s at the latest, the building") {
		t.Error(got)
	}
	if got := endsWithin(steps, time.Minute); !strings.Contains(got, "within 1m0s at the latest (--timeout); its steps could take 1h0m0s") {
		t.Error(got)
	}
}

// What was changed is told once, and in further namespaces only with -v.
func TestWhatWasChangedIsToldOnce(t *testing.T) {
	tell, debugged := &notes{}, []string{}
	r := &run{Options: Options{Tell: tell, Debug: func(s string) { debugged = append(debugged, s) }}, ledger: &ledger.Ledger{ID: "x"}, place: place{Cluster: &fakeCluster{}}}
	r.say([]string{"a", "b"}, "podproof-x")
	r.say([]string{"b", "c"}, "podproof-x")
	r.say([]string{"c", "d"}, "podproof-x-outage")
	if !slices.Equal(tell.noted, []string{"a", "b", "c"}) || !slices.Equal(debugged, []string{"in podproof-x-outage: d"}) {
		t.Errorf("noted %q, and with -v %q", tell.noted, debugged)
	}
}

// What belongs to the whole cluster is there once; a binding's rights are each namespace's own.
func TestWideObjectsAreNotPutIntoFurtherNamespaces(t *testing.T) {
	newEngine(t)
	const more = `---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reads}, rules: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: reads}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads}, subjects: []}
`
	r, _, _ := opened(t, true, more)
	if got := names(r.placed()); !strings.Contains(got, "clusterrole/reads clusterrolebinding/reads") {
		t.Errorf("in the run's own: %s", got)
	}
	got := names(r.placedIn("shop-outage"))
	if strings.Contains(got, "clusterrole/") || !strings.Contains(got, "clusterrolebinding/reads-shop-outage") || !strings.Contains(got, "deployment/api") {
		t.Errorf("in a further one: %s", got)
	}
}

func TestTheLogsOfAllPodsWithTheImageAreSearched(t *testing.T) {
	r := &run{place: place{images: map[string]string{}}}
	if r.searched(t.Context()) != nil {
		t.Error("where the image never ran there is something")
	}
	r.place.images[""] = "podproof.local/api:run-x"
	if r.searched(t.Context()) != nil {
		t.Error("where no pod was seen there is something")
	}
}

func TestStops(t *testing.T) {
	r := &run{}
	if !r.stops(errNoBuild) || !r.stops(&workload.ManifestError{}) || r.stops(errBroken) {
		t.Error("a build or manifests that are wrong end a run, and nothing else does")
	}
}

func TestWhatWasMadeIsRemovedAfterAPanic(t *testing.T) {
	r := &run{}
	removed := 0
	r.clean.add("x", func(context.Context) error { removed++; return nil })
	func() {
		defer func() {
			if p := recover(); p != "broken" || removed != 1 {
				t.Errorf("%v, removed %d times", p, removed)
			}
		}()
		defer r.cleanAfterPanic()
		panic("broken")
	}()
	r.cleanAfterPanic() // there was none
	if removed != 1 {
		t.Errorf("removed %d times", removed)
	}
}
