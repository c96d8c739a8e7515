package subject

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// changes are the ways to another value beside the key of a contract.
var changes = map[string]string{"manifests": "-m", "build": "IMAGE, or build:", "workload": "IMAGE, or workload:"}

// Assumed says, where nobody wrote a contract, what stands in its place, whence, and what changes it, and
// what nothing tells. It is empty where there is a contract.
func (s Subject) Assumed() []string {
	if s.written.Written() {
		return nil
	}
	said := groups(slices.DeleteFunc(slices.Concat(s.written.Found(), s.derived), usual))
	if len(said) == 0 {
		return nil
	}
	out := []string{"There is no " + contract.DefaultFile + ", so that this is derived, and changed by what stands in brackets:"}
	for _, g := range said {
		by := changes[g.name]
		if by == "" {
			by = g.name + ":"
		}
		out = append(out, fmt.Sprintf("  %-13s %s  [%s]", g.name, strings.Join(g.parts, ", "), by))
	}
	if unknown := s.untold(); len(unknown) > 0 {
		out = append(out, "Nothing tells "+strings.Join(unknown, ", ")+", so that less of what needs them is tried: `podproof init` writes a "+contract.DefaultFile+" to put them in")
	}
	return out
}

// usual tells what holds for everybody, and what is said by another line already.
func usual(d contract.Derived) bool {
	return strings.Contains(d.From, "default") || d.Field == "http.longest" || d.Field == "image"
}

// group is what is derived below one key of a contract.
type group struct {
	name  string
	parts []string
	from  string // of the last part
}

func groups(ds []contract.Derived) []group {
	var out []group
	for _, d := range ds {
		name, rest := d.Field, ""
		if i := strings.IndexAny(d.Field, ".["); i >= 0 {
			name, rest = d.Field[:i], d.Field[strings.LastIndex(d.Field, ".")+1:]+" "
		}
		i := slices.IndexFunc(out, func(g group) bool { return g.name == name })
		if i < 0 {
			i, out = len(out), append(out, group{name: name})
		}
		g := &out[i]
		if last := len(g.parts) - 1; last >= 0 && g.from == d.From { // said once of both
			g.parts[last] = strings.TrimSuffix(g.parts[last], " ("+g.from+")")
		}
		g.parts, g.from = append(g.parts, fmt.Sprintf("%s%s (%s)", rest, d.Value, d.From)), d.From
	}
	return out
}

// untold are the keys that only somebody who knows the image can fill in.
func (s Subject) untold() []string {
	var out []string
	if s.Contract.Workload == "" {
		return nil
	}
	if len(s.Contract.Env.Required) == 0 {
		out = append(out, "env.required")
	}
	if s.Contract.Serves() && s.Contract.HTTP.Query == nil && len(s.Contract.Dependencies) > 0 {
		out = append(out, "http.query")
	}
	if s.Contract.Serves() && s.Contract.HTTP.Upload == nil {
		out = append(out, "http.upload")
	}
	return out
}

// Source is where the workload under test stands, nil where that is no file.
func (s Subject) Source() *evidence.Source {
	if s.Workload.Source.File == workload.Piped {
		return nil
	}
	return &evidence.Source{File: s.Workload.Source.File, Line: s.Workload.Source.Line, Lines: s.Workload.Source.Lines()}
}
