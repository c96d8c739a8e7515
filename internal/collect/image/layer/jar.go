package layer

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// directoryLimit bounds what is kept of the end of an archive, where its directory stands: a
// hundred bytes or so for each file in it.
const directoryLimit = 2 << 20

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

// readJar lists the libraries that an archive carries, by the names in its directory alone: no
// library is opened. first is the beginning of the archive.
func (l *reading) readJar(p string, first []byte, r io.Reader, size int64) error {
	tail, err := lastOf(first, r, size)
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(tail, size)
	if err != nil {
		return nil // it is damaged, or its directory is larger than any honest one's
	}
	for _, f := range archive.File {
		if m := carried.FindStringSubmatch(f.Name); m != nil {
			l.Records[p] = append(l.Records[p], evidence.Package{Ecosystem: "java", Name: strings.ToLower(m[1]), Version: m[2], Path: p + "!/" + f.Name})
		}
	}
	return nil
}

// ending is the last part of a file.
type ending struct {
	from int64
	b    []byte
}

var errNotKept = errors.New("that part of the file was not kept")

// ReadAt reads what was kept.
func (e ending) ReadAt(b []byte, at int64) (int, error) {
	if at < e.from {
		return 0, errNotKept
	}
	if at-e.from >= int64(len(e.b)) {
		return 0, io.EOF
	}
	n := copy(b, e.b[at-e.from:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// lastOf reads a body to its end and keeps the last part.
func lastOf(first []byte, r io.Reader, size int64) (ending, error) {
	if int64(len(first)) == size {
		return ending{0, first}, nil
	}
	kept := min(size, directoryLimit)
	skip := size - kept - int64(len(first))
	if skip > 0 {
		if _, err := io.CopyN(io.Discard, r, skip); err != nil {
			return ending{}, unexpected(err)
		}
	}
	e := ending{size - kept, make([]byte, kept)}
	n := 0
	if skip < 0 {
		n = copy(e.b, first[e.from:])
	}
	if _, err := io.ReadFull(r, e.b[n:]); err != nil {
		return ending{}, unexpected(err)
	}
	return e, nil
}
