//go:build e2e

package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// strict is a namespace as a platform team makes one: the level restricted is enforced, a quota counts
// limits, a LimitRange has a minimum and a ratio, and each pod gets a sidecar.
const strict = `{apiVersion: v1, kind: Namespace, metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: podproof, namespace: strict}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: strict}, spec: {hard: {limits.cpu: "20", limits.memory: 4Gi, requests.cpu: "3", requests.memory: 2Gi, pods: "20"}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: strict}, spec: {limits: [{type: Container, min: {memory: 32Mi, cpu: 20m}, default: {cpu: "1", memory: 128Mi}, defaultRequest: {cpu: 20m, memory: 32Mi}, maxLimitRequestRatio: {memory: "16"}}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: sidecar}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: strict}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: none-yet, expression: "!object.spec.containers.exists(c, c.name == 'mesh')"}]
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >
        [JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "mesh", image: "AGENT", args: ["agent", "serve"],
          securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65532,
            capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}, seccompProfile: Object.spec.containers.securityContext.seccompProfile{type: "RuntimeDefault"}}}}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: sidecar}, spec: {policyName: sidecar}}
`

// everything is all that a user sees in a cluster.
const everything = "all,configmaps,secrets,serviceaccounts,persistentvolumeclaims,networkpolicies,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings"

// somebodysCluster is one whose nodes pull from a registry of the test's, and kubectl in it.
type somebodysCluster struct {
	t        *testing.T
	registry string
}

func (c somebodysCluster) kubectl(stdin string, args ...string) string {
	c.t.Helper()
	x := exec.Command("docker", append([]string{"exec", "-i", sharedCluster + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
	x.Stdin = strings.NewReader(stdin)
	out, err := x.CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// docker runs a command of the engine's.
func (c somebodysCluster) docker(stdin string, args ...string) string {
	c.t.Helper()
	x := exec.Command("docker", args...)
	x.Stdin = strings.NewReader(stdin)
	out, err := x.Output()
	if err != nil {
		c.t.Fatalf("docker %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// lendWithRegistry lends a cluster that pulls from a registry, which has one name everywhere: on the
// host it is there, and on the node containerd is told the way (containerd, docs/hosts.md).
func lendWithRegistry(t *testing.T) somebodysCluster {
	t.Helper()
	lend(t)
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	c := somebodysCluster{t, fmt.Sprintf("localhost:%d", port)}
	gateway := c.docker("", "network", "inspect", sharedCluster, "--format", "{{range .IPAM.Config}}{{.Gateway}}\n{{end}}")
	for _, g := range strings.Fields(gateway) {
		if ip := net.ParseIP(g); ip != nil && ip.To4() != nil {
			gateway = g
		}
	}
	hosts := fmt.Sprintf("[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", net.JoinHostPort(gateway, fmt.Sprint(port)))
	dir := "/etc/containerd/certs.d/" + c.registry
	c.docker("", "exec", sharedCluster+"-control-plane", "mkdir", "-p", dir)
	c.docker(hosts, "exec", "-i", sharedCluster+"-control-plane", "dd", "status=none", "of="+dir+"/hosts.toml")
	return c
}

// push puts an image of the engine's into the registry, and returns its name there.
func (c somebodysCluster) push(image, as string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "image.tar")
	c.docker("", "save", "-o", file, image)
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	ref := c.registry + "/" + as
	to, err := name.ParseReference(ref)
	if err == nil {
		err = remote.Write(to, img)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return ref
}

// kubeconfig is that of a service account.
func (c somebodysCluster) kubeconfig(namespace, account string) string {
	c.t.Helper()
	raw := c.docker("", "exec", sharedCluster+"-control-plane", "cat", "/etc/kubernetes/admin.conf")
	field := func(key string) string {
		_, rest, _ := strings.Cut(raw, key+": ")
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	address := c.docker("", "port", sharedCluster+"-control-plane", "6443/tcp")
	address, _, _ = strings.Cut(address, "\n")
	token := c.kubectl("", "create", "token", account, "-n", namespace, "--duration=1h")
	file := filepath.Join(c.t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: strict\nclusters: [{name: c, cluster: {server: \"https://%s\", certificate-authority-data: %s}}]\ncontexts: [{name: strict, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: %s}}]\n",
		address, field("certificate-authority-data"), token)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

// In a namespace of somebody else's cluster, with the rights that podproof prints and no others, a good
// image passes, what is live is refused, and all is as it was afterwards.
func TestANamespaceOfSomebodyElsesCluster(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	c := lendWithRegistry(t)
	agent := c.registry + "/podproof:e2e"
	podproof(t, nil, "agent", "push", agent).want(t, exitPass, c.registry+"/podproof@sha256:")
	c.kubectl(strings.ReplaceAll(strict, "AGENT", agent), "apply", "-f", "-")
	// What a run in one namespace cannot try: outages have namespaces of their own.
	only := "startup/ready,health/answers,probes/declared,termination/exit-zero,termination/requests-in-flight,rollout/*,config/missing-env-fails,security/restricted,image/*"
	roles := podproof(t, nil, "rbac", "--only", only, "-n", "strict", "--service-account", "strict/podproof")
	roles.want(t, exitPass, "kind: Role")
	c.kubectl(roles.stdout, "apply", "-f", "-")
	kubeconfig := c.kubeconfig("strict", "podproof")
	verify := func(image string, more ...string) finished {
		t.Helper()
		return podproof(t, []string{"PODPROOF_SET_IMAGE="}, append([]string{"verify", "--cluster", "current", "--kubeconfig", kubeconfig, "-n", "strict", "--agent-image", agent,
			"--set-image", "postgres:16-alpine=" + c.push(os.Getenv("POSTGRES_IMAGE"), "postgres:16"), "--only", only, image}, more...)...)
	}
	look := func() string { return c.kubectl("", "get", everything, "-A", "-o", "name") }
	good := c.push("reactbin-api-prod:latest", "reactbin:1")
	before := look()
	t.Run("a good image", func(t *testing.T) {
		c.t = t
		verify(good).want(t, exitPass, "container mesh is injected", "All checks that were run passed")
	})
	t.Run("a bad image", func(t *testing.T) {
		c.t = t
		contract := filepath.Join("mutants", "exits-one-on-sigterm", "podproof.yaml")
		podproof(t, nil, "build", "-f", contract).want(t, exitPass)
		verify(c.push("reactbin-mutant-exits-one-on-sigterm:latest", "mutant:1"), "-f", contract).want(t, exitFail, "FAIL termination/exit-zero")
	})
	t.Run("a live object of the name", func(t *testing.T) {
		c.t = t
		c.kubectl(`{apiVersion: v1, kind: Secret, metadata: {name: api, namespace: strict}, stringData: {A: live}}`, "apply", "-f", "-")
		live := c.kubectl("", "get", "secret/api", "-n", "strict", "-o", "yaml")
		verify(good).want(t, exitUsage, "secret/api exists in the cluster already", "nothing was made there")
		if now := c.kubectl("", "get", "secret/api", "-n", "strict", "-o", "yaml"); now != live {
			t.Errorf("the live Secret changed:\n%s\nbefore:\n%s", now, live)
		}
		c.kubectl("", "delete", "secret/api", "-n", "strict")
	})
	t.Run("a pod of somebody else's", func(t *testing.T) {
		c.t = t
		c.kubectl(`{apiVersion: v1, kind: Pod, metadata: {name: theirs, namespace: strict}, spec: {securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}},
  containers: [{name: c, image: "`+agent+`", args: [agent, serve], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}`, "apply", "-f", "-")
		verify(good).want(t, exitUsage, "namespace strict has pods of others (theirs)")
		c.kubectl("", "delete", "pod/theirs", "-n", "strict", "--now")
	})
	t.Run("a right that is missing", func(t *testing.T) {
		c.t = t
		c.kubectl("", "delete", "rolebinding", "--all", "-n", "strict")
		verify(good).want(t, exitUsage, "lacks rights", "kind: Role")
		c.kubectl(roles.stdout, "apply", "-f", "-")
	})
	if after := look(); after != before {
		t.Errorf("the cluster is not as it was:\n%s\nbefore:\n%s", after, before)
	}
	wantClean(t)
}
