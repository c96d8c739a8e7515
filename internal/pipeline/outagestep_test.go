package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/check"
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
	r.subject.Contract.Dependencies = []string{"statefulset/db", "statefulset/cache"}
	s, err := r.outageSpec("shop-outage")
	if err != nil {
		t.Fatal(err)
	}
	if s.Start != 2500*time.Millisecond || s.Dependency.String() != "statefulset/db" || len(s.Others) != 1 || s.Others[0].String() != "statefulset/cache" || s.Workload.String() != "deployment/api" || len(s.Jobs) != 1 {
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
		if o.GetNamespace() != "shop-outage" || stays {
			t.Errorf("%s of namespace %s leads to what is not Ready: %t", o, o.GetNamespace(), stays)
		}
		leads, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector")
		if o.GetKind() == "Service" && (leads[workload.ProxyLabel] == "db") != (o.GetName() == "db") {
			t.Errorf("%s leads to %v", o, leads)
		}
	}
	if f := s.Front; f == nil || s.Unproxied != "" || names(f.Twins) != "service/podproof-db" || f.Twins[0].GetNamespace() != "shop-outage" || f.Twins[0].GetLabels()[workload.RunLabel] != r.ledger.ID ||
		len(f.Routes) != 1 || f.Routes[0].Address("10.96.0.7") != "5432=10.96.0.7:5432" {
		t.Errorf("podproof's proxy stands in front by %+v (%s)", f, s.Unproxied)
	}
}

// What cannot go through podproof's proxy is told, and stays as it is for whoever takes it away on its node.
func TestADependencyThatTheProxyCannotStandInFrontOf(t *testing.T) {
	newEngine(t)
	const dns = "---\n{apiVersion: v1, kind: Service, metadata: {name: db-dns}, spec: {selector: {app: db}, ports: [{port: 53, protocol: UDP}]}}\n"
	r, _, _ := opened(t, true, dns)
	s, err := r.outageSpec("shop-outage")
	if err != nil || s.Front != nil || !strings.Contains(s.Unproxied, "port 53 of service/db-dns is UDP") {
		t.Errorf("got %+v, %q (%v)", s.Front, s.Unproxied, err)
	}
	for _, o := range s.Objects {
		stays, _, _ := unstructured.NestedBool(o.Object, "spec", "publishNotReadyAddresses")
		if leads, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector"); o.GetKind() == "Service" && (!stays || leads["app"] != "db") {
			t.Errorf("%s leads to %v", o, leads)
		}
	}
}

// A trial's own namespace is made beside the run's, and begins to end when the trial is over.
func TestANamespaceElsewhere(t *testing.T) {
	newEngine(t)
	for _, keep := range []bool{false, true} {
		r, c, _ := opened(t, false, "")
		r.Keep = keep
		r.bench = &trial.TestBed{Run: r.ledger.ID, Applier: r.place.applier}
		b, s, err := r.elsewhere(t.Context(), "outage")
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
