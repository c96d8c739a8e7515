package contract

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dnsLabel is one part of a name (RFC 1123 label).
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// dependencies brings the names of objects, of hosts and of kinds into their usual form.
func (r *reader) dependencies(c *Contract) {
	var seen, called []string
	for i := range c.Dependencies {
		d, field := &c.Dependencies[i], fmt.Sprintf("dependencies[%d]", i)
		if r.wrong[field] {
			continue
		}
		object := field
		if r.given(field + ".object") {
			object += ".object"
		}
		r.object(object, &d.Object)
		r.host(field+".host", &d.Host)
		r.oneDependency(field, d)
		if d.Object != "" && d.Object == c.Workload {
			r.fail(object, "%s is %s, which is the workload itself; name what it needs, or remove it", field, c.Workload)
		}
		if what := d.Object + d.Host; what != "" && slices.Contains(seen, what) {
			r.fail(field, "dependencies names %s twice; remove one of them", what)
		}
		if d.Name != "" && slices.Contains(called, d.Name) {
			r.fail(field+".name", "%s.name is %s, and so is that of another dependency; give each a name of its own", field, d.Name)
		}
		seen, called = append(seen, d.Object+d.Host), append(called, d.Name)
	}
}

func (r *reader) oneDependency(field string, d *Dependency) {
	object, host := d.Object != "" || r.given(field+".object"), d.Host != "" || r.given(field+".host")
	switch {
	case object && host:
		r.fail(field, "%s has both an object and a host; keep the object for one that the manifests hold, and the host for one outside of the cluster", field)
	case !object && !host && !r.given(field):
	case !object && !host:
		r.fail(field, "%s has neither an object nor a host; add `object: statefulset/postgres` for one that the manifests hold, or `host: s3.example.com:443` for one outside of the cluster", field)
	case object && d.Name != "":
		r.fail(field+".name", "%s.name is for a host; %s has its own name already, so remove it", field, d.Object)
	case d.Name != "" && !dnsLabel.MatchString(d.Name):
		r.fail(field+".name", "%s.name is %q; write at most 63 lower-case letters, digits and hyphens, such as s3", field, d.Name)
	}
	if d.Kind != "" && !slices.Contains(Kinds, d.Kind) {
		r.fail(field+".kind", "%s.kind is %q, which podproof does not know; %s", field, d.Kind, unknownKind(d.Kind))
	}
}

// host is one outside of the cluster: podproof stands in for its name, which an address has not.
func (r *reader) host(field string, s *string) {
	if *s == "" {
		return
	}
	bare := *s
	if _, after, found := strings.Cut(bare, "://"); found {
		bare, _, _ = strings.Cut(after, "/")
	}
	name, port, err := net.SplitHostPort(bare)
	n, bad := strconv.Atoi(port)
	switch {
	case err != nil:
		r.fail(field, "%s is %q, which has no port; write the name and the port, such as %s:443", field, *s, strings.Trim(bare, "[]:/"))
		return
	case bare != *s:
		r.fail(field, "%s is %q; write the name and the port alone: %s", field, *s, bare)
		return
	case net.ParseIP(name) != nil:
		r.fail(field, "%s is %q, an address; podproof stands in for a host by its name: write the name that the workload uses, such as s3.example.com:%s", field, *s, port)
		return
	case bad != nil || n < 1 || n > 65535:
		r.fail(field, "%s is %q; a port is a number from 1 to 65535", field, *s)
		return
	case !dnsName.MatchString(strings.ToLower(name)) || len(name) > 253:
		r.fail(field, "%s is %q; write the name of a host and a port, such as s3.example.com:443", field, *s)
		return
	}
	*s = strings.ToLower(name) + ":" + port
}
