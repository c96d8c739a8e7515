package layer

import (
	"path"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// dpkg is the folder of Debian's database.
const dpkg = "/var/lib/dpkg/"

// debianReader chooses by the file of dpkg's database. Distroless images have a file for
// each package in status.d, with the checksums beside it.
func debianReader(dir, base string) reader {
	switch name, isList := strings.CutSuffix(base, ".list"); {
	case dir == dpkg && base == "status":
		return (*reading).readDebian
	case dir == dpkg+"info/" && isList:
		return func(l *reading, _ string, body []byte) { l.owns("debian", name, string(body)) }
	case dir == dpkg+"status.d/":
		if name, isSums := strings.CutSuffix(base, ".md5sums"); isSums {
			return func(l *reading, _ string, body []byte) { l.owns("debian", name, checked(string(body))) }
		}
		return (*reading).readDebian
	}
	return nil
}

// owns notes the files of a package: an absolute path a line.
func (l *reading) owns(ecosystem, name, paths string) {
	name, _, _ = strings.Cut(name, ":") // "libc6:amd64"
	owner := ecosystem + ":" + name
	for p := range strings.Lines(paths) {
		if p = strings.TrimRight(p, "\r\n"); len(p) > 1 {
			l.Owned[owner] = append(l.Owned[owner], Hash(path.Clean(p)))
		}
	}
}

// checked takes the paths out of lines such as "0123…  usr/bin/env".
func checked(sums string) string {
	var b strings.Builder
	for line := range strings.Lines(sums) {
		if _, p, ok := strings.Cut(line, " "); ok {
			b.WriteString("/" + strings.TrimLeft(p, " *./"))
		}
	}
	return b.String()
}

func (l *reading) readDebian(p string, body []byte) {
	out := []evidence.Package{}
	stanzas(string(body), ": ", func(f map[string]string) {
		// A removed package keeps a stanza while its settings are there ("deinstall ok
		// config-files"). Distroless stanzas have no status.
		if s := f["Status"]; f["Package"] != "" && (s == "" || strings.HasSuffix(s, " installed")) {
			out = append(out, evidence.Package{Ecosystem: "debian", Name: f["Package"], Version: f["Version"], Path: p})
		}
	})
	l.Records[p] = out
}

// readAlpine reads apk's database: the packages, and the files of each by folder (F:, R:).
func (l *reading) readAlpine(p string, body []byte) {
	out := []evidence.Package{}
	stanzas(string(body), ":", func(f map[string]string) {
		if f["P"] != "" {
			out = append(out, evidence.Package{Ecosystem: "alpine", Name: f["P"], Version: f["V"], Path: p})
		}
	})
	l.Records[p] = out
	owner, dir := "", "/"
	for line := range strings.Lines(string(body)) {
		switch k, v, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); k {
		case "P":
			owner = "alpine:" + v
		case "F":
			dir = "/" + v
		case "R":
			l.Owned[owner] = append(l.Owned[owner], Hash(path.Join(dir, v)))
		}
	}
}

// stanzas calls back with the fields of each block of lines. Of a field that occurs
// twice the first counts, as do first lines alone: names and versions are one line.
func stanzas(text string, separator string, each func(map[string]string)) {
	fields := map[string]string{}
	end := func() {
		if len(fields) > 0 {
			each(fields)
			clear(fields)
		}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			end()
		} else if k, v, ok := strings.Cut(line, separator); ok && fields[k] == "" {
			fields[k] = v
		}
	}
	end()
}
