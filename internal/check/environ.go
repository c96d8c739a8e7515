package check

import (
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// environ is the environment that the container starts with, as far as it is known: the
// image's, with what the pod sets over it. A variable whose value comes from elsewhere is left out.
func environ(e evidence.Evidence) map[string]string {
	out := map[string]string{}
	if e.Image != nil {
		for _, v := range e.Image.Config.Env {
			name, value, _ := strings.Cut(v, "=")
			out[name] = value
		}
	}
	if e.Workload == nil {
		return out
	}
	if c := containerOf(*e.Workload); c != nil {
		for _, v := range c.Env {
			out[v.Name] = v.Value
			if v.ValueFrom != nil {
				delete(out, v.Name)
			}
		}
	}
	return out
}
