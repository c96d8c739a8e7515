//go:build e2e

package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The roles that are printed are ones that a real API server takes, in both forms, and whoever is
// bound to them may do what a run does, and read no Secret.
func printedRolesAreTaken(t *testing.T) {
	kubectl := func(stdin string, args ...string) (string, error) {
		t.Helper()
		c := exec.Command("docker", append([]string{"exec", "-i", sharedCluster + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
		c.Stdin = strings.NewReader(stdin)
		out, err := c.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	for _, ns := range []string{"rbac-ci", "rbac-shop"} {
		t.Cleanup(func() { _, _ = kubectl("", "delete", "namespace", ns) })
		if out, err := kubectl("", "create", "namespace", ns); err != nil {
			t.Fatal(out)
		}
	}
	const contract = "podproof.yaml"
	for name, c := range map[string]struct {
		args    []string
		in, not string
	}{
		"in every namespace":   {nil, "default", ""},
		"in one that is there": {[]string{"-n", "rbac-shop"}, "rbac-shop", "default"},
	} {
		t.Run(name, func(t *testing.T) {
			roles := podproof(t, nil, append([]string{"rbac", "-f", contract, "--service-account", "rbac-ci/podproof"}, c.args...)...)
			roles.want(t, exitPass, "kind: ClusterRole")
			if out, err := kubectl(roles.stdout, "apply", "-f", "-"); err != nil {
				t.Fatalf("%s\n%s", out, roles.stdout)
			}
			t.Cleanup(func() { _, _ = kubectl(roles.stdout, "delete", "--ignore-not-found", "-f", "-") })
			may := func(in string, args ...string) string {
				t.Helper()
				out, _ := kubectl("", append([]string{"auth", "can-i", "--as=system:serviceaccount:rbac-ci:podproof", "-n", in}, args...)...)
				return out
			}
			for _, x := range []struct {
				args string
				want string
			}{
				{"create pods", "yes"}, {"watch events", "yes"}, {"create pods/podproof-agent --subresource=exec", "yes"}, {"create pods/other --subresource=exec", "no"},
				{"create deployments.apps", "yes"}, {"get secrets", "no"}, {"list secrets", "no"}, {"escalate roles.rbac.authorization.k8s.io", "no"}, {"create clusterroles.rbac.authorization.k8s.io", "no"},
			} {
				if got := may(c.in, strings.Fields(x.args)...); !strings.HasSuffix(got, x.want) {
					t.Errorf("may it %s: %s, want %s", x.args, got, x.want)
				}
			}
			if c.not != "" && !strings.HasSuffix(may(c.not, "create", "pods"), "no") {
				t.Errorf("it may create pods in the namespace %s", c.not)
			}
		})
	}
}
