package pipeline

import (
	"slices"
	"testing"
)

// Each node learns by itself that a dependency is reached, and each tells what of the machine it uses.
func TestARunOnSeveralNodes(t *testing.T) {
	newEngine(t, "shop/api:1.0", "postgres:16")
	c := newCluster(t, false)
	c.nodes.others = []string{"worker2", "worker3"}
	o, _ := options(t, c, "startup/ready")
	o.Existing = "fake-1"
	r, err := Verify(t.Context(), o)
	if err != nil || !r.Evidence.Startup.Ready {
		t.Fatalf("missing: %v (%v)", r.Evidence.Missing, err)
	}
	for _, node := range []string{"worker", "worker2", "worker3"} {
		if !slices.Contains(c.nodes.connected, node) || !slices.Contains(c.nodes.streamed, node+" pressure") {
			t.Errorf("%s was not asked: connected %q, streamed %q", node, c.nodes.connected, c.nodes.streamed)
		}
	}
}
