//go:build e2e && nodes

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"

	"podproof.dev/podproof/internal/cluster/kind"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/ledger"
)

const (
	// strictAccount is who podproof is in such a cluster, and auditLog is where its API server writes
	// down what that asks for.
	strictAccount = "system:serviceaccount:strict:podproof"
	auditLog      = "/var/log/audit/audit.log"
	auditDir      = "/etc/kubernetes/audit"
)

// auditPolicy is for podproof alone, from outside and as a Job.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
  "rules": [{"level": "Metadata", "users": ["` + strictAccount + `", "` + jobAccount + `"]}, {"level": "None"}]}`

// auditing has the API server write that log, and lets one control plane be alone.
const auditing = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
controllerManager: {extraArgs: [{name: leader-elect, value: "false"}]}
scheduler: {extraArgs: [{name: leader-elect, value: "false"}]}
apiServer:
  extraArgs: [{name: audit-policy-file, value: ` + auditDir + `/policy.yaml}, {name: audit-log-path, value: ` + auditLog + `}]
  extraVolumes:
  - {name: audit-policy, hostPath: ` + auditDir + `, mountPath: ` + auditDir + `, readOnly: true, pathType: Directory}
  - {name: audit-log, hostPath: /var/log/audit, mountPath: /var/log/audit, pathType: DirectoryOrCreate}
`

// threeNodes are the names of the three nodes. The last one takes only pods that tolerate its taint.
var threeNodes = []string{sharedCluster + "-control-plane", sharedCluster + "-worker", sharedCluster + "-worker2"}

// lendThreeNodes lends a cluster of three nodes, of which one is for others, with a registry that asks
// for a password.
func lendThreeNodes(t *testing.T) somebodysCluster {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	kubelet := "kind: KubeletConfiguration\n"
	if cgroupV1(t) { // a kubelet refuses it since 1.35
		kubelet += "failCgroupV1: false\n"
	}
	config := &v1alpha4.Cluster{TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Nodes: []v1alpha4.Node{
			{Role: v1alpha4.ControlPlaneRole, ExtraMounts: []v1alpha4.Mount{{HostPath: policy, ContainerPath: auditDir + "/policy.yaml", Readonly: true}}},
			{Role: v1alpha4.WorkerRole}, {Role: v1alpha4.WorkerRole}},
		KubeadmConfigPatches: []string{auditing, kubelet}}
	v1alpha4.SetDefaultsCluster(config)
	t.Setenv("KIND_EXPERIMENTAL_DOCKER_NETWORK", sharedCluster)
	t.Cleanup(func() {
		if err := (kind.Provider{}).Reclaim(context.Background(), ledger.Made{Cluster: sharedCluster}); err != nil {
			t.Error(err)
		}
	})
	err := kindcluster.NewProvider(kindcluster.ProviderWithDocker()).Create(sharedCluster, kindcluster.CreateWithV1Alpha4Config(config), kindcluster.CreateWithNodeImage(os.Getenv("PODPROOF_NODE_IMAGE")),
		kindcluster.CreateWithKubeconfigPath(filepath.Join(t.TempDir(), "kubeconfig")), kindcluster.CreateWithWaitForReady(0), kindcluster.CreateWithDisplayUsage(false), kindcluster.CreateWithDisplaySalutation(false))
	if run := (*exec.RunError)(nil); errors.As(err, &run) {
		t.Fatalf("%v:\n%s", err, run.Output)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := withRegistry(t, authn.AuthConfig{Username: "shop", Password: "for-tests-only"}, threeNodes...)
	c.connectNodes()
	c.kubectl("", "taint", "node", threeNodes[0], "node-role.kubernetes.io/control-plane:NoSchedule-")
	c.kubectl("", "taint", "node", threeNodes[2], "dedicated=others:NoSchedule")
	c.kubectl("", "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=3m")
	c.kubectl("", "rollout", "status", "-n", "kube-system", "daemonset/kube-proxy", "--timeout=3m")
	c.kubectl("", "rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=3m")
	return c
}

func cgroupV1(t *testing.T) bool {
	t.Helper()
	engine, err := docker.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.CgroupVersion == "1"
}

// staticNetwork is the pod network of a node image for clusters of one node (hack/README.md).
const staticNetwork = "/etc/cni/net.d/10-pod-network.conflist"

// isStatic tells that the nodes have that one, and not kind's own.
func (c somebodysCluster) isStatic() bool {
	return c.onNode(threeNodes[0], "", "find", "/etc/cni/net.d", "-path", staticNetwork) != ""
}

// connectNodes gives each node pod addresses of its own, and a way to those of the others, as kind's
// own network does by itself.
func (c somebodysCluster) connectNodes() {
	c.t.Helper()
	if !c.isStatic() {
		return
	}
	const fields = `{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}`
	var nodes [][]string
	for line := range strings.Lines(c.kubectl("", "get", "nodes", "-o", "jsonpath="+fields)) {
		if f := strings.Fields(line); len(f) == 3 {
			nodes = append(nodes, f)
		}
	}
	if len(nodes) != len(threeNodes) {
		c.t.Fatalf("the nodes are %v", nodes)
	}
	for _, n := range nodes {
		name, pods := n[0], n[1]
		network := c.onNode(name, "", "cat", staticNetwork)
		network = strings.NewReplacer("10.244.0.0/24", pods, `"ipMasq": true`, `"ipMasq": false`).Replace(network)
		c.onNode(name, network, "dd", "status=none", "of="+staticNetwork)
		c.onNode(name, fmt.Sprintf("table ip pods {\nchain out { type nat hook postrouting priority srcnat; ip saddr %s ip daddr != 10.244.0.0/16 masquerade; }\n}\n", pods), "nft", "-f", "-")
		for _, other := range nodes {
			if other[0] != name {
				c.onNode(name, "", "ip", "route", "replace", other[1], "via", other[2])
			}
		}
		// What came before has an address of another node.
		for _, label := range []string{"k8s-app=kube-dns", "app=local-path-provisioner"} {
			if name != threeNodes[0] {
				c.kubectl("", "delete", "pods", "-A", "-l", label, "--field-selector", "spec.nodeName="+name, "--now", "--ignore-not-found")
			}
		}
	}
}
