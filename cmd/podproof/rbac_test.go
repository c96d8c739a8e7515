package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// shopFolder writes a contract and its manifests into a folder of the test's own.
func shopFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		contract.DefaultFile: "apiVersion: podproof/v1alpha1\nkind: Contract\nmanifests: [all.yaml]\nimage: shop/api:1.0\n",
		"all.yaml": `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 2, selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: api, image: "shop/api:1.0", ports: [{containerPort: 8000}], envFrom: [{secretRef: {name: api}}]}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8000}]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: api}, stringData: {TOKEN: hunter2hunter2}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: low}, value: 1}
`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// says runs podproof, and returns what it prints.
func says(t *testing.T, args ...string) string {
	t.Helper()
	root := newRoot()
	var out, wrong bytes.Buffer
	root.SetOut(&out)
	if code := exitCode(execute(t.Context(), root, args), &wrong); code != exitPass {
		t.Fatalf("podproof %s: exit code %d: %s", strings.Join(args, " "), code, wrong.String())
	}
	return out.String()
}

func TestRBACPrintsARoleForEveryNamespace(t *testing.T) {
	shopFolder(t)
	got := says(t, "rbac")
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict([]byte(got), &role); err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	if role.Kind != "ClusterRole" || role.Name != "podproof" || strings.Contains(got, "Binding") || !strings.Contains(got, "--service-account NAMESPACE/NAME binds") {
		t.Errorf("got %s", got)
	}
	if want := "# Not for priorityclass/low (all.yaml:7): what belongs to the whole cluster, podproof does not make there, and it must be there already."; !strings.Contains(got, want) {
		t.Errorf("%s\nlacks %s", got, want)
	}
	for _, r := range role.Rules {
		for _, verb := range r.Verbs {
			if r.Resources[0] == "secrets" && verb != "create" && verb != "patch" {
				t.Errorf("Secrets: %s", verb)
			}
			if verb == "*" || r.Resources[0] == "*" {
				t.Errorf("it gives all: %+v", r)
			}
		}
	}
	if again := says(t, "rbac"); again != got {
		t.Errorf("another time it prints %s", again)
	}
}

func TestRBACInANamespaceThatIsThere(t *testing.T) {
	shopFolder(t)
	got := says(t, "rbac", "-n", "verify", "--service-account", "ci/podproof", "--only", "termination/exit-zero")
	documents := strings.Split(got, "---\n")
	kinds := ""
	for _, d := range documents {
		var meta struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			RoleRef  rbacv1.RoleRef
			Subjects []rbacv1.Subject
		}
		if err := yaml.Unmarshal([]byte(d), &meta); err != nil {
			t.Fatal(err)
		}
		kinds += " " + meta.Kind
		if strings.HasPrefix(meta.Kind, "Role") != (meta.Metadata.Namespace == "verify") {
			t.Errorf("%s lies in %q", meta.Kind, meta.Metadata.Namespace)
		}
		if strings.HasSuffix(meta.Kind, "Binding") && (len(meta.Subjects) != 1 || meta.Subjects[0].Namespace != "ci" || meta.Subjects[0].Name != "podproof" || meta.RoleRef.Name != "podproof") {
			t.Errorf("%s binds %+v", meta.Kind, meta)
		}
	}
	if kinds != " Role RoleBinding ClusterRole ClusterRoleBinding" {
		t.Errorf("printed are%s", kinds)
	}
	for _, not := range []string{"pods/eviction", `"namespaces"`, "poddisruptionbudgets"} {
		if strings.Contains(got, not) {
			t.Errorf("one check needs no %s", not)
		}
	}
	if open := says(t, "rbac", "-n", "verify", "--open-network"); !strings.Contains(open, "resources: [\"networkpolicies\"]\n    verbs: [\"create\"]") {
		t.Errorf("--open-network makes a network policy: %s", open)
	}
	if all := says(t, "rbac", "-n", "verify"); !strings.Contains(all, "pods/exec") || !strings.Contains(all, "pods/eviction") {
		t.Errorf("all checks need more: %s", all)
	}
}

func TestRBACOfAnImage(t *testing.T) {
	shopFolder(t)
	if got := says(t, "rbac", "--only", "image/*"); !strings.HasPrefix(got, "# The selected checks need no cluster") || strings.Contains(got, "kind:") {
		t.Errorf("got %s", got)
	}
}

func TestRBACCommandOfARun(t *testing.T) {
	for _, c := range []struct {
		f     verifyFlags
		image string
		want  string
	}{
		{verifyFlags{judgeFlags: judgeFlags{file: contract.DefaultFile}}, "", "podproof rbac"},
		{verifyFlags{judgeFlags: judgeFlags{file: "my deploy/podproof.yaml", only: []string{"image/*", "startup/ready"}, skip: []string{"it's"}}}, "shop/api:1",
			`podproof rbac -f 'my deploy/podproof.yaml' --only 'image/*,startup/ready' --skip 'it'\''s' shop/api:1`},
	} {
		if got := c.f.rbacCommand(c.image, nil); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	in := verifyFlags{judgeFlags: judgeFlags{file: "/etc/podproof/podproof.yaml"}, where: clusterFlags{namespace: "proof"}}
	if got, want := in.rbacCommand("shop/api:1", &workload.InJob{Name: "gate"}), "podproof rbac --job gate -n proof shop/api:1"; got != want {
		t.Errorf("in a Job got %s, want %s", got, want)
	}
}
