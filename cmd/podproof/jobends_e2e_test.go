//go:build e2e

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ofARun are the kinds of what a run makes in its namespace.
const ofARun = "pods,services,configmaps,secrets,deployments.apps,statefulsets.apps,replicasets.apps,jobs.batch,networkpolicies.networking.k8s.io,poddisruptionbudgets.policy"

// unowned are the objects of the namespace that nothing else owns, but for the Job and what it was printed with.
func (p inProof) unowned() []string {
	p.t.Helper()
	all := p.kubectl("", "get", ofARun, "-n", "proof", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.ownerReferences[*].kind}{"\n"}{end}`)
	var out []string
	for line := range strings.Lines(all) {
		if f := strings.Fields(line); len(f) == 1 && !strings.HasSuffix(f[0], "/podproof") {
			out = append(out, f[0])
		}
	}
	slices.Sort(out)
	return out
}

// left are the objects of runs that are there, but for their results.
func (p inProof) left() (out []string) {
	p.t.Helper()
	for _, o := range strings.Fields(p.kubectl("", "get", ofARun, "-n", "proof", "-l", "podproof.dev/run", "-o", "name")) {
		if !strings.HasSuffix(o, "-result") {
			out = append(out, o)
		}
	}
	return out
}

// midway applies a Job, and returns its pod, and what was applied, once it tries something.
func (p inProof) midway(image string) (pod, printed string) {
	p.t.Helper()
	f := podproof(p.t, nil, p.args(image)...)
	f.want(p.t, exitPass, "kind: Job")
	p.kubectl(f.stdout, "apply", "--server-side", "-f", "-")
	p.kubectl("", "wait", "-n", "proof", "--for=create", "--timeout=5m", "pod/podproof-termination")
	pod = p.kubectl("", "get", "pods", "-n", "proof", "-l", "batch.kubernetes.io/job-name=podproof", "--field-selector=status.phase=Running", "-o", "jsonpath={.items[0].metadata.name}")
	return pod, f.stdout
}

// atItsDeadline ends a Job that takes too long: its pod is told to stop, and removes what it made before the Job says
// that it has failed.
func (p inProof) atItsDeadline(t *testing.T, image string) {
	_, printed := p.midway(image)
	p.kubectl("", "patch", "job/podproof", "-n", "proof", "--type=merge", "-p", `{"spec":{"activeDeadlineSeconds":1}}`)
	p.kubectl("", "wait", "-n", "proof", "--for=condition=failed", "--timeout=3m", "job/podproof")
	if why := p.kubectl("", "get", "job/podproof", "-n", "proof", "-o", `jsonpath={.status.conditions[?(@.type=="Failed")].reason}`); why != "DeadlineExceeded" {
		t.Errorf("the Job failed with %q", why)
	}
	if left := p.left(); len(left) > 0 {
		t.Errorf("the run left %v", left)
	}
	p.kubectl(printed, "delete", "-f", "-")
	p.asBefore(t)
}

// drained evicts a Job's pod, as a drain of its node does: it removes what it made, the Job counts it for nothing, and
// another pod does all of it.
func (p inProof) drained(t *testing.T, image string) {
	before := p.unowned()
	pod, printed := p.midway(image)
	eviction := fmt.Sprintf(`{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": %q, "namespace": "proof"}}`, pod)
	p.kubectl(eviction, "create", "--raw", "/api/v1/namespaces/proof/pods/"+pod+"/eviction", "-f", "-")
	p.kubectl("", "wait", "-n", "proof", "--for=delete", "--timeout=3m", "pod/"+pod)
	if now := p.unowned(); !slices.Equal(now, before) {
		t.Errorf("nobody owns %v, and before %v", now, before)
	}
	p.kubectl("", "wait", "-n", "proof", "--for=condition=complete", "--timeout=15m", "job/podproof")
	if said := p.kubectl("", "get", "job/podproof", "-n", "proof", "-o", `jsonpath={.metadata.annotations.podproof\.dev/result}`); !strings.HasPrefix(said, "PASS ") {
		t.Errorf("the Job says %q", said)
	}
	if left := p.left(); len(left) > 0 {
		t.Errorf("the run left %v", left)
	}
	p.kubectl(printed, "delete", "-f", "-")
	p.asBefore(t)
}

// killed deletes a Job's pod so that nobody is told to clean up: what the run made belongs to the Job, and goes with it.
func (p inProof) killed(t *testing.T, image string) {
	before := p.unowned()
	pod, printed := p.midway(image)
	p.kubectl("", "delete", "pod/"+pod, "-n", "proof", "--force", "--grace-period=0")
	if now := p.unowned(); !slices.Equal(now, before) {
		t.Errorf("nobody owns %v, and before %v", now, before)
	}
	p.kubectl(printed, "delete", "-f", "-")
	p.asBefore(t)
}
