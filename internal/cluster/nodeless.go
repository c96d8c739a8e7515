package cluster

import "context"

// WithoutNodes is a cluster of which podproof may touch no node, whatever it is made of: what any
// other cluster gives.
func WithoutNodes(c Cluster) Cluster { return nodeless{c} }

type nodeless struct{ Cluster }

// Nodes is nil.
func (nodeless) Nodes() Nodes { return nil }

// Nodeless is a provider of such clusters.
func Nodeless(p Provider) Provider { return nodelessProvider{p} }

type nodelessProvider struct{ Provider }

// Prepare takes the nodes off what it prepares.
func (p nodelessProvider) Prepare(ctx context.Context, s Spec) (Cluster, error) {
	c, err := p.Provider.Prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	return WithoutNodes(c), nil
}
