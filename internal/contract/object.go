package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Object names a workload in the manifests.
type Object struct {
	Kind string // lower case: "deployment", "statefulset", "daemonset" or "pod"
	Name string
}

// String prints it as kubectl does: "deployment/api".
func (o Object) String() string { return o.Kind + "/" + o.Name }

var (
	kinds = []string{"deployment", "statefulset", "daemonset", "pod"}
	short = map[string]string{"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "po": "pod"}
	// dnsName is what Kubernetes takes for a workload's name (RFC 1123 subdomain).
	dnsName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// ParseObject reads "deployment/api". As with kubectl, upper and lower case are the same in
// the kind, and plural and short names ("deploy", "sts", "ds", "po") are understood.
func ParseObject(s string) (Object, error) {
	kind, name, found := strings.Cut(s, "/")
	if !found {
		return Object{}, fmt.Errorf("%q does not name a kind; write it as kind/name, such as deployment/%s", s, s)
	}
	k := strings.TrimSuffix(strings.ToLower(kind), "s")
	if long, ok := short[strings.ToLower(kind)]; ok {
		k = long
	}
	if !slices.Contains(kinds, k) {
		if near := Nearest(kind, kinds); near != "" {
			return Object{}, fmt.Errorf("%q is not a kind that podproof knows; write %s/%s", kind, near, name)
		}
		return Object{}, fmt.Errorf("%q is not a kind that podproof knows; write one of %s, then / and its name", kind, strings.Join(kinds, ", "))
	}
	if !dnsName.MatchString(name) || len(name) > 253 {
		return Object{}, fmt.Errorf("%q is not a valid Kubernetes name; write %s/ and a name of lower-case letters, digits, dots and hyphens", name, k)
	}
	return Object{k, name}, nil
}
