package pipeline

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

func connect(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// Clean removes what it is asked to, and leaves a cluster that a run which is under way uses.
func TestCleanRemovesWhatItIsAskedTo(t *testing.T) {
	newEngine(t)
	root := t.TempDir()
	run := func(made ledger.Made, ends bool) *ledger.Ledger {
		t.Helper()
		l, err := ledger.New(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Record(func(m *ledger.Made) { *m = made }); err != nil {
			t.Fatal(err)
		}
		if ends {
			if err := l.Release(true); err != nil {
				t.Fatal(err)
			}
		}
		return l
	}
	used, other := run(ledger.Made{Cluster: "podproof-used"}, true), run(ledger.Made{Cluster: "podproof-other", Kept: true}, true)
	user := run(ledger.Made{Provider: "fake", Existing: "podproof-used"}, false)
	c := newCluster(t, true)
	var said []string
	clean := func(only ...string) error {
		said = nil
		return Clean(t.Context(), root, connect(t), c.alone(), only, func(s string) { said = append(said, s) })
	}
	if err := clean("nobody"); err == nil || !strings.Contains(err.Error(), "there is nothing of a run nobody that has ended") || len(c.reclaimed)+len(said) > 0 {
		t.Errorf("reclaimed were %+v, said %q (%v)", c.reclaimed, said, err)
	}
	if err := clean(used.ID); err != nil || len(c.reclaimed) > 0 || !slices.Equal(said, []string{"Kept the kind cluster podproof-used of run " + used.ID + ": run " + user.ID + " is using it"}) {
		t.Errorf("reclaimed were %+v, said %q (%v)", c.reclaimed, said, err)
	}
	if err := clean(other.ID); err != nil || len(c.reclaimed) != 1 || c.reclaimed[0].Cluster != "podproof-other" || len(said) != 2 || said[0] != "Removing what run "+other.ID+" left: the kind cluster podproof-other" {
		t.Errorf("reclaimed were %+v, said %q (%v)", c.reclaimed, said, err)
	}
	if err := user.Release(false); err != nil {
		t.Fatal(err)
	}
	if err := clean(); err != nil || len(c.reclaimed) != 2 {
		t.Errorf("reclaimed were %+v, said %q (%v)", c.reclaimed, said, err)
	}
}

func TestSweepOfAClusterThatIsThere(t *testing.T) {
	newEngine(t)
	c := newCluster(t, false)
	left := ledger.Made{Provider: "fake", Existing: "fake-1", Namespaces: []string{"podproof-x", "podproof-x-outage"}, Images: []string{"a:1", "b:1"}}
	for _, ns := range []string{"podproof-x", "podproof-x-outage", "mine"} {
		c.api.put("ADDED", "/api/v1/namespaces/"+ns, c.api.parse(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+ns+`","labels":{"podproof.dev/run":"x"}}}`))
	}
	what, err := sweep(t.Context(), "x", left, connect(t), c.alone())
	if err != nil || !strings.HasSuffix(what, "with 2 images") || c.spec.Run != "x" || c.spec.Existing != "fake-1" {
		t.Errorf("removed %s (%v)", what, err)
	}
	if got := c.api.changes("DELETE"); !slices.Contains(got, "/api/v1/namespaces/podproof-x") || !slices.Contains(got, "/api/v1/namespaces/podproof-x-outage") || slices.Contains(got, "/api/v1/namespaces/mine") {
		t.Errorf("deleted were %q", got)
	}
	if c.nodes.removed != 1 || !slices.Equal(c.unloaded, left.Images) {
		t.Errorf("podproof was removed %d times from the nodes, unloaded were %q", c.nodes.removed, c.unloaded)
	}
	c.nodes, c.unloaded = nil, nil
	if _, err := sweep(t.Context(), "x", ledger.Made{Provider: "fake", Existing: "fake-1"}, connect(t), c.alone()); err != nil || len(c.unloaded) > 0 {
		t.Errorf("unloaded were %q (%v)", c.unloaded, err)
	}
	c.gone = true
	if what, err := sweep(t.Context(), "x", left, connect(t), c.alone()); err != nil || what != "its files; the cluster that it used is gone" {
		t.Errorf("removed %s (%v)", what, err)
	}
	if what, err := sweep(t.Context(), "x", ledger.Made{}, connect(t), c.alone()); err != nil || what != "its files" {
		t.Errorf("removed %s (%v)", what, err)
	}
	c.gone, c.lost = false, fmt.Errorf("reading the kubeconfig /none: %w", fs.ErrNotExist)
	inside := ledger.Made{Provider: "fake", Existing: "fake-1", Kubeconfig: "/none", Inside: "mine"}
	if what, err := sweep(t.Context(), "x", inside, connect(t), c.alone()); err != nil || !strings.Contains(what, "the kubeconfig /none is gone") || !strings.Contains(what, "namespace mine") || !strings.Contains(what, "`podproof clean --cluster … x`") {
		t.Errorf("removed %s (%v)", what, err)
	}
	c.lost = nil
	c.api.put("ADDED", "/api/v1/namespaces/theirs", c.api.parse(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"theirs"}}`))
	if _, err := sweep(t.Context(), "x", ledger.Made{Provider: "fake", Existing: "fake-1", Namespaces: []string{"theirs"}}, connect(t), c.alone()); err == nil || slices.Contains(c.api.changes("DELETE"), "/api/v1/namespaces/theirs") {
		t.Errorf("a namespace that is not the run's: %v", err)
	}
}
