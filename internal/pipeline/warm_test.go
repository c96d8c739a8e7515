package pipeline

import (
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/ledger"
)

// In a warm cluster a run has a namespace and images of its own, as in one that is lent, and the cluster is
// podproof's: it is opened and closed, and what the manifests bring for all of it is applied.
func TestARunInAWarmCluster(t *testing.T) {
	for name, x := range map[string]struct{ more, stained string }{
		"taken out again":              {"", ""},
		"something of the whole of it": {"---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: x}\n", "storageclass/fast of the manifests belongs to the whole cluster"},
		"its own namespace":            {"---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			newEngine(t, "shop/api:1.0", "postgres:16")
			c := newCluster(t, true)
			c.facts.Warm = true
			o, _ := options(t, c, "startup/ready")
			o.Warm = true
			o.Contract = shopContract(t, "", x.more)
			r, err := Verify(t.Context(), o)
			if err != nil || len(r.Evidence.Missing) > 0 {
				t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
			}
			id := r.Evidence.Run.ID
			if !r.Evidence.Cluster.Borrowed || c.opened != 1 || c.closed != 1 || !c.spec.Warm || c.spec.Runs != o.Runs || left(t, o) != 0 {
				t.Errorf("opened %d, closed %d times, asked for %+v, %d folders are left", c.opened, c.closed, c.spec, left(t, o))
			}
			if c.stained != x.stained {
				t.Errorf("it is stained by %q, want %q", c.stained, x.stained)
			}
			if got := c.api.changes("DELETE"); !slices.Contains(got, "/api/v1/namespaces/podproof-"+id) {
				t.Errorf("deleted were %q", got)
			}
			if len(c.loaded) != 2 || !slices.ContainsFunc(c.loaded, func(s string) bool { return strings.HasPrefix(s, "podproof.local/other-") && strings.HasSuffix(s, id) }) {
				t.Errorf("loaded were %q", c.loaded)
			}
		})
	}
}

// Several contracts are in one, which is closed once, and stained by any of them.
func TestSeveralContractsInAWarmCluster(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.facts.Warm = true
	all, _ := several(t, c, 2, "startup/ready")
	all[1].Contract = shopContract(t, "", "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: x}\n")
	for i := range all {
		all[i].Warm = true
	}
	for i, x := range verifyAll(t, t.Context(), all, 2) {
		if x.err != nil || !x.r.Evidence.Startup.Ready {
			t.Errorf("contract %d: missing %v (%v)", i, x.r.Evidence.Missing, x.err)
		}
	}
	if c.opened != 1 || c.closed != 1 || !strings.HasPrefix(c.stained, "storageclass/fast") || left(t, all[0]) != 0 {
		t.Errorf("opened %d, closed %d times, stained by %q, %d folders are left", c.opened, c.closed, c.stained, left(t, all[0]))
	}
}

// What could not be removed keeps the next run out of it.
func TestAWarmClusterInWhichSomethingStays(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, true)
	c.facts.Warm = true
	o, _ := options(t, c, "startup/ready")
	r := newRun(o)
	r.place.Cluster = c
	r.ledger = &ledger.Ledger{ID: "abc"}
	if got := r.stained(); got != "" {
		t.Errorf("nothing stays, and it is stained by %q", got)
	}
	r.clean.unsure()
	if got := r.stained(); got != "not all that the run made in it could be removed" {
		t.Errorf("it is stained by %q", got)
	}
}

// A warm cluster is known by its node image, as one of the run's own is.
func TestTheGroundOfAWarmCluster(t *testing.T) {
	own, warm := alike(t, true).known(t), func() Grounds {
		w := alike(t, true)
		w.o.Warm, w.cluster.facts.Warm = true, true
		return w.known(t)
	}()
	if own["cluster"] == "" || warm["cluster"] != own["cluster"] || warm["flags"] == own["flags"] {
		t.Errorf("own %q, %q; warm %q, %q", own["cluster"], own["flags"], warm["cluster"], warm["flags"])
	}
}
