//go:build e2e && soak

package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/kind"
	"podproof.dev/podproof/internal/report"
)

var (
	soakRuns = flag.Int("runs", 20, "how often the same image is verified in one cluster")
	soakBusy = flag.Bool("busy", false, "the machine is kept busy on purpose: a verdict may be inconclusive, none may be a fail")
	soakFile = flag.String("contract", "podproof.yaml", "the contract, from the repository's root")
)

// TestSoak verifies one image again and again, in one cluster: the verdicts are the same
// every time, and after each run the cluster is as it was before.
func TestSoak(t *testing.T) {
	lend(t)
	client := lent(t)
	before := holds(t, client)
	var first report.Report
	for n := range *soakRuns {
		js := filepath.Join(t.TempDir(), "report.json")
		f := podproof(t, nil, "verify", "-f", *soakFile, "--cluster", "kind:"+sharedCluster, "-o", "json="+js,
			"--evidence", filepath.Join(t.TempDir(), "evidence.json"))
		r := verdicts(t, js)
		t.Logf("run %d: exit code %d, %.1f s; fail %v, inconclusive %v", n+1, f.code, r.Run.Finished.Sub(r.Run.Started).Seconds(),
			with(r, check.Fail), with(r, check.Inconclusive))
		if n == 0 {
			first = r
		}
		switch diff := cmp.Diff(byID(first), byID(r)); {
		case *soakBusy && len(with(r, check.Fail)) == 0:
		case *soakBusy, diff != "", f.code != exitPass:
			t.Errorf("run %d (-first +this):\n%s\n%s", n+1, diff, f.stdout)
		}
		if diff := cmp.Diff(before, holds(t, client)); diff != "" {
			t.Errorf("run %d left the cluster changed (-before +after):\n%s", n+1, diff)
		}
	}
	wantClean(t)
}

func byID(r report.Report) map[string]check.Status {
	out := map[string]check.Status{}
	for _, v := range r.Verdicts {
		out[v.ID] = v.Verdict
	}
	return out
}

func lent(t *testing.T) kubernetes.Interface {
	t.Helper()
	k, err := kind.Provider{}.Prepare(t.Context(), cluster.Spec{Existing: sharedCluster})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(k.REST())
	if err != nil {
		t.Fatal(err)
	}
	// Kubernetes' own pods are there by then.
	if err := errors.Join(cluster.AwaitNode(t.Context(), client), cluster.AwaitDNS(t.Context(), client)); err != nil {
		t.Fatal(err)
	}
	return client
}

// holds are the namespaces and the pods of the whole cluster, as `kubectl get ns,pods -A` shows them.
func holds(t *testing.T, client kubernetes.Interface) []string {
	t.Helper()
	out := map[string]bool{}
	namespaces, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range namespaces.Items {
		out["namespace "+ns.Name] = true
	}
	pods, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		// A pod of kind's own may be replaced, by another of the same Deployment.
		owner := p.Name
		if i := strings.LastIndex(p.Name, "-"); i > 0 && len(p.OwnerReferences) > 0 {
			owner = p.Name[:i]
		}
		out[fmt.Sprintf("pod %s/%s", p.Namespace, owner)] = true
	}
	return slices.Sorted(maps.Keys(out))
}
