package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"

	"podproof.dev/podproof/internal/collect/image/secrets"
)

const (
	// wholeLimit bounds the files that are read as a whole: dpkg's status, the largest of
	// them, has a few MiB on a full desktop.
	wholeLimit = 16 << 20
	// window is how much of a longer body is looked at at once, and overlap how much of it
	// stays for the next look: nothing that is searched for is longer.
	window  = 512 << 10
	overlap = 128 << 10
	// before is how much of what was decided stays in view.
	before = 4 << 10
	// sparseLimit bounds how much of a sparse file is read: its holes cost nothing to store.
	sparseLimit = 64 << 20
)

// Reasons in Layer.Skipped.
const (
	skippedLibrary = "libraries inside of an archive"
	skippedSparse  = "sparse, and larger than 64 MiB"
	skippedLarge   = "a record larger than 16 MiB"
	skippedNames   = "settings larger than 1 MiB: for tokens alone"
)

// bodies has the buffer that one body after the other is read into.
type bodies struct{ buf []byte }

// reader reads the body of a file whose path says what it is.
type reader func(l *reading, p string, body []byte)

// readerFor is the one matcher: what the path of a file asks for, nil for most.
func readerFor(p string) reader {
	dir, base := path.Split(p)
	switch {
	case isNodeLock(p):
		return (*reading).readNodeLock
	case base == "package.json":
		if _, ok := nodePackage(p); ok {
			return (*reading).readNode
		}
		if !strings.Contains(dir, "/node_modules/") {
			return (*reading).readManifest
		}
	case base == "installed.json" && strings.HasSuffix(dir, "/vendor/composer/"):
		return (*reading).readComposer
	case strings.HasSuffix(base, ".deps.json"):
		return (*reading).readDotnet
	case path.Ext(base) == ".ini":
		return (*reading).readUWSGI
	case base == "RECORD" && strings.HasSuffix(dir, ".dist-info/"):
		return (*reading).readPythonRecord
	case base == "direct_url.json" && strings.HasSuffix(dir, ".dist-info/"):
		return (*reading).readPythonOrigin
	case base == "pyvenv.cfg":
		return (*reading).readVenv
	case base == "passwd" || base == "group":
		return (*reading).readAccounts
	case strings.HasPrefix(dir, dpkg):
		return debianReader(dir, base)
	case p == "/lib/apk/db/installed" || p == "/usr/lib/apk/db/installed":
		return (*reading).readAlpine
	}
	if isPython(p) {
		return (*reading).readPython
	}
	return nil
}

// body reads the body of the entry that was added last.
func (l *reading) body(p string, h *tar.Header, r io.Reader) error {
	if isSparse(h) {
		if h.Size > sparseLimit {
			l.Skipped[skippedSparse]++
			return nil
		}
	}
	b, err := l.bodies.first(r, h.Size)
	if err != nil {
		return err
	}
	last := l.entries.Len() - 1
	elf := isELF(b)
	switch {
	case elf:
		l.entries.Contents[last], l.entries.Machines[last] = byte(ELF), machineOf(b)
	case bytes.HasPrefix(b, []byte("#!")):
		l.entries.Contents[last] = byte(HashBang)
	case isMachO(b):
		l.entries.Machines[last] = uint16(darwin)
	}
	whole := int64(len(b)) == h.Size
	if whole && isScript(p, b) {
		l.Scripts[p] = readScript(b)
	}
	if read := readerFor(p); read != nil {
		switch {
		case whole:
			read(l, p, b)
		case h.Size <= wholeLimit:
			all := make([]byte, h.Size)
			if _, err := io.ReadFull(r, all[copy(all, b):]); err != nil {
				return unexpected(err)
			}
			read(l, p, all)
			b = all
		default:
			l.Skipped[skippedLarge]++
		}
	}
	if isPacked(p, b) {
		return l.archive(p, b, r)
	}
	return l.look(p, b, r, h.Size, elf && h.Mode&Executable != 0)
}

// look searches a body for credentials, and a program for what Go left in it.
func (l *reading) look(p string, b []byte, r io.Reader, size int64, program bool) error {
	var g goSearch
	var also *secrets.Also
	if program {
		with := goWords()
		with.Hit = g.hit
		also = &with
	}
	found, err := l.search(p, &l.bodies, b, r, size, also)
	if found != nil {
		l.Secrets[p] = found
	}
	if g.found != nil {
		g.found.Path, g.found.Test = p, g.test
		l.GoBinaries[p] = *g.found
	}
	return err
}

// search shows a body to the scanner, as UTF-8 where it is UTF-16. size is -1 where only the
// body's end tells it.
func (l *reading) search(p string, in *bodies, first []byte, r io.Reader, size int64, also *secrets.Also) ([]secrets.Found, error) {
	if order := utf16Order(first); order != nil {
		r, size = &utf16Reader{r: io.MultiReader(bytes.NewReader(bytes.Clone(first)), rest(r)), order: order}, -1
		var err error
		var whole bool
		if first, whole, err = in.begin(r); err != nil {
			return nil, err
		} else if whole {
			size = int64(len(first))
		}
	}
	l.scanner.Start(p, first, size, also)
	if l.scanner.Partly() {
		l.Skipped[skippedNames]++
	}
	err := in.stream(first, r, size, l.scanner.See)
	return l.scanner.Finish(), err
}

// rest is what is left of a body, nothing where it was read as a whole.
func rest(r io.Reader) io.Reader {
	if r == nil {
		return bytes.NewReader(nil)
	}
	return r
}

func isSparse(h *tar.Header) bool {
	return h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.size"] != ""
}

// first reads as much of a body as is looked at at once.
func (b *bodies) first(r io.Reader, size int64) ([]byte, error) {
	if b.buf == nil {
		b.buf = make([]byte, window)
	}
	buf := b.buf[:min(size, window)]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, unexpected(err)
	}
	return buf, nil
}

// begin is first for a body whose size is not known. It tells whether that was the whole body.
func (b *bodies) begin(r io.Reader) (first []byte, whole bool, err error) {
	if b.buf == nil {
		b.buf = make([]byte, window)
	}
	n, err := fill(r, b.buf)
	if err == io.EOF {
		return b.buf[:n], true, nil
	}
	return b.buf[:n], false, err
}

// fill reads until the buffer is full, or to the end of what there is, which is io.EOF.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// stream shows a body to see, a part at a time; b is its beginning. What starts in
// chunk[from:to] has not been shown before, and is not shown again; up to overlap bytes
// behind it, and some before it, are in the chunk, too.
func (b *bodies) stream(first []byte, r io.Reader, size int64, see func(chunk []byte, from, to int)) error {
	from, chunk := 0, first
	more := size < 0 || size > int64(len(first)) // else nothing is left of a body that was read as a whole
	left := size - int64(len(first))
	for {
		to := len(chunk)
		if more {
			to = max(from, to-overlap)
		}
		see(chunk, from, to)
		if !more {
			return nil
		}
		// The undecided end moves to the front, with what stands before it.
		keep := max(0, to-before)
		n := copy(b.buf, chunk[keep:])
		from = to - keep
		room := b.buf[n:]
		if size >= 0 {
			room = room[:min(left, int64(len(room)))]
		}
		m, err := fill(r, room)
		left -= int64(m)
		switch {
		case err == io.EOF && (size < 0 || left == 0):
			more = false
		case err != nil:
			return unexpected(err)
		case size >= 0:
			more = left > 0
		}
		chunk = b.buf[:n+m]
	}
}

// unexpected is for an end where the header promised more.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
