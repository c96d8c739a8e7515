//go:build e2e && nodes

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/mutants"
)

// jobAccount is who podproof is in a Job there. The API server writes down what it asks for.
const jobAccount = "system:serviceaccount:proof:podproof"

// withPassword is what the namespace of a Job has more where the registry asks for a password.
const withPassword = `{apiVersion: v1, kind: Secret, metadata: {name: registry, namespace: proof}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: 'CREDENTIALS'}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: proof}, imagePullSecrets: [{name: registry}]}
`

// asAJob verifies in a Job, with images of a registry that asks for a password: podproof's own, which the node pulls,
// and the one under test, which podproof itself reads there, too. It uses no right but those of its printed Role.
func asAJob(r strictRun, image mutants.Image) {
	t := r.t
	r.registry = r.gateway // podproof reads the image from inside a pod
	r.kubectl(proofNamespace+"---\n"+strings.ReplaceAll(withPassword, "CREDENTIALS", r.credentials()), "apply", "-f", "-")
	t.Cleanup(func() { r.kubectl("", "delete", "namespace", "proof") })
	p := inProof{somebodysCluster: r.somebodysCluster, podproof: r.registry + "/podproof:e2e", postgres: r.push(os.Getenv("POSTGRES_IMAGE"), "postgres:16")}
	podproof(t, r.login(), "agent", "push", p.podproof).want(t, exitPass, p.registry+"/podproof@sha256:")
	p.kubeconfig = p.somebodysCluster.kubeconfig("proof", "ci")
	ref := r.pushed(image, map[string]bool{image.Name: true})
	p.before = p.look()
	// No password of this machine's: what the Job reads it reads with the Secret.
	env := []string{"DOCKER_CONFIG=" + t.TempDir(), "PODPROOF_SET_IMAGE="}
	flags := []string{"--only", "termination/*,rollout/*,config/*,startup/*,database/*,probes/*", "--pull-secret", "registry"}
	printed := podproof(t, env, p.args(ref, flags...)...)
	printed.want(t, exitPass, "kind: Role")
	own := rightsOf(t, printed.stdout)
	from := r.audited()
	f := podproof(t, env, p.args(ref, append(flags, "--run", "--kubeconfig", p.kubeconfig, "-o", "terminal")...)...)
	if f.code != exitInconclusive { // of what only rights in the whole cluster would tell
		f.want(t, exitPass)
	}
	f.want(t, f.code, "[job] Made job/podproof in namespace proof", "[verify] ", "Pod stopped", "[job] Job removed")
	p.asBefore(t)
	used := r.used(from)
	if len(used) < 10 {
		t.Errorf("the Job used only %v", used)
	}
	for u, request := range used {
		// What is about the whole cluster it asks for, and is refused: a Role cannot give it.
		if !u.wide && !slices.ContainsFunc(own, func(p right) bool { return p.gives(u) }) {
			t.Errorf("%s is used by the Job and not in its Role (%s)", u, request)
		}
	}
	t.Run("without its pull secret", func(t *testing.T) {
		p := p
		p.t = t
		podproof(t, env, p.args(ref, "--run", "--kubeconfig", p.kubeconfig)...).want(t, exitInconclusive, "does not start", "[job] Job removed")
		p.asBefore(t)
	})
}
