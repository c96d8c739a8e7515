package layer

import (
	"encoding/json"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readDotnet reads what a program of .NET says of its libraries: {"libraries": {"xunit/2.9.0":
// {"type": "package"}}}.
func (l *reading) readDotnet(p string, body []byte) {
	var deps struct {
		Libraries map[string]struct{ Type string }
	}
	// What cannot be parsed names no package.
	_ = json.Unmarshal(body, &deps)
	out := []evidence.Package{}
	for library, is := range deps.Libraries {
		if is.Type == "package" {
			name, version, _ := strings.Cut(library, "/")
			out = append(out, evidence.Package{Ecosystem: "dotnet", Name: strings.ToLower(name), Version: version, Path: p})
		}
	}
	slices.SortFunc(out, func(a, b evidence.Package) int { return strings.Compare(a.Name, b.Name) })
	l.Records[p] = out
}
