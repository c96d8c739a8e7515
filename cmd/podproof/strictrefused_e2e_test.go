//go:build e2e && nodes

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/mutants"
)

// withoutARight takes away each right that is printed for an image, all objects of a kind at once, and
// wants to be told which one it is before anything is made. One that may be left out is none to be told of.
func withoutARight(r strictRun, image mutants.Image, skip []string) {
	t := r.t
	role := podproof(t, r.env, append([]string{"rbac"}, r.flags(image, skip...)...)...)
	all, optional := rightsOf(t, role.stdout), optionalOf(role.stdout)
	what := func(x right) right { return right{x.group, x.resource, x.verb, "", false} }
	var taken []right
	for _, x := range all {
		if !slices.Contains(taken, what(x)) {
			taken = append(taken, what(x))
		}
	}
	var objects []string
	for i, x := range taken {
		objects = append(objects, account(fmt.Sprintf("without-%d", i), slices.DeleteFunc(slices.Clone(all), func(y right) bool { return what(y) == x }))...)
	}
	text := strings.Join(objects, "---\n")
	r.kubectl(text, "apply", "-f", "-")
	t.Cleanup(func() { r.kubectl(text, "delete", "-f", "-") })
	before := r.kubectl("", "get", everything, "-n", "strict", "-o", "name")
	ref := r.pushed(image, map[string]bool{image.Name: true})
	var plans sync.WaitGroup
	places := make(chan struct{}, 3)
	for i, x := range taken {
		kubeconfig := r.kubeconfigOf(fmt.Sprintf("without-%d", i))
		plans.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			f := podproof(t, r.env, slices.Concat([]string{"plan"}, r.flags(image, skip...), r.where(kubeconfig), []string{ref})...)
			said := f.stdout + f.stderr
			told := strings.Contains(said, x.resource)
			refused := f.code == exitUsage && told && strings.Contains(said, "lacks rights") && strings.Contains(said, "kind: Role")
			untried := f.code == exitPass && told && strings.Contains(said, "Would stay undecided here") && strings.Contains(said, "this run may not")
			if !refused && !untried && !(f.code == exitPass && slices.Contains(optional, what(x))) {
				t.Errorf("without the right to %s: exit code %d\n%s%s", x, f.code, f.stdout, f.stderr)
			}
		})
	}
	plans.Wait()
	t.Logf("%d rights taken away, one after the other", len(taken))
	if after := r.kubectl("", "get", everything, "-n", "strict", "-o", "name"); after != before {
		t.Errorf("something was made:\n%s\nbefore:\n%s", after, before)
	}
}

// optionalOf are the rights of printed roles that may be left out, for whatever object.
func optionalOf(printed string) (out []right) {
	optional := false
	var rule rbacv1.PolicyRule
	for line := range strings.Lines(printed) {
		word := strings.TrimLeft(line, " -")
		switch {
		case strings.Contains(line, "# (may be left out"):
			optional = true
		case strings.HasPrefix(word, "apiGroups:"):
			rule = rbacv1.PolicyRule{}
		}
		if strings.HasPrefix(word, "#") {
			continue
		}
		_ = yaml.Unmarshal([]byte(word), &rule)
		if strings.HasPrefix(word, "verbs:") {
			for _, v := range rule.Verbs {
				if optional {
					out = append(out, right{rule.APIGroups[0], rule.Resources[0], v, "", false})
				}
			}
			optional = false
		}
	}
	return out
}

// account is a service account of the namespace with these rights.
func account(name string, rights []right) []string {
	meta := metav1.ObjectMeta{Name: name, Namespace: "strict"}
	cluster := metav1.ObjectMeta{Name: "strict-" + name}
	role := rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"}, ObjectMeta: meta}
	wide := rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}, ObjectMeta: cluster}
	for _, x := range rights {
		rule := rbacv1.PolicyRule{APIGroups: []string{x.group}, Resources: []string{x.resource}, Verbs: []string{x.verb}}
		if x.name != "" {
			rule.ResourceNames = []string{x.name}
		}
		if x.wide {
			wide.Rules = append(wide.Rules, rule)
		} else {
			role.Rules = append(role.Rules, rule)
		}
	}
	to := []rbacv1.Subject{{Kind: "ServiceAccount", Name: name, Namespace: "strict"}}
	var out []string
	for _, o := range []any{
		map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": name, "namespace": "strict"}}, role, wide,
		rbacv1.RoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: role.APIVersion, Kind: "RoleBinding"}, ObjectMeta: meta, Subjects: to, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}},
		rbacv1.ClusterRoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: role.APIVersion, Kind: "ClusterRoleBinding"}, ObjectMeta: cluster, Subjects: to, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: cluster.Name}},
	} {
		b, err := yaml.Marshal(o)
		if err != nil {
			panic(err) // they are values of ours
		}
		out = append(out, string(b))
	}
	return out
}

// kubeconfigOf is that of another account of the namespace.
func (r strictRun) kubeconfigOf(account string) string {
	return r.somebodysCluster.kubeconfig("strict", account)
}

// whatIsThere is refused before anything is made, and stays as it is: a ClusterRole of the name, an
// object of the namespace, and a pod of somebody else's.
func whatIsThere(r strictRun, image mutants.Image, skip []string) {
	t := r.t
	const theirs = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: strict-reader}, rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: strict, labels: {app.kubernetes.io/name: api}}, spec: {replicas: 0, selector: {matchLabels: {app: theirs}}, template: {metadata: {labels: {app: theirs}}, spec: {containers: [{name: c, image: "theirs:1"}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: postgres, namespace: strict}, spec: {ports: [{port: 5432}]}}
`
	dir := t.TempDir()
	contract, err := os.ReadFile(filepath.Join(root, "podproof.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	// The same contract from another folder, with an object more.
	text := strings.ReplaceAll(string(contract), "manifests: [manifests/postgres, manifests/api]", fmt.Sprintf("manifests: [%s/manifests/postgres, %s/manifests/api, role.yaml]", here, here))
	// The image is pushed already: how it is built does not matter.
	head, rest, _ := strings.Cut(text, "build:\n")
	_, rest, _ = strings.Cut(rest, "manifests:")
	text = head + "manifests:" + rest
	for file, text := range map[string]string{"podproof.yaml": text,
		"role.yaml": `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: strict-reader}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image.Contract, _ = filepath.Rel(filepath.Join(here, "mutants"), filepath.Join(dir, "podproof.yaml"))
	ref := r.pushed(mutants.Image{Name: "reactbin", Contract: "../podproof.yaml"}, map[string]bool{image.Name: true})
	refused := func(texts ...string) {
		t.Helper()
		look := func() string {
			return r.kubectl("", "get", everything, "-n", "strict", "-o", "yaml", "--show-managed-fields") + r.kubectl("", "get", "clusterrole/strict-reader", "-o", "yaml", "--show-managed-fields")
		}
		before := look()
		f := podproof(t, r.env, slices.Concat([]string{"verify"}, r.flags(image, skip...), r.where(r.kubeconfig), []string{ref})...)
		f.want(t, exitUsage, append(texts, "nothing was made there")...)
		if after := look(); after != before {
			t.Errorf("what is there changed:\n%s\nbefore:\n%s", after, before)
		}
	}
	role := podproof(t, r.env, append([]string{"rbac", "--service-account", "strict/podproof"}, r.flags(image, skip...)...)...)
	role.want(t, exitPass)
	r.kubectl(role.stdout, "apply", "-f", "-")
	r.kubectl(theirs, "apply", "-f", "-")
	t.Cleanup(func() { r.kubectl(theirs, "delete", "-f", "-") })
	refused("clusterrole/strict-reader belongs to the whole cluster, and the one that is there says something else", "deployment/api exists in the cluster already", "service/postgres exists in the cluster already")
}
