package rights

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func texts(rules []Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.String())
	}
	return out
}

func TestUnionHasEachRightOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []Rule
		want  []string
	}{
		{"nothing", nil, nil},
		{"verbs of one resource", []Rule{To("", "pods", "watch"), To("", "pods", "list", "watch")}, []string{"list, watch pods"}},
		{"a subresource is another", []Rule{To("", "pods", "get"), To("", "pods/log", "get")}, []string{"get pods", "get pods/log"}},
		{"groups", []Rule{To("batch", "jobs", "list"), To("", "pods", "list"), To("apps", "jobs", "list")}, []string{"list pods", "list jobs.apps", "list jobs.batch"}},
		{"names with the same verbs", []Rule{To("", "services", "get").Of("web"), To("", "services", "get").Of("db", "web")}, []string{"get services db, web"}},
		{"names with other verbs", []Rule{To("", "services", "get", "patch").Of("db"), To("", "services", "get").Of("web")}, []string{"get, patch services db", "get services web"}},
		{"all of them, and one", []Rule{To("", "services", "get", "patch").Of("db"), To("", "services", "get")}, []string{"get services", "patch services db"}},
		{"everywhere, and in the namespace", []Rule{To("", "services", "list"), To("", "services", "list").Anywhere()}, []string{"list services in the whole cluster"}},
		{"one by name, and all everywhere", []Rule{To("", "services", "get").Of("db"), To("", "services", "get").Of("db").Anywhere(), To("", "services", "get").Anywhere()}, []string{"get services in the whole cluster"}},
		{"what is needed, and what is not", []Rule{To("", "services", "get").Or("less"), To("", "services", "get")}, []string{"get services"}},
		{"needed in the namespace, and of use everywhere", []Rule{To("", "services", "list"), To("", "services", "list").Of("db").Or("a"), To("", "services", "list").Anywhere().Or("b")},
			[]string{"list services", "list services in the whole cluster"}},
		{"of use in the namespace, and everywhere", []Rule{To("", "services", "list").Or("a"), To("", "services", "list").Anywhere().Or("b")}, []string{"list services in the whole cluster"}},
		{"needed everywhere", []Rule{To("", "services", "list").Or("a"), To("", "services", "list").Of("db"), To("", "services", "list").Anywhere()}, []string{"list services in the whole cluster"}},
		{"the order of verbs", []Rule{To("", "pods", "escalate", "deletecollection", "delete", "patch", "update", "create", "watch", "list", "get")},
			[]string{"get, list, watch, create, update, patch, delete, deletecollection, escalate pods"}},
	} {
		for range 20 { // whatever the order of a map
			if diff := cmp.Diff(c.want, texts(Union(c.rules))); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", c.name, diff)
			}
		}
		slices.Reverse(c.rules)
		if diff := cmp.Diff(c.want, texts(Union(c.rules))); diff != "" {
			t.Errorf("%s, the other way round (-want +got):\n%s", c.name, diff)
		}
	}
	got := Union([]Rule{To("", "pods", "list").For("b").Or("less"), To("", "pods", "list").For("a"), To("", "pods", "list").Of("x").For("c")})
	if want := []Rule{{Resource: "pods", Verbs: []string{"list"}, Why: []string{"a", "b", "c"}}}; !cmp.Equal(want, got) {
		t.Errorf("got %+v", got)
	}
	if got := Union([]Rule{To("", "pods", "list").Or("z"), To("", "pods", "list").Or("a")}); got[0].Without != "a" {
		t.Errorf("got %+v", got)
	}
}

func TestPartsOfRules(t *testing.T) {
	rules := []Rule{To("", "pods", "list", "get"), To("", "services", "get").Of("web", "db")}
	if diff := cmp.Diff([]string{"get services db"}, texts(Common(rules, []Rule{To("", "services", "get").Of("db"), To("", "nodes", "get")}))); diff != "" {
		t.Errorf("in common (-want +got):\n%s", diff)
	}
	// Who may not do it with all may do it with one.
	if got := Common([]Rule{To("", "services", "get").Of("db")}, []Rule{To("", "services", "get")}); len(got) > 0 {
		t.Errorf("in common: %v", texts(got))
	}
	if diff := cmp.Diff([]string{"list pods", "get services web"}, texts(Beyond(rules, []Rule{To("", "pods", "get").Anywhere(), To("", "services", "get").Of("db")}))); diff != "" {
		t.Errorf("beyond (-want +got):\n%s", diff)
	}
	if got := Beyond(rules, []Rule{To("", "pods", "list", "get"), To("", "services", "get")}); len(got) > 0 {
		t.Errorf("beyond what includes it: %v", texts(got))
	}
	if got := Beyond([]Rule{To("", "services", "list").Anywhere()}, []Rule{To("", "services", "list")}); len(got) != 1 {
		t.Error("a namespace's is enough for all of them")
	}
	if got := Required([]Rule{To("", "pods", "get"), To("", "pods", "list").Or("less")}); len(got) != 1 || got[0].Verbs[0] != "get" {
		t.Errorf("required: %v", texts(got))
	}
}

const printed = `# For a test.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: "podproof"
  namespace: "shop"
rules:
  # the logs
  - apiGroups: [""]
    resources: ["pods/log"]
    verbs: ["get"]
  # rolling out
  - apiGroups: ["apps"]
    resources: ["deployments"]
    resourceNames: ["api"]
    verbs: ["get", "update"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: "podproof"
  namespace: "shop"
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "podproof"}
subjects:
  - {kind: ServiceAccount, name: "podproof", namespace: "ci"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: "podproof"
rules:
  # whether they are Ready
  # (may be left out: nobody waits)
  - apiGroups: [""]
    resources: ["nodes"]
    verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: "podproof"
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "podproof"}
subjects:
  - {kind: ServiceAccount, name: "podproof", namespace: "ci"}
`

func someRules() []Rule {
	return []Rule{To("apps", "deployments", "update", "get").Of("api").For("rolling out"),
		To("", "nodes", "list").Anywhere().For("whether they are Ready").Or("nobody waits"), To("", "pods/log", "get").For("the logs")}
}

func TestYAML(t *testing.T) {
	got := Grant{Name: "podproof", Namespace: "shop", To: ServiceAccount("ci", "podproof"), Note: []string{"For a test."}}.YAML(someRules())
	if diff := cmp.Diff(printed, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	documents := strings.Split(got, "---\n")
	var role rbacv1.Role
	var binding rbacv1.RoleBinding
	if err := yaml.UnmarshalStrict([]byte(documents[0]), &role); err != nil {
		t.Fatal(err)
	}
	want := rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"}, ObjectMeta: metav1.ObjectMeta{Name: "podproof", Namespace: "shop"},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, ResourceNames: []string{"api"}, Verbs: []string{"get", "update"}}}}
	if diff := cmp.Diff(want, role); diff != "" {
		t.Errorf("the role (-want +got):\n%s", diff)
	}
	if err := yaml.UnmarshalStrict([]byte(documents[1]), &binding); err != nil {
		t.Fatal(err)
	}
	if binding.RoleRef != (rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "Role", Name: "podproof"}) || binding.Subjects[0] != *ServiceAccount("ci", "podproof") {
		t.Errorf("the binding is %+v", binding)
	}
}

func TestYAMLForNamespacesThatAreToBeMade(t *testing.T) {
	got := Grant{Name: "podproof"}.YAML(append(someRules(), To("", "nodes", "list").For("again")))
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict([]byte(got), &role); err != nil {
		t.Fatal(err)
	}
	if role.Kind != "ClusterRole" || role.Namespace != "" || len(role.Rules) != 3 || strings.Contains(got, "left out") {
		t.Errorf("got %s", got)
	}
	if got := (Grant{Name: "podproof"}).YAML(nil); got != "" {
		t.Errorf("of no rules: %q", got)
	}
}

func TestSubjectOf(t *testing.T) {
	for user, want := range map[string]rbacv1.Subject{
		"system:serviceaccount:ci:podproof": {Kind: "ServiceAccount", Namespace: "ci", Name: "podproof"},
		"ann@shop.example":                  {Kind: "User", Name: "ann@shop.example", APIGroup: "rbac.authorization.k8s.io"},
		"system:serviceaccount:odd":         {Kind: "User", Name: "system:serviceaccount:odd", APIGroup: "rbac.authorization.k8s.io"},
	} {
		if got := subjectOf(user); *got != want {
			t.Errorf("%s is %+v", user, got)
		}
	}
	g := Grant{Name: "podproof", Namespace: "shop", To: subjectOf(`o"malley`)}
	var binding rbacv1.RoleBinding
	if err := yaml.UnmarshalStrict([]byte(g.binding("Role", "shop")), &binding); err != nil || binding.Subjects[0] != *g.To {
		t.Errorf("got %+v (%v)", binding.Subjects, err)
	}
}
