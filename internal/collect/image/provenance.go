package image

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// arguments reads what a statement of provenance has as the build's arguments, in the words
// of a Dockerfile: "ARG NAME=VALUE". Both versions of SLSA's predicate, as BuildKit fills them
// with --provenance=mode=max, are read; what cannot be parsed says nothing.
func arguments(statement []byte) []string {
	var s struct {
		Predicate struct {
			Invocation struct { // v0.2
				ConfigSource struct{ URI string }
				Parameters   struct{ Args map[string]string }
			}
			BuildDefinition struct { // v1
				ExternalParameters struct {
					ConfigSource struct{ URI string }
					Request      struct{ Args map[string]string }
				}
			}
		}
	}
	if json.Unmarshal(statement, &s) != nil {
		return nil
	}
	old, now := s.Predicate.Invocation, s.Predicate.BuildDefinition.ExternalParameters
	var out []string
	for _, args := range []map[string]string{old.Parameters.Args, now.Request.Args} {
		for _, key := range slices.Sorted(maps.Keys(args)) {
			kind, name, ok := strings.Cut(key, ":")
			switch {
			case ok && kind == "build-arg":
				out = append(out, "ARG "+name+"="+args[key])
			case ok && kind == "label":
				out = append(out, "LABEL "+name+"="+args[key])
			case strings.Contains(args[key], "://"): // a context in a repository
				out = append(out, "ADD "+args[key]+" /")
			}
		}
	}
	for _, uri := range []string{old.ConfigSource.URI, now.ConfigSource.URI} {
		if uri != "" {
			out = append(out, "ADD "+uri+" /")
		}
	}
	return out
}
