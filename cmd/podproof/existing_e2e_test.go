//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
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
        [JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "mesh", image: "AGENT", args: ["agent", "proxy", "--socket=@mesh", "127.0.0.1:15001=127.0.0.1:1"],
          securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65532,
            capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}, seccompProfile: Object.spec.containers.securityContext.seccompProfile{type: "RuntimeDefault"}}}}]
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: sidecar}, spec: {policyName: sidecar}}
`

// In a namespace of somebody else's cluster, with the rights that podproof prints and no others, a good
// image passes, what is live is refused, and all is as it was afterwards.
func aNamespace(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	c := withRegistry(t, authn.AuthConfig{}, sharedCluster+"-control-plane")
	agent := c.registry + "/podproof:e2e"
	podproof(t, nil, "agent", "push", agent).want(t, exitPass, c.registry+"/podproof@sha256:")
	c.while(t, strings.ReplaceAll(strict, "AGENT", agent))
	only := "startup/ready,startup/waits-for-database,health/answers,probes/*,database/*,termination/exit-zero,termination/requests-in-flight,termination/exit-under-outage,rollout/*,config/missing-env-fails,security/restricted,image/*"
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
