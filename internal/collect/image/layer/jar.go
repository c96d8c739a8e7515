package layer

import (
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

func isJava(p string) bool {
	switch path.Ext(p) {
	case ".jar", ".war", ".ear":
		return true
	}
	return false
}

// carried is a library inside of a program's archive: where Spring Boot, a web application and an
// enterprise application have theirs.
var carried = regexp.MustCompile(`^(?:BOOT-INF/lib|WEB-INF/lib(?:-provided)?|lib)/([^/]+?)(?:-([0-9][^/]*))?\.jar$`)

// carries notes the library that a file of a Java archive is, by its name alone: it is not opened.
func (l *reading) carries(p, name string) {
	if m := carried.FindStringSubmatch(name); m != nil && isJava(p) {
		l.Records[p] = append(l.Records[p], evidence.Package{Ecosystem: "java", Name: strings.ToLower(m[1]), Version: m[2], Path: p + "!/" + name})
	}
}
