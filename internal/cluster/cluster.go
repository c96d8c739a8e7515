// Package cluster is a Kubernetes to verify in: what a run may ask of any. Who makes one, or finds
// one that is there, is a package below.
package cluster

import (
	"context"
	"errors"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/ledger"
)

// ErrGone is in an error when a cluster of that name is not there.
var ErrGone = errors.New("no such cluster")

// Provider makes or finds clusters of one kind.
type Provider interface {
	// Prepare returns a cluster of which nothing is made yet. The error is an ErrGone where one
	// that should be there is not.
	Prepare(ctx context.Context, s Spec) (Cluster, error)
	// Reclaim removes what a run left of a cluster that it made.
	Reclaim(ctx context.Context, left ledger.Made) error
	// MadeOf is the image of the nodes of clusters that it makes; empty where it makes none.
	MadeOf() string
	// Pulls tells that the nodes of its clusters pull every image: podproof can put none there.
	Pulls() bool
}

// Providers are those that there are, by the name that Facts.Provider has.
type Providers map[string]Provider

// Spec says which cluster is wanted.
type Spec struct {
	// Run is the run's ID.
	Run string
	// Existing is the name of one that is there, and stays; empty makes one.
	Existing string
	// Kubeconfig is where that is looked up, a file or several as in KUBECONFIG; empty is where
	// kubectl looks.
	Kubeconfig string
	// Name is that of the one to make, and Dir the run's folder, for its files.
	Name, Dir string
	// Warm takes one that an earlier run left for this, or makes one, and leaves it for the next. Such
	// are written down in ledgers of their own below Runs.
	Warm bool
	Runs string
	// Stained says, when such a one is closed, what the run may have left in it; nothing where all was taken out.
	Stained func() string
	// Waiting is told what is done, Ended the steps of it, Note what a person should know, and Debug the rest.
	Waiting, Note, Debug func(text string)
	Ended                func(step string, took time.Duration)
}

// Cluster is one that a run uses.
type Cluster interface {
	About() Facts
	// Open makes the cluster, where it is not there, and returns when its API server answers.
	Open(ctx context.Context) error
	// Booted waits, beside Open, until images can be put into the cluster, which may be long
	// before its API server answers.
	Booted(ctx context.Context) error
	// REST is how to reach the API server; nil before Open has returned.
	REST() *rest.Config
	// Images is nil where none can be put there: the kubelet pulls them; see Provider.Pulls.
	Images() Images
	// Nodes is nil where nothing can be run on a node.
	Nodes() Nodes
	// Close removes what Open made, or leaves it for the next run. It is safe when that was nothing.
	Close(ctx context.Context) error
}

// Facts describe a cluster.
type Facts struct {
	Provider, Name string
	// Flag is what --cluster says of it: "kind:dev".
	Flag string
	// Owned tells that podproof made it, for its runs alone: what belongs to all of it may be applied.
	Owned bool
	// Warm tells that one of podproof's own is left for the next run.
	Warm bool
	// Kubectl are the flags with which kubectl reaches it.
	Kubectl string
}

// Stays tells that it is there when the run is over, so that what the run puts into it is taken out.
func (f Facts) Stays() bool { return f.Warm || !f.Owned }

// Images puts images into a cluster.
type Images interface {
	// Has tells whether every node has the image under the name, and gives it to pods.
	Has(ctx context.Context, ref string) (bool, error)
	// Name is the name under which pods are given the image once it is put there: ref, where
	// nothing speaks against it.
	Name(ctx context.Context, img v1.Image, ref string) (string, error)
	// Load puts an image onto every node under the name.
	Load(ctx context.Context, img v1.Image, ref string) (Loaded, error)
	// Unload takes names off the nodes again, and the images with them that have no other.
	Unload(ctx context.Context, refs ...string) error
}

// Loaded says what loading an image took.
type Loaded struct {
	Sent   int   // layers sent
	Reused int   // layers that the node had
	Bytes  int64 // of the layers sent, uncompressed
}

// Nodes are asked by podproof's own agent on them (internal/agent/node).
type Nodes interface {
	// List are their names, one with the control plane first.
	List(ctx context.Context) ([]string, error)
	// Install puts podproof's program on each node, for Run and Stream; Remove takes it away again.
	Install(ctx context.Context, program string) error
	Remove(ctx context.Context) error
	// Run returns what the agent prints.
	Run(ctx context.Context, node, op string, args ...string) ([]byte, error)
	// Stream writes what it prints as it comes. Its input stays open until the context ends, by
	// which it knows to end, too.
	Stream(ctx context.Context, node string, out io.Writer, op string, args ...string) error
}
