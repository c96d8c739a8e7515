// Package existing uses a cluster that a kubeconfig knows. Its nodes are not podproof's to touch,
// and pull their images themselves.
package existing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/ledger"
)

// Name is the provider's, among others.
const Name = "existing"

// Provider finds clusters by the contexts of a kubeconfig.
type Provider struct{}

// Prepare connects to nothing: that is for whoever asks the cluster first. Spec.Existing is the
// name of a context.
func (Provider) Prepare(_ context.Context, s cluster.Spec) (cluster.Cluster, error) {
	config := load(s.Kubeconfig, s.Existing)
	raw, err := config.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file(s.Kubeconfig), err)
	}
	if _, there := raw.Contexts[s.Existing]; !there {
		if s.Existing == InCluster && inPod() {
			return within()
		}
		return nil, fmt.Errorf("--cluster context:%s: %w: %s %s", s.Existing, cluster.ErrGone, file(s.Kubeconfig), has(slices.Sorted(maps.Keys(raw.Contexts))))
	}
	c, err := config.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading context %s of %s: %w", s.Existing, file(s.Kubeconfig), err)
	}
	cluster.Tune(c)
	return &existing{context: s.Existing, kubeconfig: s.Kubeconfig, rest: c}, nil
}

// Reclaim is never asked: this provider makes no clusters.
func (Provider) Reclaim(context.Context, ledger.Made) error {
	return errors.New("podproof makes no clusters of this kind, and removes none")
}

// MadeOf is nothing: it makes no clusters.
func (Provider) MadeOf() string { return "" }

// Pulls tells that the nodes pull their images.
func (Provider) Pulls() bool { return true }

// Current is the name of the current context of a kubeconfig; InCluster in a pod that has none.
func Current(kubeconfig string) (string, error) {
	raw, err := load(kubeconfig, "").RawConfig()
	if err != nil {
		return "", fmt.Errorf("--cluster current: reading %s: %w", file(kubeconfig), err)
	}
	if raw.CurrentContext == "" && len(raw.Contexts) == 0 && inPod() {
		return InCluster, nil
	}
	if raw.CurrentContext == "" {
		return "", fmt.Errorf("--cluster current: %s has no current context: it %s; name one with --cluster context:NAME", file(kubeconfig), has(slices.Sorted(maps.Keys(raw.Contexts))))
	}
	return raw.CurrentContext, nil
}

// Lasting is a kubeconfig as another process, in another folder, finds it, too.
func Lasting(kubeconfig string) (string, error) {
	var out []string
	for _, f := range filepath.SplitList(cmp.Or(kubeconfig, os.Getenv(clientcmd.RecommendedConfigPathEnvVar))) {
		abs, err := filepath.Abs(f)
		if err != nil {
			return "", err
		}
		out = append(out, abs)
	}
	return strings.Join(out, string(filepath.ListSeparator)), nil
}

// load reads the files where kubectl does. A file that was named must be there.
func load(kubeconfig, name string) clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	switch files := filepath.SplitList(kubeconfig); {
	case len(files) == 1:
		rules.ExplicitPath = kubeconfig
	case len(files) > 1:
		rules.Precedence = files
	}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: name})
}

// file says where contexts were looked for.
func file(kubeconfig string) string {
	return "the kubeconfig " + cmp.Or(kubeconfig, os.Getenv(clientcmd.RecommendedConfigPathEnvVar), clientcmd.RecommendedHomeFile)
}

func has(contexts []string) string {
	if len(contexts) == 0 {
		return "has no context"
	}
	return "has " + strings.Join(contexts, ", ")
}

// existing is a cluster that stays as it is.
type existing struct {
	context, kubeconfig string
	rest                *rest.Config
	inside              bool // it is the one that podproof runs in
}

// About describes the cluster.
func (e *existing) About() cluster.Facts {
	f := cluster.Facts{Provider: Name, Name: e.context, Flag: "context:" + e.context, Kubectl: "--context " + e.context}
	if e.inside {
		f.Flag, f.Kubectl = "current", "" // whoever reads it has a context of his own
		return f
	}
	if e.kubeconfig != "" && !strings.ContainsRune(e.kubeconfig, filepath.ListSeparator) {
		f.Kubectl = "--kubeconfig " + e.kubeconfig + " " + f.Kubectl
	}
	return f
}

// Open has nothing to make.
func (e *existing) Open(context.Context) error { return nil }

// Booted has nothing to wait for.
func (e *existing) Booted(context.Context) error { return nil }

// REST is how to reach the API server.
func (e *existing) REST() *rest.Config { return e.rest }

// Images is nil: the nodes pull them.
func (e *existing) Images() cluster.Images { return nil }

// Nodes is nil: they are somebody else's.
func (e *existing) Nodes() cluster.Nodes { return nil }

// Close has nothing to remove.
func (e *existing) Close(context.Context) error { return nil }
