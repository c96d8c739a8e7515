//go:build e2e && nodes

package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/mutants"
)

// disturbed begins a run of a good image there, disturbs it when its trials have begun, and wants to be
// told no broken promise.
func (r strictRun) disturbed(image mutants.Image, skip []string, kubeconfig string, disturb func()) (code int, said string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Minute)
	defer cancel()
	ref := r.pushed(image, map[string]bool{image.Name: true})
	c := command(ctx, slices.Concat([]string{"verify", "-v", "-o", "terminal"}, r.flags(image, skip...), r.where(kubeconfig), []string{ref})...)
	c.Env = append(os.Environ(), r.env...)
	_, wait := commandUntil(r.t, c, "Stopping a pod with SIGTERM")
	disturb()
	code, said = wait()
	if code != exitPass && code != exitInconclusive {
		r.t.Errorf("exit code %d:\n%s", code, said)
	}
	return code, said
}

// allowed are the rights of the image's run, which the tests before may have changed.
func (r strictRun) allowed(image mutants.Image, skip []string) {
	r.t.Helper()
	role := podproof(r.t, r.env, append([]string{"rbac", "--service-account", "strict/podproof"}, r.flags(image, skip...)...)...)
	role.want(r.t, exitPass)
	r.kubectl(role.stdout, "apply", "-f", "-")
}

// drained takes the node away on which pods of a run are.
func drained(r strictRun, image mutants.Image, skip []string) {
	r.allowed(image, skip)
	look := func() string { return r.kubectl("", "get", everything, "-n", "strict", "-o", "name") }
	before := look()
	node := threeNodes[1]
	r.t.Cleanup(func() { r.kubectl("", "uncordon", node) })
	code, said := r.disturbed(image, skip, r.kubeconfig, func() {
		gone := r.kubectl("", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=3m")
		r.t.Log(gone)
		if !strings.Contains(gone, "evicting pod strict/") {
			r.t.Error("no pod of the run was on the node")
		}
	})
	r.t.Logf("exit code %d:\n%s", code, said)
	if after := look(); after != before {
		r.t.Errorf("the namespace is not as it was:\n%s\nbefore:\n%s", after, before)
	}
}

// tokenThatEnds takes the credentials away with which a run began, by the object that they are bound to.
func tokenThatEnds(r strictRun, image mutants.Image, skip []string) {
	r.allowed(image, skip)
	look := func() string { return r.kubectl("", "get", everything, "-n", "strict", "-o", "name") }
	before := look()
	r.kubectl("", "create", "secret", "generic", "login", "-n", "strict")
	kubeconfig := r.somebodysCluster.kubeconfig("strict", "podproof", "--bound-object-kind=Secret", "--bound-object-name=login")
	code, said := r.disturbed(image, skip, kubeconfig, func() {
		r.kubectl("", "delete", "secret/login", "-n", "strict")
	})
	r.t.Logf("exit code %d:\n%s", code, said)
	if code != exitInconclusive {
		r.t.Errorf("exit code %d without credentials", code)
	}
	_, rest, ok := strings.Cut(said, "podproof clean --cluster context:strict --kubeconfig "+kubeconfig+" -n strict ")
	run, _, _ := strings.Cut(rest, "\n")
	if !ok || !strings.Contains(said, "does not accept the credentials of the kubeconfig") {
		r.t.Fatal("it does not say what the matter is, and how to remove what is left")
	}
	podproof(r.t, r.env, "clean", "--cluster", "current", "--kubeconfig", r.kubeconfig, "-n", "strict", run).want(r.t, exitPass)
	if after := look(); after != before {
		r.t.Errorf("the namespace is not as it was:\n%s\nbefore:\n%s", after, before)
	}
}
