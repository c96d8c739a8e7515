package workload

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/credential"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// Redactor takes the values of the manifests' Secrets out of texts, however they are written
// there. It says which ones it looks for.
func Redactor(objects []Object) (func(string) string, *evidence.Secrets, error) {
	secrets := &evidence.Secrets{Shortest: redact.Shortest}
	var all []redact.Value
	for _, o := range objects {
		if o.GetKind() != "Secret" {
			continue
		}
		var s corev1.Secret
		if err := convert(o, &s); err != nil {
			return nil, nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
		}
		values := map[string]string{}
		for k, v := range s.Data {
			values[k] = string(v)
		}
		maps.Copy(values, s.StringData)
		if len(values) > 0 {
			secrets.Secrets++
		}
		for _, k := range slices.Sorted(maps.Keys(values)) {
			all = append(all, redact.Value{Name: fmt.Sprintf("%s:%s", o, k), Text: values[k]})
		}
	}
	open := inTheOpen(objects)
	r := redact.New(all, func(s string) bool { return open[s] })
	secrets.LookedFor, secrets.TooShort, secrets.Common = r.Looked, r.Short, r.Common
	return r.Replace, secrets, nil
}

// openWord is what a name looks like, and a password may look like, too.
var openWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,62}$`)

// inTheOpen are the words that the manifests use outside of their Secrets: the names of objects,
// labels, images, and the values of settings, but not of those that are secrets by their names.
func inTheOpen(objects []Object) map[string]bool {
	words := map[string]bool{}
	for _, o := range objects {
		if o.GetKind() == "Secret" {
			words[o.GetName()] = true
			continue
		}
		openWords(words, "", o.Object)
	}
	return words
}

// openWords adds the words below a value of a manifest. A setting is named by its key, or by
// the name beside its value.
func openWords(words map[string]bool, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		name, _ := v["name"].(string)
		for k, inner := range v {
			if k == "value" && name != "" {
				k = name
			}
			openWords(words, k, inner)
		}
	case []any:
		for _, inner := range v {
			openWords(words, key, inner)
		}
	case string:
		if credential.NameSays(key) != credential.Harmless || key == "args" || key == "command" {
			return
		}
		if openWord.MatchString(v) {
			words[v] = true
		}
		if key == "image" {
			for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("/:@", r) }) {
				words[part] = true
			}
		}
	}
}
