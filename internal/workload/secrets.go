package workload

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// shortest is the length below which a secret's value is left alone: names such as
// "postgres" are values of Secrets, too, and taking them out would garble every log.
const shortest = 9

// Redactor takes the values of the manifests' Secrets out of texts, also in base64. It says
// which ones it looks for.
func Redactor(objects []Object) (func(string) string, *evidence.Secrets, error) {
	type replacement struct{ value, by string }
	var all []replacement
	secrets := &evidence.Secrets{Shortest: shortest}
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
		for k, v := range s.StringData {
			values[k] = v
		}
		for _, k := range slices.Sorted(maps.Keys(values)) {
			name, looked := fmt.Sprintf("%s:%s", o, k), forms(values[k])
			if strings.TrimSpace(values[k]) == "" {
				continue
			}
			if len(looked) == 0 {
				secrets.TooShort = append(secrets.TooShort, name)
				continue
			}
			secrets.LookedFor++
			for _, form := range looked {
				all = append(all, replacement{form, "[value of " + name + "]"})
			}
		}
	}
	// The longest first, so that a value within another does not break it up.
	slices.SortFunc(all, func(a, b replacement) int {
		return cmp.Or(cmp.Compare(len(b.value), len(a.value)), cmp.Compare(a.value, b.value))
	})
	var pairs []string
	for _, r := range all {
		pairs = append(pairs, r.value, r.by)
	}
	return strings.NewReplacer(pairs...).Replace, secrets, nil
}

// forms are the ways in which a secret's value is found in a text: its lines, since a log is
// read line by line; in base64 and as part of a URL; and, where it is a URL itself, the
// password in it.
func forms(value string) []string {
	value = strings.TrimSpace(value)
	var out []string
	add := func(s string) {
		if len(s) >= shortest && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			add(line)
		}
	}
	if len(value) >= shortest {
		add(base64.StdEncoding.EncodeToString([]byte(value)))
		add(url.QueryEscape(value))
		add(url.PathEscape(value))
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		password, _ := u.User.Password()
		add(password)
		add(url.QueryEscape(password))
	}
	return out
}
