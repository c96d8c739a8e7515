package cluster

import (
	"context"
	"errors"
	"testing"
)

// played is a cluster, and the provider of it.
type played struct {
	Cluster
	Provider
	err error
}

func (p played) Prepare(context.Context, Spec) (Cluster, error) { return p, p.err }
func (played) Nodes() Nodes                                     { return struct{ Nodes }{} }
func (played) About() Facts                                     { return Facts{Name: "dev"} }

// It has no nodes, whatever it is made of, and all else.
func TestAClusterWithoutNodes(t *testing.T) {
	c, err := Nodeless(played{}).Prepare(t.Context(), Spec{})
	if err != nil || c.Nodes() != nil || c.About().Name != "dev" {
		t.Errorf("got %+v (%v)", c, err)
	}
	if c := WithoutNodes(played{}); c.Nodes() != nil {
		t.Errorf("its nodes are %v", c.Nodes())
	}
	broken := errors.New("broken")
	if c, err := Nodeless(played{err: broken}).Prepare(t.Context(), Spec{}); !errors.Is(err, broken) || c != nil {
		t.Errorf("got %v, %v", c, err)
	}
}
