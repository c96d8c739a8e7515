// Package rights says what podproof may ask of a cluster: rules as plain data, which of them are
// missing, and the roles that give them.
package rights

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Rule is a right to do something with the objects of one resource.
type Rule struct {
	// Group is empty for Kubernetes' core; Subresource is such as "exec" of "pods".
	Group, Resource, Subresource string
	Verbs                        []string
	// Names are the objects that it is about; none is all of them.
	Names []string
	// Wide tells that it is about all namespaces, or about what belongs to the whole cluster.
	Wide bool
	// Why says what it is for: "the logs of its pods".
	Why []string
	// Without says what a run does where the right is missing, which goes on then; empty where it
	// cannot.
	Without string
}

// To is a rule about a resource of the run's namespace: To("", "pods/exec", "create").
func To(group, resource string, verbs ...string) Rule {
	r := Rule{Group: group, Verbs: verbs}
	r.Resource, r.Subresource, _ = strings.Cut(resource, "/")
	return r
}

// For is the rule with what it is for.
func (r Rule) For(why string) Rule {
	r.Why = []string{why}
	return r
}

// Of is the rule for objects of these names alone.
func (r Rule) Of(names ...string) Rule {
	r.Names = names
	return r
}

// Anywhere is the rule for all namespaces, or for what belongs to the whole cluster.
func (r Rule) Anywhere() Rule {
	r.Wide = true
	return r
}

// Or is a rule that a run can do without, and how.
func (r Rule) Or(without string) Rule {
	r.Without = without
	return r
}

// String is the rule as one says it: "create, get pods/exec podproof-agent".
func (r Rule) String() string {
	out := strings.Join(r.Verbs, ", ") + " " + r.resource()
	if r.Group != "" {
		out += "." + r.Group
	}
	if len(r.Names) > 0 {
		out += " " + strings.Join(r.Names, ", ")
	}
	if r.Wide {
		out += " in the whole cluster"
	}
	return out
}

// resource is that of a role: "pods/exec".
func (r Rule) resource() string {
	if r.Subresource == "" {
		return r.Resource
	}
	return r.Resource + "/" + r.Subresource
}

// access is the least that a rule can be taken apart into. An empty name is every object.
type access struct {
	group, resource, subresource, verb, name string
	wide                                     bool
}

func (r Rule) accesses() []access {
	names := r.Names
	if len(names) == 0 {
		names = []string{""}
	}
	var out []access
	for _, v := range r.Verbs {
		for _, n := range names {
			out = append(out, access{r.Group, r.Resource, r.Subresource, v, n, r.Wide})
		}
	}
	return out
}

// within are the accesses that each include this one.
func (a access) within() []access {
	out := []access{a}
	if a.name != "" {
		every := a
		every.name = ""
		out = append(out, every)
	}
	for _, x := range slices.Clone(out) {
		if !x.wide {
			x.wide = true
			out = append(out, x)
		}
	}
	return out
}

// reason is why an access is asked for.
type reason struct {
	why      []string
	without  string
	required bool
}

func (r *reason) add(x Rule) {
	for _, w := range x.Why {
		if !slices.Contains(r.why, w) {
			r.why = append(r.why, w)
		}
	}
	r.required = r.required || x.Without == ""
	if r.without == "" || x.Without != "" && x.Without < r.without {
		r.without = x.Without
	}
}

// Union puts rules together: each right once, and none that another includes. One that is needed stays
// beside one for the whole cluster that may be left out. The order is always the same.
func Union(rules ...[]Rule) []Rule {
	all := map[access]*reason{}
	for _, r := range slices.Concat(rules...) {
		for _, a := range r.accesses() {
			if all[a] == nil {
				all[a] = &reason{}
			}
			all[a].add(r)
		}
	}
	for _, wider := range []func(access) access{
		func(a access) access { a.name = ""; return a },
		func(a access) access { a.wide = true; return a },
		func(a access) access { a.name, a.wide = "", true; return a },
	} {
		for a, r := range all {
			to := wider(a)
			w := all[to]
			if to == a || w == nil || to.wide != a.wide && r.required && !w.required {
				continue
			}
			w.add(Rule{Why: r.why, Without: r.leave()})
			delete(all, a)
		}
	}
	return together(all)
}

// leave is what a rule's Without is.
func (r *reason) leave() string {
	if r.required {
		return ""
	}
	return r.without
}

// kin are rules that may become one: of the same resource, for the same names or with the same verbs.
type kin struct {
	group, resource, subresource string
	wide                         bool
	without                      string
	name, verbs                  string
}

func (r Rule) kin(name, verbs string) kin {
	return kin{r.Group, r.Resource, r.Subresource, r.Wide, r.Without, name, verbs}
}

// together makes rules of accesses: the verbs for one name first, and then the names that have the same ones.
func together(all map[access]*reason) []Rule {
	verbs := map[kin]Rule{}
	for a, why := range all {
		r := Rule{Group: a.group, Resource: a.resource, Subresource: a.subresource, Wide: a.wide, Without: why.leave()}
		k := r.kin(a.name, "")
		have, ok := verbs[k]
		if !ok {
			have = r
		}
		have.Verbs, have.Why = append(have.Verbs, a.verb), append(have.Why, why.why...)
		verbs[k] = have
	}
	names := map[kin]Rule{}
	for k, r := range verbs {
		slices.SortFunc(r.Verbs, compareVerbs)
		every := "*"
		if k.name != "" {
			every = ""
		}
		same := r.kin(every, strings.Join(r.Verbs, " "))
		have, ok := names[same]
		if !ok {
			have = r
			have.Why = nil
		}
		if k.name != "" {
			have.Names = append(have.Names, k.name)
		}
		have.Why = append(have.Why, r.Why...)
		names[same] = have
	}
	out := slices.Collect(maps.Values(names))
	for i := range out {
		for _, list := range []*[]string{&out[i].Names, &out[i].Why} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
	}
	slices.SortFunc(out, compareRules)
	return out
}

// usual is the order in which roles list verbs.
var usual = []string{"*", "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

func compareVerbs(a, b string) int {
	place := func(v string) int {
		if i := slices.Index(usual, v); i >= 0 {
			return i
		}
		return len(usual)
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

// compareRules puts what belongs to the namespace first, and Kubernetes' core before other groups.
func compareRules(a, b Rule) int {
	if a.Wide != b.Wide {
		if b.Wide {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.resource(), b.resource()), slices.Compare(a.Names, b.Names),
		slices.CompareFunc(a.Verbs, b.Verbs, compareVerbs))
}

// Common is the part of the rules that others name, too: of what a trial needs, that which is missing.
func Common(rules, others []Rule) []Rule {
	there := accessesOf(others)
	return parts(rules, func(a access) bool { return there[a] })
}

// Beyond is the part of the rules that others do not give.
func Beyond(rules, others []Rule) []Rule {
	there := accessesOf(others)
	return parts(rules, func(a access) bool {
		return !slices.ContainsFunc(a.within(), func(x access) bool { return there[x] })
	})
}

func accessesOf(rules []Rule) map[access]bool {
	out := map[access]bool{}
	for _, r := range rules {
		for _, a := range r.accesses() {
			out[a] = true
		}
	}
	return out
}

func parts(rules []Rule, are func(access) bool) []Rule {
	var out []Rule
	for _, r := range rules {
		for _, a := range r.accesses() {
			if are(a) {
				out = append(out, r.only(a))
			}
		}
	}
	return Union(out)
}

// only is the part of a rule that is one access.
func (r Rule) only(a access) Rule {
	r.Verbs, r.Names = []string{a.verb}, nil
	if a.name != "" {
		r.Names = []string{a.name}
	}
	return r
}

// Required are the rules that a run cannot do without.
func Required(rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r.Without != "" })
}
