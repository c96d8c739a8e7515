//go:build e2e

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// teams are objects of somebody else's in the cluster that is lent.
const teams = `{apiVersion: v1, kind: Namespace, metadata: {name: team-shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: shop, namespace: team-shop}, data: {A: "1"}}
---
{apiVersion: v1, kind: Service, metadata: {name: postgres, namespace: team-shop}, spec: {ports: [{port: 5432}]}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: team-shop}
spec: {type: Limited, limited: {nominalConcurrencyShares: 5, limitResponse: {type: Reject}}}
`

// What a team has in a cluster that it lends is the same, byte for byte, and nothing is on its node
// that was not there, after a run that is refused, for its objects of the whole cluster or for a host of the team's, and one that passes.
func theSameAfterwards(t *testing.T) {
	onNode := func(stdin string, args ...string) string {
		t.Helper()
		c := exec.Command("docker", append([]string{"exec", "-i", sharedCluster + "-control-plane"}, args...)...)
		c.Stdin = strings.NewReader(stdin)
		var said strings.Builder // some tools warn there, with the time
		c.Stderr = &said
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, said.String())
		}
		return string(out)
	}
	kubectl := func(stdin string, args ...string) string {
		t.Helper()
		return onNode(stdin, append([]string{"kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
	}
	kubectl(teams, "apply", "--server-side", "--field-manager=team", "-f", "-")
	look := func() string {
		return kubectl("", "get", "-o", "json", "--show-managed-fields", "-n", "team-shop", "configmap/shop", "service/postgres") +
			kubectl("", "get", "-o", "json", "--show-managed-fields", "prioritylevelconfiguration/team-shop") +
			kubectl("", "get", "-o", "name", "namespaces") + onNode("", "ctr", "--namespace=k8s.io", "images", "ls", "-q") + onNode("", "ls", "/usr/local/bin")
	}
	before := look()
	image := os.Getenv("PYTHON_IMAGE") // any that serves without a setting
	for name, c := range map[string]struct {
		more string
		code int
		text string
	}{
		"an object of the whole cluster": {`{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, metadata: {name: team-shop}, spec: {type: Limited, limited: {nominalConcurrencyShares: 77, limitResponse: {type: Reject}}}}`,
			exitUsage, "prioritylevelconfiguration/team-shop belongs to the whole cluster"},
		"a host of the team's": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: more}, data: {DB: "postgres.team-shop:5432"}}`,
			exitUsage, "names postgres.team-shop, a Service that lives in this cluster"},
		"several contracts":     {`{apiVersion: v1, kind: ConfigMap, metadata: {name: shop, namespace: team-shop}, data: {A: "2"}}`, exitPass, "2 contracts: 2 passed."},
		"an object of its name": {`{apiVersion: v1, kind: ConfigMap, metadata: {name: shop, namespace: team-shop}, data: {A: "2"}}`, exitPass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			workload := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}},
  spec: {containers: [{name: web, image: "` + image + `", command: [python, -m, http.server, "8000"], ports: [{containerPort: 8000}]}]}}}}
---
`
			for file, text := range map[string]string{"all.yaml": workload + c.more,
				"podproof.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\nimage: " + image + "\nmanifests: [all.yaml]\n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"verify", "-f", filepath.Join(dir, "podproof.yaml"), "--cluster", "kind:" + sharedCluster, "--only", "startup/ready"}
			if name == "several contracts" {
				other := t.TempDir()
				if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				args = append(args, "-f", filepath.Join(other, "podproof.yaml"))
			}
			f := podproof(t, nil, args...)
			f.want(t, c.code, c.text)
			if after := look(); after != before {
				t.Errorf("the team's cluster changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}
