// Package cluster is a Kubernetes to verify in: a kind cluster of our own, or one
// that the user lends. It gets images into it and runs commands on its nodes.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kind "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"

	"podproof.dev/podproof/internal/evidence"
)

// NamePrefix begins the name of every cluster that podproof makes.
const NamePrefix = "podproof-"

// ErrNoSuchCluster is in Borrow's error when there is no such cluster.
var ErrNoSuchCluster = errors.New("no such kind cluster")

// Options say what cluster to make.
type Options struct {
	Name string
	// NodeImage is kind's node image; empty takes kind's own default, which kind pulls.
	NodeImage string
	// Kubeconfig is a file of ours that kind writes to; the user's is never touched.
	Kubeconfig string
	// CgroupV1 is set on hosts with cgroup v1, which a kubelet refuses since 1.35 unless told otherwise.
	CgroupV1 bool
	// Started and Ended are called around each of kind's own steps. Debug gets the rest of its log.
	Started func(step string)
	Ended   func(step string, took time.Duration, ok bool)
	Debug   func(text string)
}

// Kind is a cluster that kind made.
type Kind struct {
	name     string
	borrowed bool
	provider *kind.Provider
	// booted is closed when the nodes run, their containerd too: long before Kubernetes does.
	// ended is closed when Create is over.
	booted, ended chan struct{}
	endOnce       sync.Once
	// Set by Create and Borrow.
	rest *rest.Config
}

// Prepare returns a cluster that is yet to be made. It makes nothing, so that its
// removal can be arranged for first.
func Prepare(o Options) *Kind {
	k := &Kind{name: o.Name, booted: make(chan struct{}), ended: make(chan struct{})}
	k.provider = kind.NewProvider(kind.ProviderWithDocker(), kind.ProviderWithLogger(&steps{
		started: o.Started,
		debug:   o.Debug,
		ended: func(step string, took time.Duration, ok bool) {
			if ok && strings.HasPrefix(step, "Preparing nodes") {
				close(k.booted)
			}
			o.Ended(step, took, ok)
		},
	}))
	return k
}

// Create makes the cluster and returns when its control plane answers. kind's own
// Create takes no context (kind #3966), so cancellation removes the nodes under it
// until it gives up.
func (k *Kind) Create(ctx context.Context, o Options) error {
	defer k.End()
	// A network of the cluster's own can go with it. kind knows this only as a variable,
	// so it is set for the process: one process makes one cluster.
	if err := os.Setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", o.Name); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		done <- k.provider.Create(o.Name,
			kind.CreateWithV1Alpha4Config(config(o)),
			kind.CreateWithNodeImage(o.NodeImage),
			kind.CreateWithKubeconfigPath(o.Kubeconfig),
			kind.CreateWithRetain(false),
			// kind's own wait is a busy loop that steals the CPU from what it waits for.
			kind.CreateWithWaitForReady(0),
			kind.CreateWithDisplayUsage(false),
			kind.CreateWithDisplaySalutation(false),
		)
	}()
	select {
	case err := <-done:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("kind could not make the cluster: %w", explain(err))
		}
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), k.interrupt(o, done))
	}
	return k.connect()
}

// interruptWithin bounds how long a half-made cluster is fought.
const interruptWithin = 30 * time.Second

// interrupt makes a running Create fail: its next command finds no node.
func (k *Kind) interrupt(o Options, done <-chan error) error {
	retry := time.NewTicker(500 * time.Millisecond)
	defer retry.Stop()
	giveUp := time.After(interruptWithin)
	for {
		err := k.provider.Delete(o.Name, o.Kubeconfig)
		select {
		case <-done:
			return k.provider.Delete(o.Name, o.Kubeconfig)
		case <-retry.C:
			// kind may be removing it, too; both meet in the end.
		case <-giveUp:
			return fmt.Errorf("the half-made cluster %s cannot be removed: %w", o.Name, errors.Join(err, errors.New("kind's own creation does not end")))
		}
	}
}

// Borrow takes a running kind cluster, which stays when the run is over.
func Borrow(name string) (*Kind, error) {
	k := &Kind{name: name, borrowed: true, provider: kind.NewProvider(kind.ProviderWithDocker())}
	names, err := k.provider.List()
	if err != nil {
		return nil, fmt.Errorf("listing kind clusters: %w", explain(err))
	}
	for _, n := range names {
		if n == name {
			return k, k.connect()
		}
	}
	have := "there is none"
	if len(names) > 0 {
		have = "there are: " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("--cluster kind:%s: %w on this Docker engine (%s); `kind create cluster --name %s` makes it, or leave out --cluster", name, ErrNoSuchCluster, have, name)
}

func (k *Kind) connect() error {
	kubeconfig, err := k.provider.KubeConfig(k.name, false)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", k.name, explain(err))
	}
	k.rest, err = clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", k.name, err)
	}
	// client-go's default of 5 requests a second would make a dozen trials queue.
	k.rest.QPS, k.rest.Burst = 200, 400
	k.rest.UserAgent = "podproof"
	return nil
}

// Delete removes the cluster and its nodes. It is safe when they were never made.
func (k *Kind) Delete(kubeconfig string) error {
	if err := k.provider.Delete(k.name, kubeconfig); err != nil {
		return fmt.Errorf("deleting the kind cluster %s: %w", k.name, explain(err))
	}
	return nil
}

// DeleteByName removes a cluster that an earlier run made.
func DeleteByName(name string) error {
	return (&Kind{name: name, provider: kind.NewProvider(kind.ProviderWithDocker())}).Delete(os.DevNull)
}

// AwaitBoot waits, beside Create, until the nodes' containerd runs, so that images can be
// loaded while Kubernetes is still being set up.
func (k *Kind) AwaitBoot(ctx context.Context) error {
	select {
	case <-k.booted:
		return k.awaitContainerd(ctx)
	case <-k.ended:
		select {
		case <-k.booted: // both: it is complete already
			return k.awaitContainerd(ctx)
		default:
			return errors.New("the cluster's nodes did not start")
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// awaitContainerd returns when the nodes' containerd answers: `systemctl start` ends when
// the unit has said that it is ready. systemd itself may still be opening its bus.
func (k *Kind) awaitContainerd(ctx context.Context) error {
	ns, err := k.nodes()
	if err != nil {
		return err
	}
	for _, n := range ns {
		if _, err := k.Run(ctx, n.String(), "sh", "-c", "until systemctl start containerd 2>/dev/null; do sleep 0.1; done"); err != nil {
			return fmt.Errorf("waiting for containerd: %w", err)
		}
	}
	return nil
}

// End says that the cluster will not come up any more, to whoever awaits its boot.
func (k *Kind) End() { k.endOnce.Do(func() { close(k.ended) }) }

// REST is how to reach the API server. It is nil until Create has returned.
func (k *Kind) REST() *rest.Config { return k.rest }

// Name is kind's name of the cluster.
func (k *Kind) Name() string { return k.name }

// Evidence describes the cluster.
func (k *Kind) Evidence(kubernetes string) *evidence.Cluster {
	return &evidence.Cluster{Name: k.name, Provider: "kind", Kubernetes: kubernetes,
		Node: k.name + "-control-plane", Borrowed: k.borrowed}
}

// Single tells whether the cluster has one node only.
func (k *Kind) Single() bool {
	ns, err := k.nodes()
	return err == nil && len(ns) == 1
}

func (k *Kind) nodes() ([]nodes.Node, error) {
	ns, err := k.provider.ListInternalNodes(k.name)
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of cluster %s: %w", k.name, explain(err))
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("cluster %s has no nodes", k.name)
	}
	return ns, nil
}

// alone are the arguments of a control plane's component that has the API server for
// itself. One needs no leader election, and a paused cluster resumes at once without it.
// The default of 20 requests a second makes the controller manager queue for seconds
// before its controllers start, and every pod with them.
const alone = `{extraArgs: [{name: leader-elect, value: "false"}, {name: kube-api-qps, value: "1000"}, {name: kube-api-burst, value: "2000"}]}
`

// config is kind's default of one node, with what makes it start faster.
func config(o Options) *v1alpha4.Cluster {
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		KubeadmConfigPatches: []string{
			"apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n" +
				"controllerManager: " + alone + "scheduler: " + alone,
		},
	}
	if o.CgroupV1 {
		c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, "kind: KubeletConfiguration\nfailCgroupV1: false\n")
	}
	v1alpha4.SetDefaultsCluster(c)
	return c
}

// explain adds the command and the last lines of its output to an error of kind's.
func explain(err error) error {
	var run *exec.RunError
	if !errors.As(err, &run) {
		return err
	}
	out := strings.TrimSpace(string(run.Output))
	if lines := strings.Split(out, "\n"); len(lines) > 12 {
		out = strings.Join(lines[len(lines)-12:], "\n")
	}
	if out == "" {
		return fmt.Errorf("`%s`: %w", run.PrettyCommand(), run.Inner)
	}
	return fmt.Errorf("`%s`: %w:\n%s", run.PrettyCommand(), run.Inner, out)
}
