package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
)

func idsOf(vs []check.Verdict) []string {
	var out []string
	for _, v := range vs {
		out = append(out, v.Check.ID)
	}
	return out
}

// A plan for a cluster that podproof would make takes no engine, and makes nothing.
func TestAPlanWithoutACluster(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	c := newCluster(t, true)
	o, _ := options(t, c)
	o.Selected = check.Without(check.Catalogue(), nil)
	p, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Workload != "deployment/api" || p.Image != "shop/api:1.0" || p.Where != "a fake cluster that podproof makes and removes" || p.AtMost <= 0 {
		t.Errorf("got %+v", p)
	}
	if got := idsOf(p.Broken); !slices.Contains(got, "security/restricted") || !slices.Contains(got, "resources/limits") {
		t.Errorf("broken are %q", got)
	}
	if got := idsOf(p.Tried); !slices.Contains(got, "startup/ready") || !slices.Contains(got, "database/recovers") || slices.Contains(got, "security/restricted") {
		t.Errorf("tried are %q", got)
	}
	if got := idsOf(p.Skipped); !slices.Contains(got, "identity/arbitrary-uid") || !slices.Contains(got, "config/missing-env-fails") || !slices.Contains(got, "build/succeeds") {
		t.Errorf("skipped are %q", got)
	}
	if len(p.Broken)+len(p.Tried)+len(p.Skipped) != len(check.Catalogue()) {
		t.Errorf("of %d promises, %d are told", len(check.Catalogue()), len(p.Broken)+len(p.Tried)+len(p.Skipped))
	}
	if len(p.Hints) != 2 || !strings.Contains(p.Hints[0], "http: {upload") || !strings.Contains(p.Hints[1], "http: {query") {
		t.Errorf("hinted is %q", p.Hints)
	}
	for _, v := range p.Skipped {
		if v.Enabling == "" {
			t.Errorf("of %s it is not said what would have it tried", v.Check.ID)
		}
	}
	if p.Usual < 20*time.Second || p.Usual > p.AtMost || len(p.Stops)+len(p.InTheWay)+len(p.Untried) > 0 {
		t.Errorf("it takes %s, at most %s; in the way: %q %q", p.Usual, p.AtMost, p.Stops, p.InTheWay)
	}
	want := []PlannedImage{{Name: "shop/api:1.0", For: "deployment/api", How: "the Docker engine's, put onto the node"},
		{Name: "postgres:16", For: "statefulset/db", How: "the Docker engine's, put onto the node; where it has none the node pulls it"}}
	if diff := cmp.Diff(want, p.Images); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if len(p.Applied) != 5 || !strings.HasPrefix(p.Applied[0], "deployment/api (") || !slices.Contains(p.Steps, "Taking statefulset/db away") {
		t.Errorf("applied are %q, in the steps %q", p.Applied, p.Steps)
	}
	if c.opened+c.closed+left(t, o) > 0 || len(c.api.changes("POST"))+len(c.api.changes("PATCH")) > 0 {
		t.Errorf("opened %d times, made %q", c.opened, c.api.changes("POST"))
	}
}

// What the manifests break and the profile does not ask for is advice; where a measurement may yet
// break the promise, it is tried.
func TestAPlanWithAdvice(t *testing.T) {
	o, _ := options(t, newCluster(t, true))
	o.Selected, o.Contract.Profile = check.Without(check.Catalogue(), nil), contract.ProfileBaseline
	p, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := idsOf(p.Advice); !slices.Contains(got, "security/restricted") || slices.Contains(idsOf(p.Skipped), "security/restricted") || slices.Contains(got, "resources/limits") || !slices.Contains(idsOf(p.Tried), "resources/limits") || !slices.Equal(idsOf(p.Broken), []string{"probes/declared"}) {
		t.Errorf("advised is %q, broken %q, tried %q", got, idsOf(p.Broken), idsOf(p.Tried))
	}
}

// What is likely to be a slip in the contract is told before anything is made.
func TestAPlanDoubtsTheContract(t *testing.T) {
	o, _ := options(t, newCluster(t, true))
	o.Contract.Env.Required = []string{"DATABSE_URL"}
	o.Contract.Build = &contract.Build{Context: "nowhere", Dockerfile: "nowhere/Dockerfile"}
	p, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "env.required names DATABSE_URL, which no manifest sets for deployment/api") {
		t.Errorf("noted is %q", notes)
	}
	if want := "nowhere does not exist, so that nothing can be built"; len(p.InTheWay) != 1 || !strings.HasPrefix(p.InTheWay[0], want) {
		t.Errorf("in the way is %q, want %q", p.InTheWay, want)
	}
}

// What is derived stands by itself in a plan, and is said of a run.
func TestAPlanWithoutAContract(t *testing.T) {
	o, _ := options(t, newCluster(t, true))
	own := o.Contract
	var err error
	if o.Contract, err = contract.Unwritten(own.Path("."), own.Manifests, nil, contract.Derived{Field: "manifests", Value: "all.yaml", From: "found here"}); err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Assumed) < 3 || !strings.Contains(p.Assumed[1], "all.yaml (found here)  [-m]") || slices.Contains(p.Notes, p.Assumed[1]) {
		t.Errorf("derived is %q, noted %q", p.Assumed, p.Notes)
	}
	o.Contract = own
	if p, err = MakePlan(t.Context(), o); err != nil || p.Assumed != nil {
		t.Errorf("with a contract: %q (%v)", p.Assumed, err)
	}
}

func TestAPlanOfTheImageAlone(t *testing.T) {
	c := newCluster(t, true)
	o, _ := options(t, c, "image/*")
	p, err := MakePlan(t.Context(), o)
	if err != nil || len(p.Applied)+len(p.Hints) > 0 || !slices.Contains(idsOf(p.Tried), "image/platform") {
		t.Errorf("got %+v (%v)", p, err)
	}
}

// Of a cluster that is there a plan asks what a run asks first, and leaves it as it is.
func TestAPlanForANamespaceThatIsThere(t *testing.T) {
	ref, _ := pushed(t)
	c := somebodys(t)
	before := c.api.paths()
	o, _ := options(t, c, "startup/ready")
	o.Existing, o.Namespace, o.Image = "fake-1", "mine", ref
	p, err := MakePlan(t.Context(), o)
	if err != nil || p.Where != "--cluster fake:fake-1, in namespace mine" || len(idsOf(p.Tried)) != 1 {
		t.Errorf("got %+v (%v)", p, err)
	}
	if after := c.api.paths(); !slices.Equal(before, after) || left(t, o) != 0 {
		t.Errorf("there are %q, and there were %q", after, before)
	}
	c.api.put("ADDED", "/api/v1/namespaces/mine/configmaps/api", c.api.parse(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"api","namespace":"mine"}}`))
	c.api.put("ADDED", "/api/v1/namespaces/mine/secrets/api", c.api.parse(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"api","namespace":"mine"}}`))
	p, err = MakePlan(t.Context(), o)
	if err != nil || len(p.Stops) != 1 || !strings.Contains(p.Stops[0], "secret/api exists in the cluster already") || len(p.Tried) != 1 || left(t, o) != 0 {
		t.Errorf("the run would end with %q (%v)", p.Stops, err)
	}
	o.Namespace = ""
	if p, err := MakePlan(t.Context(), o); err != nil || p.Where != "--cluster fake:fake-1, in namespaces that podproof makes and removes" {
		t.Errorf("got %q (%v)", p.Where, err)
	}
	c.gone = true
	if p, err := MakePlan(t.Context(), o); !errors.Is(err, cluster.ErrGone) || len(p.Tried) != 1 {
		t.Errorf("the error is %v, and tried would be %q", err, idsOf(p.Tried))
	}
	o.Contract.Manifests = []string{"none.yaml"}
	if _, err := MakePlan(t.Context(), o); !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("the error is %v", err)
	}
}
