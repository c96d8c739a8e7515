//go:build e2e

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// proofNamespace is one that admits only what is restricted, and somebody who may do anything in it.
const proofNamespace = `{apiVersion: v1, kind: Namespace, metadata: {name: proof, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: ci, namespace: proof}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: ci, namespace: proof}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: ci, namespace: proof}]}
`

// inProof is a namespace in which Jobs verify.
type inProof struct {
	somebodysCluster
	podproof, kubeconfig, postgres string
	before                         string
}

// jobChecks are of every kind, which take a few minutes.
const jobChecks = "startup/ready,health/answers,termination/exit-zero,identity/non-root,security/restricted,image/*"

func newInProof(t *testing.T) inProof {
	t.Helper()
	p := inProof{somebodysCluster: withRegistry(t, authn.AuthConfig{}, sharedCluster+"-control-plane")}
	p.registry = p.gateway // podproof reads the image from inside a pod
	p.podproof = p.registry + "/podproof:e2e"
	podproof(t, nil, "agent", "push", p.podproof).want(t, exitPass, p.registry+"/podproof@sha256:")
	p.while(t, proofNamespace)
	p.kubeconfig = p.somebodysCluster.kubeconfig("proof", "ci")
	p.postgres = p.push(os.Getenv("POSTGRES_IMAGE"), "postgres:16")
	p.before = p.look()
	return p
}

func (p inProof) look() string {
	return p.kubectl("", "get", everything+",jobs.batch", "-n", "proof", "-o", "name")
}

// args are those of `podproof job` for an image.
func (p inProof) args(image string, more ...string) []string {
	return append([]string{"job", "-n", "proof", "--image", p.podproof, "--set-image", "postgres:16-alpine=" + p.postgres, "--only", jobChecks, image}, more...)
}

// asBefore waits until nothing is left: Kubernetes removes what belonged to a Job a moment after it.
func (p inProof) asBefore(t *testing.T) {
	t.Helper()
	now := ""
	for range 60 {
		if now = p.look(); now == p.before {
			return
		}
		time.Sleep(time.Second)
	}
	t.Errorf("the namespace is not as it was:\n%s\nbefore:\n%s", now, p.before)
}

// A Job says of a good image and of a bad one what podproof says from outside: applied by hand, and run by
// podproof, which leaves nothing, whatever ends it.
func aJob(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	p := newInProof(t)
	good := p.push("reactbin-api-prod:latest", "reactbin:1")
	contract := func(mutant string) string { return filepath.Join("mutants", mutant, "podproof.yaml") }
	images, breaks := map[string]string{"good": good}, map[string]string{"exits-one-on-sigterm": "termination/exit-zero",
		"secret-in-history": "image/no-secrets-in-history", "carries-test-binary": "image/no-dev-dependencies"}
	for name := range breaks {
		podproof(t, nil, "build", "-f", contract(name)).want(t, exitPass)
		images[name] = p.push("reactbin-mutant-"+name+":latest", name+":1")
	}
	bad, mutant := contract("exits-one-on-sigterm"), images["exits-one-on-sigterm"]
	for _, x := range []struct {
		name, image, condition string
		code                   int
		line                   string
		flags                  []string
	}{
		{"good", good, "complete", exitPass, "PASS ", nil},
		{"mutant", mutant, "failed", exitFail, "FAIL 1 of ", []string{"-f", bad}},
	} {
		t.Run("applied/"+x.name, func(t *testing.T) {
			p := p
			p.t = t
			printed := podproof(t, nil, p.args(x.image, x.flags...)...)
			printed.want(t, exitPass, "kind: Job")
			p.kubectl(printed.stdout, "apply", "--server-side", "-f", "-")
			p.kubectl("", "wait", "-n", "proof", "--for=condition="+x.condition, "--timeout=15m", "job/podproof")
			log := p.kubectl("", "logs", "-n", "proof", "job/podproof")
			pod := p.kubectl("", "get", "pods", "-n", "proof", "-l", "batch.kubernetes.io/job-name=podproof", "-o", "jsonpath={range .items[*]}{.status.containerStatuses[0].state.terminated.exitCode} {.status.containerStatuses[0].state.terminated.message}{end}")
			if want := string(rune('0'+x.code)) + " " + x.line; !strings.HasPrefix(pod, want) {
				t.Errorf("its pod ended with %q, want %q; its log is\n%s", pod, want, log)
			}
			if said := p.kubectl("", "get", "job/podproof", "-n", "proof", "-o", `jsonpath={.metadata.annotations.podproof\.dev/result}`); !strings.HasPrefix(said, x.line) {
				t.Errorf("the Job says %q", said)
			}
			result := p.kubectl("", "get", "configmaps", "-n", "proof", "-l", "podproof.dev/run", "-o", `jsonpath={range .items[*]}{.metadata.name} {.data.summary\.md} {.metadata.ownerReferences[0].kind}{end}`)
			if !strings.HasPrefix(result, "podproof-") || !strings.Contains(result, "-result ### podproof: ") || !strings.HasSuffix(result, " Job") {
				t.Errorf("the result is %q", result)
			}
			p.kubectl(printed.stdout, "delete", "-f", "-")
			p.asBefore(t)
		})
		t.Run("run/"+x.name, func(t *testing.T) {
			p := p
			p.t = t
			dir := t.TempDir()
			js, evidence := filepath.Join(dir, "report.json"), filepath.Join(dir, "evidence.json")
			f := podproof(t, nil, p.args(x.image, append(x.flags, "--run", "--kubeconfig", p.kubeconfig, "-o", "terminal", "-o", "json="+js, "--evidence", evidence)...)...)
			f.want(t, x.code, "[job] Made job/podproof in namespace proof", "[verify] ", "[job] Job removed")
			if t.Failed() {
				return
			}
			seen := verdicts(t, js)
			if broken := with(seen, "fail"); x.code == exitPass != (len(broken) == 0) || x.code == exitFail && strings.Join(broken, " ") != "termination/exit-zero" {
				t.Errorf("broken are %v", broken)
			}
			judgedAgain(t, evidence, seen)
			p.asBefore(t)
		})
	}
	t.Run("several contracts", func(t *testing.T) {
		p := p
		p.t = t
		p.several(t, images, breaks)
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		p := p
		p.t = t
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		kill, wait := until(t, ctx, "Stopping a pod with SIGTERM", p.args(good, "--run", "--kubeconfig", p.kubeconfig)...)
		pressed := time.Now()
		kill(syscall.SIGINT)
		code, said := wait()
		t.Logf("gone %.1f s after Ctrl-C", time.Since(pressed).Seconds())
		if code != exitInterrupted || !strings.Contains(said, "[job] Job removed") {
			t.Errorf("exit code %d:\n%s", code, said)
		}
		p.asBefore(t)
	})
	for name, end := range map[string]func(inProof, *testing.T, string){"a killed pod": inProof.killed, "a drained node": inProof.drained, "a deadline": inProof.atItsDeadline} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.t = t
			end(p, t, good)
		})
	}
	t.Run("a killed process", func(t *testing.T) {
		p := p
		p.t = t
		printed := podproof(t, nil, p.args(good)...)
		p.kubectl(printed.stdout, "apply", "--server-side", "-f", "-")
		// As the kernel does it to one that takes too much memory, at both tries.
		const kill = `for f in /proc/[0-9]*/cmdline; do tr '\0' ' ' <$f 2>/dev/null | grep -q '^/podproof verify' && kill -9 $(basename $(dirname $f)); done; true`
		for range 2 {
			p.kubectl("", "wait", "-n", "proof", "--for=create", "--timeout=5m", "deployment/api")
			p.onNode(sharedCluster+"-control-plane", "", "sh", "-c", kill)
			p.kubectl("", "wait", "-n", "proof", "--for=delete", "--timeout=5m", "deployment/api")
		}
		p.kubectl("", "wait", "-n", "proof", "--for=condition=failed", "--timeout=3m", "job/podproof")
		p.kubectl(printed.stdout, "delete", "-f", "-")
		p.asBefore(t)
	})
	t.Run("a name that is taken", func(t *testing.T) {
		p := p
		p.t = t
		p.kubectl(`{apiVersion: v1, kind: ConfigMap, metadata: {name: podproof, namespace: proof}, data: {a: theirs}}`, "apply", "-f", "-")
		f := podproof(t, nil, p.args(good, "--run", "--kubeconfig", p.kubeconfig)...)
		f.want(t, exitUsage, "configmap/podproof is in namespace proof already", "nothing was changed in the cluster")
		p.kubectl("", "delete", "configmap/podproof", "-n", "proof")
		p.asBefore(t)
	})
}
