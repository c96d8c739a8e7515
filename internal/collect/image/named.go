package image

import (
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/evidence"
)

// named are records whose path alone says what is installed. The suffix keeps the regular
// expression, whose groups are the name and the version, from most paths.
var named = []struct {
	ecosystem, suffix string
	re                *regexp.Regexp
}{
	{"ruby", ".gemspec", regexp.MustCompile(`/specifications/(?:default/)?([^/]+?)(?:-([0-9][^/]*))?\.gemspec$`)},
	{"java", ".jar", regexp.MustCompile(`/([^/]+?)(?:-([0-9][^/]*))?\.jar$`)},
	{"dotnet", ".dll", regexp.MustCompile(`(?i)/((?:[^/]+\.)?(?:(?:unit|integration|functional|acceptance|e2e)?tests?|specs)|xunit\.[^/]+|nunit\.framework|nunit3\.testadapter|testhost|` +
		`microsoft\.visualstudio\.testplatform\.[^/]+|microsoft\.testplatform\.[^/]+|moq|nsubstitute|fakeiteasy|fluentassertions|shouldly|autofixture|coverlet\.[^/]+|benchmarkdotnet)()\.dll$`)},
	{"php", "/composer.json", regexp.MustCompile(`/vendor/([^/]+/[^/]+)()/composer\.json$`)},
}

// namedPackages lists those of the final file system. What a jar holds inside is not looked at.
func (t *tree) namedPackages() []evidence.Package {
	var out []evidence.Package
	t.each(func(r ref, e *layer.Table) {
		if e.Kind(r.entry) == layer.Dir {
			return
		}
		p := e.Path(r.entry)
		for _, n := range named {
			if !strings.HasSuffix(p, n.suffix) {
				continue
			}
			if m := n.re.FindStringSubmatch(p); m != nil {
				out = append(out, evidence.Package{Ecosystem: n.ecosystem, Name: m[1], Version: m[2], Path: p, Layer: r.layer})
			}
		}
	})
	return out
}
