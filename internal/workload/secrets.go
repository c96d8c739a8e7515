package workload

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// shortest is the length below which a secret's value is left alone: names such as
// "postgres" are values of Secrets, too, and taking them out would garble every log.
const shortest = 9

// Redactor takes the values of the manifests' Secrets out of texts, also in base64.
func Redactor(objects []Object) (func(string) string, error) {
	type replacement struct{ value, by string }
	var all []replacement
	for _, o := range objects {
		if o.GetKind() != "Secret" {
			continue
		}
		var s corev1.Secret
		if err := convert(o, &s); err != nil {
			return nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
		}
		values := map[string]string{}
		for k, v := range s.Data {
			values[k] = string(v)
		}
		for k, v := range s.StringData {
			values[k] = v
		}
		for k, v := range values {
			by := fmt.Sprintf("[value of %s:%s]", o, k)
			if v = strings.TrimSpace(v); len(v) >= shortest {
				all = append(all, replacement{base64.StdEncoding.EncodeToString([]byte(v)), by})
			}
			// A log is read line by line, so a key of many lines is looked for line by line.
			for line := range strings.Lines(v) {
				if line = strings.TrimSpace(line); len(line) >= shortest && !strings.HasPrefix(line, "-----") {
					all = append(all, replacement{line, by})
				}
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
	return strings.NewReplacer(pairs...).Replace, nil
}
