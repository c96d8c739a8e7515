package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"podproof.dev/podproof/internal/collect/image/secrets"
)

// What opening an archive may cost. Nothing of it is written to disk, and of what it holds no
// more is in memory than of any other file.
const (
	// archiveBytes is how much one archive may unpack to, and layerBytes those of a layer together.
	archiveBytes = 1 << 30
	layerBytes   = 4 << 30
	// archiveEntries is how many files an archive may hold.
	archiveEntries = 200_000
	// archiveRatio is how many times its size an archive may unpack to, beyond freeArchive bytes.
	archiveRatio = 200
	freeArchive  = 32 << 20
	// archiveFound is how many credentials of one archive are kept.
	archiveFound = 1000
)

// Reasons in Layer.Unopened.
const (
	unopenedForm   = "in a form that is not opened here (xz, lz4, 7z, rar)"
	unopenedBroken = "damaged, encrypted, or not what it begins like"
	unopenedLarge  = "larger, unpacked, than what is opened"
	unopenedNested = "inside of another archive"
)

var (
	errTooLarge = errors.New("it unpacks to more than is opened")
	zipMagic    = []byte("PK\x03\x04")
	bzip2Magic  = []byte("BZh")
	// closed are the forms that nothing here can open.
	closed = [][]byte{[]byte("\xfd7zXZ\x00"), []byte("\x04\x22\x4d\x18"), []byte("7z\xbc\xaf\x27\x1c"), []byte("Rar!\x1a\x07")}
)

// tarMagic stands at tarMagicAt in the first header of a tar file.
const (
	tarMagic   = "ustar"
	tarMagicAt = 257
)

// isPacked is for what has to be unpacked to look into.
func isPacked(p string, b []byte) bool { return opener(p, b) != nil || isClosed(b) }

func isClosed(b []byte) bool {
	for _, magic := range closed {
		if bytes.HasPrefix(b, magic) {
			return true
		}
	}
	return false
}

// opener is what opens a body by its first bytes, nil for what is no archive. Names are not to
// be trusted for it, but for a zip file behind a script.
func opener(p string, b []byte) func(*unpacking, io.Reader) error {
	switch {
	case bytes.HasPrefix(b, zipMagic), bytes.HasPrefix(b, []byte("#!")) && isZipName(p) && bytes.Contains(b, zipMagic):
		return (*unpacking).zip
	case isGzip(b), isZstd(b), bytes.HasPrefix(b, bzip2Magic) && len(b) > 3 && b[3] >= '1' && b[3] <= '9':
		return (*unpacking).compressed
	case isTar(b):
		return (*unpacking).tar
	}
	return nil
}

func isZipName(p string) bool {
	switch path.Ext(p) {
	case ".jar", ".war", ".pyz", ".pex", ".zip":
		return true
	}
	return false
}

func isTar(b []byte) bool {
	return len(b) >= tarMagicAt+len(tarMagic) && string(b[tarMagicAt:tarMagicAt+len(tarMagic)]) == tarMagic
}

// unpacking is an archive that is being looked through, one level deep.
type unpacking struct {
	l     *reading
	path  string
	in    *counted
	out   int64
	files int
	found []secrets.Found
	// nested is how many archives it holds.
	nested int
}

// archive looks through the files of an archive, whose first bytes are read already. What it
// cannot look through is noted; an error is one of the layer.
func (l *reading) archive(p string, first []byte, r io.Reader) error {
	open := opener(p, first)
	if open == nil {
		l.unopened(p, unopenedForm, 1)
		return nil
	}
	u := &unpacking{l: l, path: p, in: &counted{r: io.MultiReader(bytes.NewReader(first), r)}}
	err := open(u, u.in)
	if u.in.err != nil && u.in.err != io.EOF {
		return unexpected(u.in.err)
	}
	l.unpacked += u.out
	switch {
	case errors.Is(err, errTooLarge):
		l.unopened(p, unopenedLarge, 1)
	case err != nil:
		l.unopened(p, unopenedBroken, 1)
	}
	if u.nested > 0 {
		l.unopened(p, unopenedNested, u.nested)
	}
	if len(u.found) > 0 {
		l.Secrets[p] = u.found
	}
	return nil
}

// unopened notes what was not looked into. An archive that could not be read to its end is told
// for that alone.
func (l *reading) unopened(p, why string, n int) {
	if _, told := l.Unopened[p]; !told {
		l.Unopened[p] = Unopened{Why: why, Count: n}
	}
}

// Unopened says of a file why nobody looked into it, or into how many archives inside of it.
type Unopened struct {
	Why   string
	Count int
}

func (u *unpacking) zip(r io.Reader) error {
	z, err := newZip(r)
	if err != nil {
		return err
	}
	for {
		e, err := z.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case strings.HasSuffix(e.name, "/"):
			continue
		}
		u.l.carries(u.path, e.name)
		if err := u.file(e.name, &limited{z, u}, e.size); err != nil {
			return err
		}
	}
}

// compressed opens a stream of gzip, zstd or bzip2: a tar file, or one file alone.
func (u *unpacking) compressed(r io.Reader) error {
	plain, err := decompressed(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return err
	}
	defer func() { _ = plain.Close() }()
	buf := bufio.NewReaderSize(&limited{plain, u}, 4<<10)
	head, err := buf.Peek(tarMagicAt + len(tarMagic))
	if err != nil && err != io.EOF {
		return err
	}
	if isTar(head) {
		return u.tar(buf)
	}
	plainly := strings.TrimSuffix(u.path, path.Ext(u.path))
	return u.placed(path.Base(plainly), plainly, buf, -1)
}

func decompressed(r *bufio.Reader) (io.ReadCloser, error) {
	first, err := r.Peek(4)
	switch {
	case err != nil:
		return nil, err
	case isGzip(first):
		return gzip.NewReader(r)
	case isZstd(first):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(bzip2.NewReader(r)), nil
}

func (u *unpacking) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return err
		case h.Typeflag != tar.TypeReg || isSparse(h):
			continue
		}
		if err := u.file(h.Name, t, h.Size); err != nil {
			return err
		}
	}
}

// file looks through one file. size is -1 where only its end tells it.
func (u *unpacking) file(name string, r io.Reader, size int64) error {
	return u.placed(name, path.Join("/", name), r, size)
}

// placed looks through a file as one at a place, which says what it is: that of a file which is
// compressed by itself is the one that it would have.
func (u *unpacking) placed(name, place string, r io.Reader, size int64) error {
	if u.files++; u.files > archiveEntries {
		return errTooLarge
	}
	first, whole, err := u.l.inner.begin(r)
	if err != nil {
		return err
	}
	at := path.Join("/", name)
	if isPacked(at, first) {
		if libraryFolder(at) {
			u.l.Skipped[skippedLibrary]++
		} else {
			u.nested++
		}
		_, err := io.Copy(io.Discard, r) // which counts
		return err
	}
	if whole {
		size = int64(len(first))
	}
	found, err := u.l.search(place, &u.l.inner, first, r, size, nil)
	for _, f := range found {
		if f.Inside = at; len(u.found) < archiveFound {
			u.found = append(u.found, f)
		}
	}
	return err
}

// libraryFolder is where archives hold the libraries that they were built with, each as its
// maker published it.
func libraryFolder(p string) bool {
	return strings.Contains(p, "/lib/") || strings.Contains(p, "/libs/") || strings.Contains(p, "/node_modules/")
}

// limited ends what unpacks to more than is opened.
type limited struct {
	r io.Reader
	u *unpacking
}

// Read reads and counts.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	u := l.u
	u.out += int64(n)
	if u.out > archiveBytes || u.l.unpacked+u.out > layerBytes || u.out > freeArchive && u.out/archiveRatio > u.in.n {
		return n, errTooLarge
	}
	return n, err
}
