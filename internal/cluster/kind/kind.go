// Package kind makes kind clusters, and uses those that are there (sigs.k8s.io/kind).
package kind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kind "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/exec"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

// Name is the provider's, among others.
const Name = "kind"

// nodeLabel is what kind labels the containers of a cluster's nodes with
// (kind, pkg/cluster/internal/providers/docker/constants.go).
const nodeLabel = "io.x-k8s.kind.cluster"

// Provider makes kind clusters on the Docker engine, and finds them.
type Provider struct {
	// NodeImage is kind's node image; empty takes kind's own default, which kind pulls.
	NodeImage string
}

// Prepare returns the cluster that is there, or one that is yet to be made.
func (p Provider) Prepare(_ context.Context, s cluster.Spec) (cluster.Cluster, error) {
	switch {
	case s.Existing != "":
		return find(s)
	case s.Warm:
		return newWarm(p.NodeImage, s), nil
	}
	return newKind(p.NodeImage, s), nil
}

// Reclaim removes a cluster that an earlier run made, with its network.
func (p Provider) Reclaim(ctx context.Context, left ledger.Made) error {
	return (&Kind{name: left.Cluster, owned: true, kubeconfig: os.DevNull, provider: kind.NewProvider(kind.ProviderWithDocker())}).Close(ctx)
}

// MadeOf is the image of the nodes that it makes.
func (p Provider) MadeOf() string { return cmp.Or(p.NodeImage, defaults.Image) }

// Pulls tells that images are put onto the nodes.
func (p Provider) Pulls() bool { return false }

// Kind is a cluster that kind made.
type Kind struct {
	name       string
	run        string // the ID of the run that uses it
	owned      bool
	stays      bool // for further runs
	used       bool // by runs before this one
	nodeImage  string
	kubeconfig string // a file of ours that kind writes to; the user's is never touched
	debug      func(string)
	provider   *kind.Provider
	// ended is closed when Open is over.
	ended chan struct{}
	// Set by Open, and where the cluster was there.
	rest *rest.Config

	mu     sync.Mutex
	agents map[string]*line // by node

	listing sync.Mutex
	whole   bool // all nodes are there, and are listed once
	listed  []nodes.Node
}

var _ cluster.Cluster = (*Kind)(nil)

func newKind(nodeImage string, s cluster.Spec) *Kind {
	return &Kind{name: s.Name, run: s.Run, owned: true, nodeImage: nodeImage, kubeconfig: filepath.Join(s.Dir, "kubeconfig"), debug: s.Debug, ended: make(chan struct{}),
		provider: kind.NewProvider(kind.ProviderWithDocker(), kind.ProviderWithLogger(&steps{
			started: func(step string) { s.Waiting("kind: " + step) },
			ended:   func(step string, took time.Duration, _ bool) { s.Ended("kind: "+step, took) },
			debug:   s.Debug,
		}))}
}

// find takes a running kind cluster, which stays when the run is over.
func find(s cluster.Spec) (*Kind, error) {
	name := s.Existing
	k := &Kind{name: name, run: s.Run, provider: kind.NewProvider(kind.ProviderWithDocker())}
	names, err := k.provider.List()
	if err != nil {
		return nil, fmt.Errorf("listing kind clusters: %w", explain(err))
	}
	if slices.Contains(names, name) {
		return k, k.connect()
	}
	have := "there is none"
	if len(names) > 0 {
		have = "there are: " + strings.Join(names, ", ")
	}
	return nil, fmt.Errorf("--cluster kind:%s: %w on this Docker engine (%s); `kind create cluster --name %s` makes it, or leave out --cluster", name, cluster.ErrGone, have, name)
}

// About describes the cluster.
func (k *Kind) About() cluster.Facts {
	f := cluster.Facts{Provider: Name, Name: k.name, Flag: Name + ":" + k.name, Owned: k.owned, Warm: k.stays, Kubectl: "--context kind-" + k.name}
	if k.owned {
		f.Flag, f.Kubectl = Name, "--kubeconfig "+k.kubeconfig
	}
	return f
}

// Open makes the cluster. kind's own Create takes no context (kind #3966), so cancellation
// removes the nodes under it until it gives up.
func (k *Kind) Open(ctx context.Context) error {
	if !k.owned {
		return nil
	}
	defer close(k.ended)
	engine, err := docker.Connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	info, err := engine.Info(ctx)
	if err != nil {
		return err
	}
	if info.CgroupVersion == "1" {
		k.debug("this host has cgroup v1, so the kubelet is told failCgroupV1: false")
	}
	// A network of the cluster's own can go with it. kind knows this only as a variable,
	// so it is set for the process: one process makes one cluster.
	if err := os.Setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", k.name); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		done <- k.provider.Create(k.name,
			kind.CreateWithV1Alpha4Config(config(info.CgroupVersion == "1", k.stays)),
			kind.CreateWithNodeImage(k.nodeImage),
			kind.CreateWithKubeconfigPath(k.kubeconfig),
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
		return errors.Join(context.Cause(ctx), k.interrupt(done))
	}
	return k.connect()
}

// interruptWithin bounds how long a half-made cluster is fought.
const interruptWithin = 30 * time.Second

// interrupt makes a running Create fail: its next command finds no node.
func (k *Kind) interrupt(done <-chan error) error {
	retry := time.NewTicker(500 * time.Millisecond)
	defer retry.Stop()
	giveUp := time.After(interruptWithin)
	for {
		err := k.provider.Delete(k.name, k.kubeconfig)
		select {
		case <-done:
			return k.provider.Delete(k.name, k.kubeconfig)
		case <-retry.C:
			// kind may be removing it, too; both meet in the end.
		case <-giveUp:
			return fmt.Errorf("the half-made cluster %s cannot be removed: %w", k.name, errors.Join(err, errors.New("kind's own creation does not end")))
		}
	}
}

func (k *Kind) connect() error {
	kubeconfig, err := k.provider.KubeConfig(k.name, false)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", k.name, explain(err))
	}
	return k.connectBy([]byte(kubeconfig))
}

func (k *Kind) connectBy(kubeconfig []byte) (err error) {
	if k.rest, err = clientcmd.RESTConfigFromKubeConfig(kubeconfig); err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", k.name, err)
	}
	cluster.Tune(k.rest)
	k.listing.Lock()
	defer k.listing.Unlock()
	k.whole = true
	return nil
}

// forget is for a cluster that is made anew.
func (k *Kind) forget() {
	k.listing.Lock()
	defer k.listing.Unlock()
	k.rest, k.whole, k.listed = nil, false, nil
}

// Close removes the cluster with its nodes and its network, where it was made for the run.
func (k *Kind) Close(ctx context.Context) error {
	if !k.owned {
		return nil
	}
	k.hangUp()
	if err := k.provider.Delete(k.name, k.kubeconfig); err != nil {
		return fmt.Errorf("deleting the kind cluster %s: %w", k.name, explain(err))
	}
	engine, err := docker.Connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	return engine.RemoveNetwork(ctx, k.name)
}

// Booted waits until the node's containerd runs, so that images can be loaded while Kubernetes
// is still being set up.
func (k *Kind) Booted(ctx context.Context) error {
	if !k.owned {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-k.ended:
			if k.rest == nil {
				cancel(errors.New("the cluster's nodes did not start"))
			}
		case <-ctx.Done():
		}
	}()
	engine, err := docker.Connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := engine.AwaitStarted(ctx, nodeLabel+"="+k.name); err != nil {
		return err
	}
	ns, err := k.List(ctx)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if err := k.awaitContainerd(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// awaitContainerd returns when a node's containerd answers: `systemctl start` ends when the unit
// has said that it is ready. systemd itself may still be opening its bus, and has nothing that
// could be watched before.
func (k *Kind) awaitContainerd(ctx context.Context, node string) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := k.command(ctx, node, nil, "systemctl", "start", "containerd")
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for containerd on node %s: %w; last seen: %w", node, context.Cause(ctx), err)
		}
	}
}

// REST is how to reach the API server. It is nil until Open has returned.
func (k *Kind) REST() *rest.Config { return k.rest }

// Images are those of the nodes' containerd.
func (k *Kind) Images() cluster.Images { return k }

// Nodes are containers of the engine's.
func (k *Kind) Nodes() cluster.Nodes { return k }

// List are the nodes' names, the control plane first.
func (k *Kind) List(context.Context) ([]string, error) {
	ns, err := k.nodes()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(ns))
	for _, n := range ns {
		names = append(names, n.String())
	}
	control := k.name + "-control-plane"
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(-cmp.Compare(fmt.Sprint(strings.HasPrefix(a, control)), fmt.Sprint(strings.HasPrefix(b, control))), cmp.Compare(a, b))
	})
	return names, nil
}

// nodes asks Docker, which takes two commands and more, until all of them are there.
func (k *Kind) nodes() ([]nodes.Node, error) {
	k.listing.Lock()
	defer k.listing.Unlock()
	if len(k.listed) > 0 {
		return k.listed, nil
	}
	ns, err := k.provider.ListInternalNodes(k.name)
	if err != nil {
		return nil, fmt.Errorf("listing the nodes of cluster %s: %w", k.name, explain(err))
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("cluster %s has no nodes", k.name)
	}
	if k.whole {
		k.listed = ns
	}
	return ns, nil
}

// alone are the arguments of a control plane's component that has the API server for
// itself. One needs no leader election, and a paused cluster resumes at once without it: there
// is no lease that it would have lost.
// The default of 20 requests a second makes the controller manager queue for seconds
// before its controllers start, and every pod with them.
const alone = `{name: leader-elect, value: "false"}, {name: kube-api-qps, value: "1000"}, {name: kube-api-burst, value: "2000"}`

// Of a node that was paused the controller manager has heard nothing for hours, and would take it for lost before
// the kubelet, which resumes at the same moment, has said a word. The kubelet itself takes its runtime for dead
// until it has asked it once more, and says so: with a status each second that is over in one. Its heartbeat
// is reported more often than the shortest of these waits of its own (30 s, pkg/kubelet/runtime.go), so that one from
// before a pause is never taken for one from after it.
const (
	sleeps          = `, {name: node-monitor-grace-period, value: "240h"}`
	heartbeats      = 20 * time.Second
	heartbeatConfig = "nodeStatusUpdateFrequency: 1s\nnodeStatusReportFrequency: 20s\n"
)

// podPidsLimit bounds the processes and threads of one pod, so that a fork bomb under test ends
// itself and not the host.
const podPidsLimit = 4096

// config is kind's default of one node, with what makes it start faster, and resume where it is paused in
// between. A kubelet refuses cgroup v1 since 1.35 unless it is set.
func config(cgroupV1, warm bool) *v1alpha4.Cluster {
	manager := alone
	if warm {
		manager += sleeps
	}
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		KubeadmConfigPatches: []string{
			"apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n" +
				"controllerManager: {extraArgs: [" + manager + "]}\nscheduler: {extraArgs: [" + alone + "]}\n",
		},
	}
	kubelet := fmt.Sprintf("kind: KubeletConfiguration\npodPidsLimit: %d\n", podPidsLimit)
	if cgroupV1 {
		kubelet += "failCgroupV1: false\n"
	}
	if warm {
		kubelet += heartbeatConfig
	}
	c.KubeadmConfigPatches = append(c.KubeadmConfigPatches, kubelet)
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
	if c := run.Command; len(c) == 3 && c[1] == "pull" {
		return &noNodeImage{image: c[2], said: out, inner: run.Inner}
	}
	if out == "" {
		return fmt.Errorf("`%s`: %w", run.PrettyCommand(), run.Inner)
	}
	return fmt.Errorf("`%s`: %w:\n%s", run.PrettyCommand(), run.Inner, out)
}

// noNodeImage is for a node image that the engine has not and no registry gives, as where none is reachable.
type noNodeImage struct {
	image, said string
	inner       error
}

func (e *noNodeImage) Unwrap() error { return e.inner }

func (e *noNodeImage) Error() string {
	return fmt.Sprintf("the Docker engine has no node image %s, and cannot pull it; name one that it has, or that a registry within reach has, with --node-image or PODPROOF_NODE_IMAGE, or load it (docker load):\n%s", e.image, e.said)
}
