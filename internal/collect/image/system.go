package image

import (
	"bufio"
	"io"
	"path"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// readDebian reads dpkg's status file, or one of the files that distroless images have
// instead of it, a package each.
func readDebian(p string, r io.Reader) ([]evidence.Package, bool) {
	split := path.Dir(p) == "/var/lib/dpkg/status.d" && !strings.HasSuffix(p, ".md5sums")
	if p != "/var/lib/dpkg/status" && !split {
		return nil, false
	}
	var out []evidence.Package
	stanzas(r, ": ", func(f map[string]string) {
		// A removed package keeps a stanza while its settings are there ("deinstall ok
		// config-files"). Distroless stanzas have no status.
		if s := f["Status"]; f["Package"] != "" && (s == "" || strings.HasSuffix(s, " installed")) {
			out = append(out, evidence.Package{Ecosystem: "debian", Name: f["Package"], Version: f["Version"], Path: p})
		}
	})
	return out, true
}

// readAlpine reads apk's database of installed packages.
func readAlpine(p string, r io.Reader) ([]evidence.Package, bool) {
	if p != "/lib/apk/db/installed" && p != "/usr/lib/apk/db/installed" {
		return nil, false
	}
	var out []evidence.Package
	stanzas(r, ":", func(f map[string]string) {
		if f["P"] != "" {
			out = append(out, evidence.Package{Ecosystem: "alpine", Name: f["P"], Version: f["V"], Path: p})
		}
	})
	return out, true
}

// stanzas calls back with the fields of each block of lines. Of a field that occurs
// twice the first counts, as do first lines alone: names and versions are one line.
func stanzas(r io.Reader, separator string, each func(map[string]string)) {
	fields := map[string]string{}
	end := func() {
		if len(fields) > 0 {
			each(fields)
			fields = map[string]string{}
		}
	}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			end()
		} else if k, v, ok := strings.Cut(line, separator); ok && fields[k] == "" {
			fields[k] = v
		}
		if err != nil { // the walk over the layer reports what is not the end of the file
			end()
			return
		}
	}
}
