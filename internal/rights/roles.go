package rights

import (
	"encoding/json"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Grant says who is given rules, and where.
type Grant struct {
	// Name is that of the roles and of their bindings.
	Name string
	// Namespace is the one in which the rules are given; empty gives them in every one, which a
	// run needs that makes its own.
	Namespace string
	// To is whom they are bound to; nil binds nobody.
	To *rbacv1.Subject
	// Note are the lines of a comment at the beginning.
	Note []string
}

// YAML are the roles that give the rules, as `kubectl apply -f -` takes them.
func (g Grant) YAML(rules []Rule) string {
	var own, wide []Rule
	for _, r := range rules {
		if g.Namespace == "" {
			r.Wide = true
		}
		if r.Wide {
			wide = append(wide, r)
		} else {
			own = append(own, r)
		}
	}
	var documents []string
	for _, d := range []struct {
		kind, namespace string
		rules           []Rule
	}{{"Role", g.Namespace, own}, {"ClusterRole", "", wide}} {
		if len(d.rules) == 0 {
			continue
		}
		documents = append(documents, g.role(d.kind, d.namespace, Union(d.rules)))
		if g.To != nil {
			documents = append(documents, g.binding(d.kind, d.namespace))
		}
	}
	var b strings.Builder
	for _, line := range g.Note {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	b.WriteString(strings.Join(documents, "---\n"))
	return b.String()
}

func (g Grant) role(kind, namespace string, rules []Rule) string {
	var b strings.Builder
	b.WriteString(g.head(kind, namespace) + "rules:\n")
	for _, r := range rules {
		for _, w := range r.Why {
			fmt.Fprintf(&b, "  # %s\n", w)
		}
		if r.Without != "" {
			fmt.Fprintf(&b, "  # (may be left out: %s)\n", r.Without)
		}
		fmt.Fprintf(&b, "  - apiGroups: %s\n    resources: %s\n", list(r.Group), list(r.resource()))
		if len(r.Names) > 0 {
			fmt.Fprintf(&b, "    resourceNames: %s\n", list(r.Names...))
		}
		fmt.Fprintf(&b, "    verbs: %s\n", list(r.Verbs...))
	}
	return b.String()
}

// Policy is the rule as a role has it.
func (r Rule) Policy() rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.resource()}, ResourceNames: r.Names, Verbs: r.Verbs}
}

func (g Grant) binding(kind, namespace string) string {
	out := g.head(kind+"Binding", namespace) + fmt.Sprintf("roleRef: {apiGroup: %s, kind: %s, name: %s}\n", rbacv1.GroupName, kind, quoted(g.Name))
	to := fmt.Sprintf("kind: %s, name: %s", g.To.Kind, quoted(g.To.Name))
	if g.To.Namespace != "" {
		to += ", namespace: " + quoted(g.To.Namespace)
	}
	if g.To.APIGroup != "" {
		to += ", apiGroup: " + g.To.APIGroup
	}
	return out + "subjects:\n  - {" + to + "}\n"
}

func (g Grant) head(kind, namespace string) string {
	out := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", rbacv1.SchemeGroupVersion, kind, quoted(g.Name))
	if namespace != "" {
		out += "  namespace: " + quoted(namespace) + "\n"
	}
	return out
}

// list is a list of texts in YAML, on one line.
func list(texts ...string) string {
	var out []string
	for _, t := range texts {
		out = append(out, quoted(t))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// quoted is a text as JSON has it, which YAML takes for the same: a name may look like a number.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil { // a text can always be written
		panic(err)
	}
	return string(b)
}

// serviceAccount begins the user name of a service account (k8s.io/apiserver, authentication/serviceaccount).
const serviceAccount = "system:serviceaccount:"

// ServiceAccount is a service account as the subject of a binding.
func ServiceAccount(namespace, name string) *rbacv1.Subject {
	return &rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
}

// subjectOf is whoever has a user name.
func subjectOf(user string) *rbacv1.Subject {
	if names, is := strings.CutPrefix(user, serviceAccount); is {
		if namespace, name, both := strings.Cut(names, ":"); both {
			return ServiceAccount(namespace, name)
		}
	}
	return &rbacv1.Subject{Kind: rbacv1.UserKind, Name: user, APIGroup: rbacv1.GroupName}
}
