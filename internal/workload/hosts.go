package workload

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Service names a Service of a cluster.
type Service struct{ Namespace, Name string }

// String is the Service as another namespace calls it: "postgres.shop".
func (s Service) String() string { return s.Name + "." + s.Namespace }

// Names are the names by which the objects of the manifests know one another across namespaces.
type Names struct {
	// Namespaces are those of the manifests.
	Namespaces []string
	services   map[Service]bool
	anywhere   map[string]bool // Services that name no namespace: it is whichever they are applied to
	homeless   bool            // some object names none
}

// NamesOf reads the namespaces and Services of the manifests.
func NamesOf(objects []Object) Names {
	n := Names{services: map[Service]bool{}, anywhere: map[string]bool{}}
	for _, o := range objects {
		ns := o.GetNamespace()
		if o.GetKind() == "Namespace" {
			ns = o.GetName()
		}
		n.homeless = n.homeless || ns == ""
		if ns != "" && !slices.Contains(n.Namespaces, ns) {
			n.Namespaces = append(n.Namespaces, ns)
		}
		if o.GetKind() == "Service" {
			n.services[Service{ns, o.GetName()}] = true
			n.anywhere[o.GetName()] = n.anywhere[o.GetName()] || ns == ""
		}
	}
	return n
}

// apiService is the Service that every cluster has; its address is the same from everywhere.
var apiService = Service{"default", "kubernetes"}

// moves tells whether a host is a Service of the manifests, or lies in a namespace of theirs
// for certain: all that is in it is placed elsewhere.
func (n Names) moves(h host) bool {
	switch s := h.service; {
	case n.services[s]:
		return true
	case s == apiService:
		return false
	case h.full && slices.Contains(n.Namespaces, s.Namespace):
		return true
	case n.anywhere[s.Name]:
		return h.full || s.Namespace == "default" || slices.Contains(n.Namespaces, s.Namespace)
	}
	return false
}

// host is a name in a text that may be a Service's: "postgres.shop", "db-0.db.shop.svc.cluster.local".
type host struct {
	service Service
	// at is where the namespace's name lies in the text.
	at, end int
	// full tells that it has "svc" behind the namespace, which only Services have.
	full bool
}

// word is what a host's name may consist of. What an escape stands for ends a name: "%2F", "\n".
var word = regexp.MustCompile(`%[0-9A-Fa-f]{2}|\\.|[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?`)

// hosts finds the names in a text that are a Service's where there is such a Service. A path,
// a key and an address of e-mail are none.
func hosts(text string) []host {
	var out []host
	for _, m := range word.FindAllStringIndex(text, -1) {
		if h, ok := hostAt(text, m[0], m[1]); ok && !isPath(text, m[0]) && (h.full || !isMail(text, m[0], m[1])) && !isKey(text, m[1]) {
			out = append(out, h)
		}
	}
	return out
}

// hostAt reads a name as the DNS of Kubernetes has it (DNS-Based Service Discovery): at most one
// label, a pod's, comes before the Service's in the short form. In the long one, with "svc", the
// Service's may be what a placeholder stands for: "$(NAME).shop.svc".
func hostAt(text string, from, to int) (host, bool) {
	labels := strings.Split(text[from:to], ".")
	i := len(labels) - 1
	svc := slices.IndexFunc(labels, func(l string) bool { return strings.EqualFold(l, "svc") })
	full := svc >= 2 || svc == 1 && strings.HasSuffix(text[:from], ".")
	if full {
		i = svc - 1
	}
	if !full && (i < 1 || i > 2 || i == 2 && !ordinal.MatchString(labels[0])) {
		return host{}, false
	}
	h := host{service: Service{Namespace: strings.ToLower(labels[i])}, full: full, at: from, end: from + len(labels[i])}
	if i > 0 {
		h.service.Name = strings.ToLower(labels[i-1])
		before := len(strings.Join(labels[:i], ".")) + 1
		h.at, h.end = h.at+before, h.end+before
	}
	return h, true
}

// ordinal ends the name of a StatefulSet's pod.
var ordinal = regexp.MustCompile(`-\d+$`)

// isPath tells whether a name is part of a path: after one "/", but not after the two of a URL.
func isPath(text string, from int) bool {
	before := text[:from]
	return strings.HasSuffix(before, "/") && (!strings.HasSuffix(before, "//") || strings.HasSuffix(before, "///"))
}

// isMail tells whether a name comes after the "@" of an e-mail address: one of a URL, or before
// a port or a path, ends user and password. What comes before an "@" is a user.
func isMail(text string, from, to int) bool {
	if strings.HasPrefix(text[to:], "@") {
		return true
	}
	if !strings.HasSuffix(text[:from], "@") || port.MatchString(text[to:]) {
		return false
	}
	scheme := strings.LastIndex(text[:from], "://")
	return scheme < 0 || strings.ContainsAny(text[scheme+3:from], "/?# \t\r\n\"'<>")
}

var port = regexp.MustCompile(`^\.?(?::\d|/)`)

// isKey tells whether a name is the key of a property, or a function.
func isKey(text string, to int) bool {
	return strings.HasPrefix(text[to:], "=") || strings.HasPrefix(text[to:], "(")
}

// relocate leads what names a Service of the manifests to a namespace.
func (n Names) relocate(text, to string) string {
	var b strings.Builder
	last := 0
	for _, h := range hosts(text) {
		if n.moves(h) {
			b.WriteString(text[last:h.at] + to)
			last = h.end
		}
	}
	b.WriteString(text[last:])
	return b.String()
}

// Relocate returns copies of objects in which names of the manifests' Services, such as
// "postgres.shop", lead to the namespace that all of them are placed into.
func (n Names) Relocate(objects []Object, to string) []Object {
	var out []Object
	for _, o := range objects {
		c := Object{o.DeepCopy(), o.Source}
		eachText(c, func(s string) string { return n.relocate(s, to) })
		if c.GetKind() != "ConfigMap" && c.GetKind() != "Secret" {
			n.refer(c.Object, to)
		}
		out = append(out, c)
	}
	return out
}

// refer leads fields that name a namespace of the manifests, such as that of a RoleBinding's
// subject, to the one that their objects are placed into.
func (n Names) refer(node any, to string) {
	switch x := node.(type) {
	case map[string]any:
		for k, v := range x {
			if s, ok := v.(string); ok && k == "namespace" && (slices.Contains(n.Namespaces, s) || n.homeless && s == "default") {
				x[k] = to
			} else {
				n.refer(v, to)
			}
		}
	case []any:
		for _, v := range x {
			n.refer(v, to)
		}
	}
}

// Leads are the Services that texts of an object name and that the manifests do not hold.
// There decides which of the names are Services at all.
func (n Names) Leads(o Object, there map[Service]bool) []Service {
	var out []Service
	eachText(Object{o.DeepCopy(), o.Source}, func(s string) string {
		for _, h := range hosts(s) {
			if !n.moves(h) && there[h.service] && !slices.Contains(out, h.service) {
				out = append(out, h.service)
			}
		}
		return s
	})
	return out
}

// eachText changes the strings of an object in which a pod may find a host's name: what is in a
// ConfigMap, in a Secret, also in its base64, and in a specification, but for names of images.
func eachText(o Object, change func(string) string) {
	encoded := func(s string) string {
		plain, err := base64.StdEncoding.DecodeString(s)
		if err != nil || !utf8.Valid(plain) {
			return s
		}
		return base64.StdEncoding.EncodeToString([]byte(change(string(plain))))
	}
	switch kind := o.GetKind(); {
	case kind == "Secret":
		eachString(o.Object["stringData"], change)
		eachString(o.Object["data"], encoded)
	case kind == "ConfigMap":
		eachString(o.Object["data"], change)
		eachString(o.Object["binaryData"], encoded)
	case podSpecPath(kind) != nil:
		spec, _, _ := unstructured.NestedFieldNoCopy(o.Object, podSpecPath(kind)...)
		eachString(spec, change)
	default:
		eachString(o.Object["spec"], change)
	}
}

// eachString changes every string value at and below a node of maps and lists, but for images.
func eachString(node any, change func(string) string) {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			if s, ok := v.(string); ok && k != "image" {
				n[k] = change(s)
			} else {
				eachString(v, change)
			}
		}
	case []any:
		for i, v := range n {
			if s, ok := v.(string); ok {
				n[i] = change(s)
			} else {
				eachString(v, change)
			}
		}
	}
}
