//go:build e2e && nodes

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// right is the least that a role gives, and that a request uses. An empty name is every object.
type right struct {
	group, resource, verb, name string
	wide                        bool // in all namespaces, or of the whole cluster
}

func (r right) String() string {
	out := r.verb + " " + r.resource
	if r.group != "" {
		out += "." + r.group
	}
	if r.name != "" {
		out += " " + r.name
	}
	if r.wide {
		out += " in the whole cluster"
	}
	return out
}

// gives tells whether who has the right may do the other, too.
func (r right) gives(other right) bool {
	return r.group == other.group && r.resource == other.resource && r.verb == other.verb && (r.name == "" || r.name == other.name) && (r.wide || !other.wide)
}

// rightsOf are those of printed roles.
func rightsOf(t *testing.T, printed string) (out []right) {
	t.Helper()
	for doc := range strings.SplitSeq(printed, "\n---\n") {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(doc), &role); err != nil {
			t.Fatalf("%v:\n%s", err, doc)
		}
		for _, rule := range role.Rules {
			names := rule.ResourceNames
			if len(names) == 0 {
				names = []string{""}
			}
			for _, v := range rule.Verbs {
				for _, n := range names {
					out = append(out, right{rule.APIGroups[0], rule.Resources[0], v, n, role.Kind == "ClusterRole"})
				}
			}
		}
	}
	return out
}

// audited is how many requests the log has.
func (c somebodysCluster) audited() int {
	c.t.Helper()
	return strings.Count(c.onNode(threeNodes[0], "", "cat", auditLog)+"\n", "\n")
}

// used are the rights that the cluster's API server saw the account use after so many requests, each
// with one of those that used it.
func (c somebodysCluster) used(after int) map[right]string {
	c.t.Helper()
	out := map[right]string{}
	for line := range strings.Lines(c.onNode(threeNodes[0], "", "tail", "-n", fmt.Sprintf("+%d", after+1), auditLog)) {
		var event struct {
			Verb, RequestURI string
			ObjectRef        *struct{ APIGroup, Resource, Subresource, Namespace, Name string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			c.t.Fatalf("%v: %s", err, line)
		}
		o := event.ObjectRef
		if o == nil || o.APIGroup == "authorization.k8s.io" || o.APIGroup == "authentication.k8s.io" {
			continue // everybody may ask what he may, who he is, and for what an API server has
		}
		r := right{o.APIGroup, o.Resource, event.Verb, o.Name, o.Namespace == ""}
		if o.Subresource != "" {
			r.resource += "/" + o.Subresource
		} else if r.verb == "create" {
			r.name = "" // a role gives no creation by name
		}
		out[r] = event.RequestURI
	}
	return out
}

// compareRights wants each printed right to be used, but for those of which it is said, for all names, when.
func compareRights(t *testing.T, printed []right, used map[right]string, rarely map[string]string) {
	t.Helper()
	argued, n := map[string]bool{}, 0
	slices.SortFunc(printed, func(a, b right) int { return strings.Compare(a.String(), b.String()) })
	for _, p := range slices.Compact(printed) {
		n++
		is := false
		for u := range used {
			is = is || p.gives(u)
		}
		every := p
		every.name = ""
		_, said := rarely[every.String()]
		argued[every.String()] = said
		if !is && !said {
			t.Errorf("%s is printed, and never used", p)
		}
	}
	for name := range rarely {
		if !argued[name] {
			t.Errorf("%s is said to be of use at times, and is not printed", name)
		}
	}
	t.Logf("%d rights are printed, and %d used", n, len(used))
}
