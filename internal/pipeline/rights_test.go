package pipeline

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/workload"
)

// record keeps which rights a request takes, as the API server's authorizer has it.
func (a *apiServer) record(q request, r *http.Request) {
	words := strings.Split(q.collection, "/")
	group := ""
	if words[1] == "apis" {
		group = words[2]
	}
	name := q.name
	if name == "" {
		name, _ = strings.CutPrefix(r.FormValue("fieldSelector"), "metadata.name=")
	}
	verbs := map[string][]string{http.MethodPost: {"create"}, http.MethodPut: {"update"}, http.MethodPatch: {"patch"}, http.MethodDelete: {"delete"}, http.MethodGet: {"get"}}[r.Method]
	switch {
	case q.name == "" && r.Method == http.MethodDelete:
		verbs = []string{"deletecollection"}
	case q.name == "" && r.Method == http.MethodGet && r.FormValue("watch") != "":
		verbs = []string{"watch"}
	case q.name == "" && r.Method == http.MethodGet:
		verbs = []string{"list"}
	case r.Method == http.MethodPatch && a.get(r.URL.Path) == nil: // an apply of what is not there
		verbs = []string{"patch", "create"}
	}
	for _, v := range verbs {
		rule := rights.Rule{Group: group, Resource: words[len(words)-1], Subresource: q.sub, Verbs: []string{v}, Wide: q.namespace == ""}
		if name != "" {
			rule.Names = []string{name}
		}
		if q.namespace == "kube-system" && q.collection != "/apis/apps/v1/deployments" {
			// AwaitDNS takes a refusal for an answer.
			continue
		}
		a.mu.Lock()
		a.asked = append(a.asked, rule)
		a.mu.Unlock()
	}
}

// review answers whether whoever asks has a right.
func (a *apiServer) review(r *http.Request) *unstructured.Unstructured {
	u := a.body(r)
	var x authorizationv1.SelfSubjectAccessReview
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &x); err != nil {
		a.t.Error(err)
	}
	about := x.Spec.ResourceAttributes
	asks := rights.Rule{Group: about.Group, Resource: about.Resource, Subresource: about.Subresource, Verbs: []string{about.Verb}, Wide: about.Namespace == ""}
	if about.Name != "" {
		asks.Names = []string{about.Name}
	}
	allowed := len(rights.Common([]rights.Rule{asks}, a.denied)) == 0
	_ = unstructured.SetNestedField(u.Object, allowed, "status", "allowed")
	return u
}

// everything is a selection of which the API server of a test can play all.
var everything = []string{"startup/ready", "identity/non-root", "security/restricted", "security/read-only-root", "config/missing-env-fails"}

// lent are options of a run in a cluster that podproof did not make.
func lent(t *testing.T, c *testCluster, more string, checks ...string) (Options, *notes) {
	t.Helper()
	o, tell := options(t, c, checks...)
	o.Existing = "fake-1"
	o.Contract = shopContract(t, "env: {required: [TOKEN]}\n", more)
	return o, tell
}

const claim = `---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: api}, data: {DB: "postgres.shop:5432"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec: {selector: {matchLabels: {app: cache}}, template: {metadata: {labels: {app: cache}}, spec: {priorityClassName: low, containers: [{name: c, image: "postgres:16"}]}}}
`

// What a run in a cluster that podproof did not make asks of its API server is what it is said to
// need, and that is no more than it asks.
func TestARunUsesTheRightsThatAreDeclared(t *testing.T) {
	for name, c := range map[string]struct {
		nodes     bool
		namespace string
		open      bool
	}{
		"in namespaces of its own, of a kind cluster":         {true, "", false},
		"in namespaces of its own":                            {false, "", false},
		"in a namespace that is there":                        {false, "mine", false},
		"in a namespace that is there, and opens its network": {false, "mine", true},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, image, checks := somebodysOrKinds(t, c.nodes)
			o, _ := lent(t, cluster, claim, checks...)
			o.Image, o.Namespace, o.AgentImage, o.OpenNetwork = image, c.namespace, "agent:1", c.open
			declared, refused, err := Rights(RightsOptions{Contract: o.Contract, Image: image, Selected: o.Selected, Namespace: c.namespace, OpenNetwork: c.open})
			if err != nil || len(refused) > 0 {
				t.Fatalf("refused %q (%v)", refused, err)
			}
			if c.nodes { // who may do all on the nodes may do all
				declared = slices.DeleteFunc(declared, func(r rights.Rule) bool { // they tell what else podproof's own containers do
					return r.Subresource == "ephemeralcontainers" || r.Subresource == "exec"
				})
				declared = append(declared, rights.To("", "nodes", "watch").Anywhere(), rights.To("", "services", "get").Of("db"))
			}
			r, err := Verify(t.Context(), o)
			if err != nil || len(r.Evidence.Missing) > 0 {
				t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
			}
			cluster.api.mu.Lock()
			used := slices.Clone(cluster.api.asked)
			cluster.api.mu.Unlock()
			for _, x := range rights.Beyond(used, declared) {
				t.Errorf("the run used what is not declared: %s", x)
			}
			for _, x := range rights.Beyond(declared, everyNamespace(used)) {
				if argued[x.String()] == "" {
					t.Errorf("the run did not use what is declared: %s", x)
				}
			}
			for _, x := range declared {
				if x.Resource == "secrets" && !slices.Equal(x.Verbs, []string{"create"}) {
					t.Errorf("it may %s", x)
				}
			}
		})
	}
}

// somebodysOrKinds is a cluster of which podproof may touch the nodes, or not, the image that is
// tried there, and the checks that can be played in it.
func somebodysOrKinds(t *testing.T, nodes bool) (*testCluster, string, []string) {
	t.Helper()
	if nodes {
		newEngine(t, "shop/api:1.0", "postgres:16")
		return newCluster(t, false), "", everything
	}
	ref, _ := pushed(t)
	return somebodys(t), ref, slices.DeleteFunc(slices.Clone(everything), func(id string) bool { return id == "identity/non-root" })
}

// argued are rights that a run of a test does not use, and why they are declared.
var argued = map[string]string{
	"get pods podproof-agent":      "of a stream to the agent that ended, and of a rollout",
	"update configmaps/finalizers": "an admission plugin asks for it, of whoever says that an owner waits (OwnerReferencesPermissionEnforcement)",
	"patch pods":                   "of what a trial left that could not let its pod go",
}

// everyNamespace has the rules cover those of the whole cluster, too.
func everyNamespace(rules []rights.Rule) []rights.Rule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Names = nil
	}
	return append(out, rules...)
}

func TestWhatARunMayNotDoIsSaidBeforeAnythingIsMade(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	for name, c := range map[string]struct {
		denied []rights.Rule
		checks []string
		says   []string
	}{
		"what every run needs": {[]rights.Rule{rights.To("", "pods", "list"), rights.To("", "namespaces", "create").Anywhere()}, everything,
			[]string{"serviceaccount ci/podproof lacks rights in --cluster fake:fake-1", "nothing was made there", "kind: ClusterRole\n", `resources: ["pods"]`, `verbs: ["list"]`,
				`resources: ["namespaces"]`, `verbs: ["create"]`, `name: "podproof-missing"`, `{kind: ServiceAccount, name: "podproof", namespace: "ci"}`, "podproof rbac -f x.yaml | kubectl apply -f -"}},
		"a kind of the manifests": {[]rights.Rule{rights.To("batch", "jobs", "create")}, everything, []string{`resources: ["jobs"]`, `verbs: ["create"]`}},
		"a Secret":                {[]rights.Rule{rights.To("", "secrets", "create")}, everything, []string{`resources: ["secrets"]`}},
		"what all trials need": {[]rights.Rule{rights.To("", "pods", "delete").Of("podproof-read-only-root")}, []string{"security/read-only-root", "image/size-budget"},
			[]string{`resourceNames: ["podproof-read-only-root"]`, `verbs: ["delete"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := newCluster(t, false)
			cluster.api.denied = c.denied
			o, _ := lent(t, cluster, "", c.checks...)
			o.RightsCommand = "podproof rbac -f x.yaml"
			r, err := Verify(t.Context(), o)
			var input *InputError
			if !errors.As(err, &input) || r.Evidence.Run.ID != "" {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "events") {
				t.Errorf("it tells of what is not missing: %v", err)
			}
			if made := slices.Concat(cluster.api.changes("POST"), cluster.api.changes("PATCH"), cluster.api.changes("DELETE"), cluster.loaded); len(made) > 0 || left(t, o) != 0 {
				t.Errorf("made were %q, %d folders are left", made, left(t, o))
			}
		})
	}
}

// What one trial lacks is that one's affair: the rest is tried.
func TestATrialWithoutItsRightsIsMissingAlone(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	c.api.denied = []rights.Rule{rights.To("", "services", "list"), rights.To("", "services", "list").Anywhere()}
	o, tell := lent(t, c, "", everything...)
	r, err := Verify(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := "this run may not list services: `podproof rbac` prints the role that it needs"
	if got := r.Evidence.Missing; len(got) != 1 || got[evidence.SectionRequiredEnv] != want {
		t.Errorf("missing: %v", got)
	}
	if r.Evidence.ReadOnlyRoot == nil || r.Evidence.Identity == nil {
		t.Error("the others are not tried")
	}
	if !slices.ContainsFunc(tell.noted, func(s string) bool {
		return strings.Contains(s, "This run may not list services, so what needs that is not tried")
	}) {
		t.Errorf("noted: %q", tell.noted)
	}
	for _, v := range check.Judge(o.Selected, r.Contract, r.Evidence) {
		if v.Check.ID == "config/missing-env-fails" && (v.Status != check.Inconclusive || !strings.Contains(v.Seen, want)) {
			t.Errorf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
		}
	}
}

// The agent's rights are those of each trial that sends requests, and of none where nobody can be asked.
func TestStepsThatLackRights(t *testing.T) {
	lack := errors.New("may not")
	for _, c := range []struct {
		port int
		want error
	}{{8000, lack}, {0, nil}} {
		r := whole(t)
		r.plan.Contract.HTTP.Port, r.subject.Contract.HTTP.Port = c.port, c.port
		r.lacks = map[string]error{"agent": lack, "requests-in-flight": lack, "termination": lack}
		for _, s := range r.steps() {
			want, ok := map[string]error{"agent": c.want, "requests-in-flight": c.want, "termination": lack}[s.id]
			if !ok {
				continue
			}
			if err := s.run(t.Context()); err != want || s.name != "" {
				t.Errorf("port %d: %s: %v, told as %q", c.port, s.id, err, s.name)
			}
		}
	}
}

func TestAClusterOfOurOwnIsNotAsked(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.api.denied = []rights.Rule{rights.To("", "pods", "list")}
	o, _ := options(t, c, "startup/ready")
	if r, err := Verify(t.Context(), o); err != nil || len(r.Evidence.Missing) > 0 {
		t.Errorf("missing: %v (%v)", r.Evidence.Missing, err)
	}
}

// Without the right to list the Services of others a run goes on, and says what it did not check.
func TestServicesOfOthersThatMayNotBeListed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden"})
	}))
	t.Cleanup(server.Close)
	applier, err := workload.NewApplier(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	tell := &notes{}
	r := &run{Options: Options{Tell: tell}, place: place{applier: applier}}
	if there, err := r.live(t.Context()); err != nil || len(there) > 0 || len(tell.noted) != 1 || !strings.Contains(tell.noted[0], "nobody has checked") {
		t.Errorf("got %v (%v), noted %q", there, err, tell.noted)
	}
}

// In a namespace that is there the run makes none, and removes its objects one by one.
func TestRightsInANamespaceThatIsThere(t *testing.T) {
	selected, err := check.Select([]string{"startup/ready"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wide := "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}\n"
	got, refused, err := Rights(RightsOptions{Contract: shopContract(t, "", wide), Selected: selected, Namespace: "verify"})
	if err != nil || len(refused) != 1 || !strings.HasPrefix(refused[0], "clusterrole/reader (all.yaml:") {
		t.Fatalf("refused %q (%v)", refused, err)
	}
	for _, x := range rights.Required(got) {
		if x.Wide || x.Resource == "serviceaccounts" || slices.Contains(x.Verbs, "deletecollection") {
			t.Errorf("it has to be allowed to %s", x)
		}
	}
	removes := rights.To("", "configmaps", "delete")
	own, _, err := Rights(RightsOptions{Contract: shopContract(t, "", ""), Selected: selected})
	if err != nil || len(rights.Beyond([]rights.Rule{removes}, own)) == 0 || len(rights.Beyond([]rights.Rule{removes}, got)) > 0 {
		t.Errorf("it may, or may not, %s (%v)", removes, err)
	}
}

func TestNoRightsAreNeededForAnImage(t *testing.T) {
	selected, err := check.Select([]string{"image/*"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := Rights(RightsOptions{Contract: shopContract(t, "", ""), Selected: selected}); err != nil || len(got) > 0 {
		t.Errorf("got %v (%v)", got, err)
	}
}

// Each right of a run is asked for by some step, and each step of a trial brings its own.
func TestEachTrialBringsItsRights(t *testing.T) {
	r := whole(t)
	r.plan.Workload.Object = workload.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{}}}
	steps := map[string]bool{}
	for _, e := range r.entitled() {
		steps[e.step] = true
		if len(e.sections) == 0 {
			t.Errorf("%s has no sections", e.step)
		}
	}
	for _, id := range []string{"agent", "admission", "termination", "rollouts", "frozen"} {
		if !steps[id] {
			t.Errorf("%s brings no rights", id)
		}
	}
}

// A plan tells what cannot be tried for want of a right.
func TestAPlanTellsWhatLacksRights(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	c.api.denied = []rights.Rule{rights.To("", "services", "list")}
	o, _ := lent(t, c, "", everything...)
	p, err := MakePlan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := "required-env: this run may not list services: `podproof rbac` prints the role that it needs"; len(p.Lacking) != 1 || p.Lacking[0] != want {
		t.Errorf("lacking: %q", p.Lacking)
	}
	if slices.Contains(p.Steps, "Starting without each required variable") {
		t.Errorf("it would be tried: %q", p.Steps)
	}
}
