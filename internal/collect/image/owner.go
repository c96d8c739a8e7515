package image

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// owners tell whose a path is. A package's own list is believed, also after the list was
// deleted: that is how slim images are made.
type owners struct {
	names []string
	files map[uint64]int // into names
	local map[string]bool
}

func newOwners(layers []*layer.Layer) *owners {
	o := &owners{files: map[uint64]int{}, local: map[string]bool{}}
	for _, l := range layers {
		for name := range l.Local {
			o.local[name] = true
		}
	}
	place := map[string]int{}
	for _, l := range layers {
		var names []string
		for name := range l.Owned {
			names = append(names, name)
		}
		slices.Sort(names) // of two that claim a path, the same one in every run
		for _, name := range names {
			if o.local[name] {
				continue
			}
			i, ok := place[name]
			if !ok {
				i = len(o.names)
				place[name], o.names = i, append(o.names, name)
			}
			for _, h := range l.Owned[name] {
				if _, taken := o.files[h]; !taken {
					o.files[h] = i
				}
			}
		}
	}
	return o
}

// installed are folders whose content is a dependency's by their place alone, with the
// groups that name it.
var installed = []struct {
	ecosystem string
	re        *regexp.Regexp
}{
	{"node", regexp.MustCompile(`.*/node_modules/((?:@[^/]+/)?[^/.@][^/]*)/`)},
	{"go", regexp.MustCompile(`/pkg/mod/(?:cache/download/)?((?:[^/@]+/)*[^/@]+)@`)},
	{"ruby", regexp.MustCompile(`/gems/([^/]+)-[0-9][^/]*/`)},
	{"cargo", regexp.MustCompile(`/registry/src/[^/]+/([^/]+)-[0-9][^/]*/`)},
	{"python", regexp.MustCompile(`/lib/(python[0-9.]+)/`)},
	{"go", regexp.MustCompile(`^/usr/local/(go)/`)},
	{"debian", regexp.MustCompile(`^/var/lib/dpkg/info/([^.:/]+)`)}, // what a package does when it is installed
}

// merged are the folders that distributions made links to those below /usr.
var merged = regexp.MustCompile(`^/usr(/(?:s?bin|lib[a-z0-9]*)/)`)

var compiled = regexp.MustCompile(`^(.*)/__pycache__/([^/]+)\.[a-z]+-[0-9]+(?:\.opt-[0-9])?\.pyc$`)

// owner is the package that a file belongs to, "" for none.
func (o *owners) owner(p string) string {
	if m := compiled.FindStringSubmatch(p); m != nil {
		p = m[1] + "/" + m[2] + ".py"
	}
	if i, ok := o.files[layer.Hash(p)]; ok {
		return o.names[i]
	}
	if m := merged.FindStringSubmatch(p); m != nil {
		if i, ok := o.files[layer.Hash(p[len("/usr"):])]; ok {
			return o.names[i]
		}
	}
	for _, in := range installed {
		if m := in.re.FindStringSubmatch(p); m != nil {
			if in.ecosystem == "python" && inSite(p) {
				return "" // a package that lists its files does not list this one
			}
			return in.ecosystem + ":" + m[1]
		}
	}
	return ""
}

// library is an archive that a build tool put there for the program to use, by the folder that it lies in.
var library = regexp.MustCompile(`(?:/(?:lib|libs|jars|plugins|modules|dependency|dependencies)/|/\.m2/repository/.*/|/\.gradle/caches/.*/|/usr/share/(?:java|maven|gradle|ant)/.*)([^/]+?)(?:-v?\d[^/]*)?\.(?:jar|war|zip)$`)

var (
	// settings are those of a program, which no library has.
	settings = regexp.MustCompile(`^/(?:(?:BOOT-INF|WEB-INF)/classes/)?(?:config/)?(?:application|bootstrap)[^/]*\.(?:ya?ml|properties)$|/\.env[^/]*$`)
	wheel    = regexp.MustCompile(`/([A-Za-z0-9._]+)-\d[^/]*\.whl$`)
	inTests  = regexp.MustCompile(`(?i)/tests?/|/testdata/`)
)

// of is the package that a file belongs to, or one inside of an archive.
func (o *owners) of(p, inside string) string {
	if owner := o.owner(p); owner != "" || inside == "" {
		return owner
	}
	if m := library.FindStringSubmatch(p); m != nil && !settings.MatchString(inside) {
		return "java:" + m[1]
	}
	if m := wheel.FindStringSubmatch(p); m != nil {
		name := "python:" + layer.PythonName(m[1])
		if !o.local[name] && (slices.Contains(o.names, name) || inTests.MatchString(inside)) {
			return name
		}
		return ""
	}
	return o.owner(p + inside)
}

func inSite(p string) bool {
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if layer.IsSite(dir) {
			return true
		}
	}
	return strings.HasSuffix(p, "-packages")
}
