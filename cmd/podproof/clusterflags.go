package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/cluster/kind"
	"podproof.dev/podproof/internal/pipeline"
)

// clusterFlags say in which cluster something is done.
type clusterFlags struct {
	cluster, kubeconfig, namespace string
	shared, open                   bool
	agentImage                     string
}

func (f *clusterFlags) add(c *cobra.Command) {
	f.addWhere(c)
	fl := c.Flags()
	fl.BoolVar(&f.shared, "shared-namespace", false, "use --namespace although pods of others run there")
	fl.BoolVar(&f.open, "open-network", false, "let the run's pods talk to each other where network policies of --namespace deny it, by a policy of podproof's own")
	fl.StringVar(&f.agentImage, "agent-image", os.Getenv("PODPROOF_AGENT_IMAGE"), "podproof's own `IMAGE`, as the nodes of a cluster of the kubeconfig pull it (default: the one published with this version; from PODPROOF_AGENT_IMAGE)")
}

// addWhere adds those that only say where.
func (f *clusterFlags) addWhere(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.cluster, "cluster", cmp.Or(os.Getenv(clusterVariable), kind.Name), "use this `CLUSTER`: kind makes one; warm is one of kind's that an earlier run left paused, or made, and is left for the next; kind:NAME is one that runs already, current or context:NAME one that the kubeconfig knows, and current in a pod without one its own (also from "+clusterVariable+")")
	fl.StringVar(&f.kubeconfig, "kubeconfig", "", "look for the cluster in this `FILE` (default: where kubectl looks)")
	fl.StringVarP(&f.namespace, "namespace", "n", "", "use this `NAMESPACE`, which is there, and leave it as it was (default: podproof makes its own; in a pod, the pod's)")
	complete(c, "cluster", []string{"kind\tmake a kind cluster", "warm\tone that waits for its next run", "kind:\tone that runs already", "current\tthe kubeconfig's current context", "context:\tanother context"})
}

// providers are all kinds of clusters. The node image is for those that kind makes.
func providers(nodeImage string) cluster.Providers {
	return cluster.Providers{kind.Name: kind.Provider{NodeImage: nodeImage}, existing.Name: existing.Provider{}}
}

// clusterVariable is where the cluster comes from that no flag names.
const clusterVariable = "PODPROOF_CLUSTER"

// warm is a cluster of kind's that is kept, paused, for the next run.
const warm = "warm"

// into writes what the flags say.
func (f *clusterFlags) into(o *pipeline.Options) error {
	o.Namespace, o.Shared, o.OpenNetwork = f.namespace, f.shared, f.open
	if f.cluster == warm {
		o.Provider, o.Warm = kind.Name, true
		return f.ofKind()
	}
	if name, isKind := strings.CutPrefix(f.cluster, kind.Name+":"); f.cluster == kind.Name || isKind && name != "" {
		o.Provider, o.Existing = kind.Name, name
		if !isKind {
			o.Existing = ""
		}
		return f.ofKind()
	}
	if err := f.ofKubeconfig(o); err != nil {
		return err
	}
	if o.Existing == existing.InCluster && f.namespace == "" { // what a pod may do, it mostly may there alone
		ns, err := existing.Namespace()
		if err != nil {
			return err
		}
		f.namespace, o.Namespace = ns, ns
	}
	if o.AgentImage = f.agentImage; o.AgentImage == "" {
		o.AgentImage = published()
	}
	if strings.HasPrefix(f.namespace, "kube-") {
		return fmt.Errorf("--namespace %s is one of Kubernetes' own: take one for podproof alone", f.namespace)
	}
	for flag, given := range map[string]bool{"shared-namespace": f.shared, "open-network": f.open} {
		if given && f.namespace == "" {
			return fmt.Errorf("--%s is about --namespace NAMESPACE, which is not given", flag)
		}
	}
	return nil
}

// ofKind refuses what only clusters of a kubeconfig have.
func (f *clusterFlags) ofKind() error {
	for flag, given := range map[string]bool{"kubeconfig": f.kubeconfig != "", "namespace": f.namespace != "", "shared-namespace": f.shared, "open-network": f.open} {
		if given {
			return fmt.Errorf("--%s is for --cluster current or context:NAME; with --cluster %s podproof makes its own namespaces, and reads no kubeconfig", flag, f.cluster)
		}
	}
	return nil
}

// ofKubeconfig finds the context.
func (f *clusterFlags) ofKubeconfig(o *pipeline.Options) (err error) {
	name, named := strings.CutPrefix(f.cluster, "context:")
	switch {
	case f.cluster == "current":
		if name, err = existing.Current(f.kubeconfig); err != nil {
			return err
		}
	case !named || name == "":
		return fmt.Errorf("--cluster %q: write kind to make a cluster, warm to use one again, kind:NAME to use a running one of kind's, and current or context:NAME for one that the kubeconfig knows", f.cluster)
	}
	o.Provider, o.Existing = existing.Name, name
	o.Kubeconfig, err = existing.Lasting(f.kubeconfig)
	return err
}

// repository is where podproof's own image is published; a build may set another.
var repository = "podproof.dev/podproof"

// published is podproof's own image at this version; empty where there is none, as of a build
// that is no release.
func published() string {
	if v := version(); released.MatchString(v) {
		return repository + ":" + v
	}
	return ""
}

var released = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
