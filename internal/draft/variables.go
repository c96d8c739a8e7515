package draft

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/workload"
)

// variable is one that the manifests set in the container under test.
type variable struct {
	name, from string
	// needed tells that nothing works without it, in all likelihood: it is a Secret, or says where
	// something else is.
	needed bool
}

// address is the name of a variable that says where something is.
var address = regexp.MustCompile(`(?i)(^|_)(url|uri|dsn|host|hosts|endpoint|endpoints|servers|brokers)$`)

// variables are those of a container, each once, in the order of the manifests.
func variables(objects []workload.Object, c corev1.Container) []variable {
	var out []variable
	add := func(name, from string, secret bool) {
		if !slices.ContainsFunc(out, func(v variable) bool { return v.name == name }) && settable.MatchString(name) {
			out = append(out, variable{name, from, secret || address.MatchString(name)})
		}
	}
	for _, e := range c.Env {
		switch v := e.ValueFrom; {
		case v == nil:
			add(e.Name, "a value of the manifest", false)
		case v.SecretKeyRef != nil && !isTrue(v.SecretKeyRef.Optional):
			add(e.Name, "secret/"+v.SecretKeyRef.Name, true)
		case v.ConfigMapKeyRef != nil && !isTrue(v.ConfigMapKeyRef.Optional):
			add(e.Name, "configmap/"+v.ConfigMapKeyRef.Name, false)
		}
	}
	for _, f := range c.EnvFrom {
		kind, name, optional := "Secret", "", false
		switch {
		case f.SecretRef != nil:
			name, optional = f.SecretRef.Name, isTrue(f.SecretRef.Optional)
		case f.ConfigMapRef != nil:
			kind, name, optional = "ConfigMap", f.ConfigMapRef.Name, isTrue(f.ConfigMapRef.Optional)
		}
		keys, known := workload.Variables(objects, kind, name)
		if !known || optional {
			continue
		}
		for _, k := range keys {
			add(f.Prefix+k, strings.ToLower(kind)+"/"+name, kind == "Secret")
		}
	}
	return out
}

// settable is the name of a variable that a contract takes.
var settable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func isTrue(b *bool) bool { return b != nil && *b }
