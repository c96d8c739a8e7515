package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

func TestAsManyPodsOfADependencyAreWaitedForAsAreApplied(t *testing.T) {
	for asked, want := range map[int64]int32{0: 1, 1: 1, 3: 3} {
		object := map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"name": "db"},
			"spec": map[string]any{"replicas": asked, "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "db", "image": "db:1"}}}}}}
		rs, err := workload.Controllers([]workload.Object{{Unstructured: &unstructured.Unstructured{Object: object}}})
		if err != nil {
			t.Fatal(err)
		}
		d := takable(rs[0])
		applied, _, _ := unstructured.NestedInt64(d.Object.Object, "spec", "replicas")
		if d.Replicas != want || applied != int64(want) {
			t.Errorf("%d replicas: %d applied, %d waited for", asked, applied, d.Replicas)
		}
	}
}

// opened is a run whose cluster is there, of the shop's manifests.
func opened(t *testing.T, owned bool, more string) (*run, *testCluster, *notes) {
	t.Helper()
	c := newCluster(t, owned)
	tell := &notes{}
	r := &run{Options: Options{Contract: shopContract(t, "", more), Tell: tell, Debug: func(string) {}}, place: place{Cluster: c, images: map[string]string{}}, saw: observed{began: time.Now()}}
	var err error
	if r.Selected, err = check.Select(nil, nil); err != nil {
		t.Fatal(err)
	}
	if r.plan, err = subject.Read(r.Contract, subject.Options{Pods: true, Owned: owned}); err != nil {
		t.Fatal(err)
	}
	r.subject = r.plan
	if r.ledger, err = ledger.New(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	r.engine = connect(t)
	if _, err := r.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.saw.e.Startup = &evidence.Startup{Ready: true, Seconds: 2.5}
	t.Cleanup(r.stopObserving)
	return r, c, tell
}

func names(objects []workload.Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, o.String())
	}
	return strings.Join(out, " ")
}

func TestWhatGoesIntoTheNamespaceOfAnOutage(t *testing.T) {
	newEngine(t)
	const more = `---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache}
spec: {serviceName: cache, selector: {matchLabels: {app: cache}}, template: {metadata: {labels: {app: cache}}, spec: {containers: [{name: cache, image: "redis:7", livenessProbe: {tcpSocket: {port: 6379}}}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{port: 80}]}}
`
	r, _, _ := opened(t, true, more)
	r.subject.Contract.Dependencies = contract.Needs("statefulset/db", "statefulset/cache")
	s, err := r.copied("shop-outage", "statefulset/db")
	if err != nil {
		t.Fatal(err)
	}
	if s.Dependency.String() != "statefulset/db" || len(s.Others) != 1 || s.Others[0].String() != "statefulset/cache" || s.Workload.String() != "deployment/api" || len(s.Jobs) != 1 {
		t.Errorf("got %+v", s)
	}
	if got := names(s.Objects); strings.Contains(got, "deployment/api") || strings.Contains(got, "statefulset/db") || !strings.Contains(got, "statefulset/cache") || !strings.Contains(got, "service/api") || strings.Contains(got, "job/") {
		t.Errorf("the others are %s", got)
	}
	if len(s.Services) != 1 || s.Services[0] != "db" {
		t.Errorf("the Services are %q", s.Services)
	}
	for _, o := range s.Objects {
		stays, _, _ := unstructured.NestedBool(o.Object, "spec", "publishNotReadyAddresses")
		if o.GetNamespace() != "shop-outage" || stays != (o.String() == "service/db") {
			t.Errorf("%s of namespace %s leads to what is not Ready: %t", o, o.GetNamespace(), stays)
		}
	}
	if s, err = r.copied("shop-outage", "statefulset/cache"); err != nil || s.Dependency.String() != "statefulset/cache" || len(s.Others) != 1 || s.Others[0].String() != "statefulset/db" {
		t.Errorf("got %+v (%v)", s, err)
	}
}

// Each dependency is taken away by podproof's proxy, but for what cannot go through it, which is told.
func TestTheDependenciesThatAreTakenAway(t *testing.T) {
	newEngine(t)
	const more = `---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: dns}
spec: {serviceName: dns, selector: {matchLabels: {app: dns}}, template: {metadata: {labels: {app: dns}}, spec: {containers: [{name: dns, image: "dns:7"}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: dns}, spec: {selector: {app: dns}, ports: [{port: 53, protocol: UDP}]}}
`
	r, _, _ := opened(t, true, more)
	r.subject.Contract.Dependencies = append(contract.Needs("statefulset/db", "statefulset/dns"), contract.Dependency{Host: "s3.example.com:443", Name: "s3"}, contract.Dependency{Host: "10.0.0.7:443"})
	taken, err := r.taken(r.placedIn("shop-1"))
	if err != nil || len(taken) != 4 {
		t.Fatalf("got %+v (%v)", taken, err)
	}
	if s3 := taken[2]; s3.Name != "s3 (s3.example.com:443)" || s3.Controller != nil || s3.Front.Routes[0].Address(s3.Front.Routes[0].Host) != "443=s3.example.com:443" {
		t.Errorf("got %+v", s3)
	}
	if ip := taken[3]; ip.Front != nil || !strings.Contains(ip.Unproxied, "10.0.0.7 is an address") {
		t.Errorf("got %+v", ip)
	}
	db, dns := taken[0], taken[1]
	if db.Name != "statefulset/db" || db.Controller.String() != "statefulset/db" || db.Front == nil || db.Unproxied != "" || !slices.Contains(db.Front.Names, "db.shop-1.svc") || db.Front.Routes[0].Address("10.96.0.7") != "5432=10.96.0.7:5432" {
		t.Errorf("got %+v", db)
	}
	if dns.Controller.String() != "statefulset/dns" || dns.Front != nil || !strings.Contains(dns.Unproxied, "port 53 of service/dns is UDP") {
		t.Errorf("got %+v", dns)
	}
}

// A trial's own namespace is made beside the run's, and begins to end when the trial is over.
func TestANamespaceElsewhere(t *testing.T) {
	newEngine(t)
	for _, keep := range []bool{false, true} {
		r, c, _ := opened(t, false, "")
		r.Keep = keep
		r.bench = &trial.TestBed{Run: r.ledger.ID, Applier: r.place.applier}
		b, s, err := r.elsewhere(t.Context(), "outage", "statefulset/db")
		ns := r.namespace() + "-outage"
		if err != nil || b.Namespace != ns || b.Subject.String() != "deployment/api" || b.Subject.GetNamespace() != ns || b.Observer == nil || s.Dependency.String() != "statefulset/db" {
			t.Fatalf("got %+v, %+v (%v)", b, s, err)
		}
		if r.bench.Namespace != "" || !slices.Equal(r.ledger.Made.Namespaces, []string{ns}) || r.ledger.Made.Existing != "fake-1" || r.ledger.Made.Kept != keep {
			t.Errorf("written down is %+v", r.ledger.Made)
		}
		b.End(t.Context())
		if deleted := c.api.changes("DELETE"); slices.Contains(deleted, "/api/v1/namespaces/"+ns) == keep {
			t.Errorf("kept: %t, deleted were %q", keep, deleted)
		}
		if err := r.clean.run(); err != nil {
			t.Error(err)
		}
	}
}
