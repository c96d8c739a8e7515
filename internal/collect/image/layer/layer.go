// Package layer reads one layer of an image, once, and keeps what may matter: a table of
// its entries, and what the bodies of some say. It judges nothing and knows neither the
// image nor the other layers, so what it finds can be kept by the layer's diff ID.
package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"podproof.dev/podproof/internal/collect/image/secrets"
	"podproof.dev/podproof/internal/evidence"
)

// Layer is what one layer holds. Facts are by path, those of a hard link's file by the
// link's path too.
type Layer struct {
	Bytes   int64 // uncompressed
	Entries Table

	Records    map[string][]evidence.Package // packages by the record that names them
	DevLocks   map[string][]string           // by lock file, the records that it marks as development only
	Owned      map[string][]uint64           // by package ("debian:openssl"), hashes of the paths that it says are its own
	Local      map[string]bool               // packages that were installed from a folder: the project itself
	GoBinaries map[string]evidence.GoBinary
	Scripts    map[string]Script
	Manifests  map[string]Manifest // package.json of programs, by path
	NodeNeeds  map[string][]string // what a package of Node needs, by its package.json
	Graceful   map[string]bool     // settings of uWSGI: whether they make SIGTERM a graceful stop
	Secrets    map[string][]secrets.Found
	Accounts   map[string][]Account // of files named passwd and group
	Venvs      map[string]string    // pyvenv.cfg to the folder of the interpreter that it was made with

	// Unopened are the files that nobody looked into, and those that hold archives of which that is so.
	Unopened map[string]Unopened
	// Skipped counts the bodies that were not looked into, by reason.
	Skipped map[string]int
}

const none = -1

// whiteout names, as in the OCI image specification (layer.md).
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh." // AUFS's own bookkeeping, which hides nothing
)

// Read reads a layer and verifies its diff ID, "sha256:…". It opens it a second time only
// when a hard link has a name of interest and its file had none: uv and pnpm link packages
// out of their caches.
func Read(ctx context.Context, open func() (io.ReadCloser, error), diffID string, budget *Budget) (*Layer, error) {
	l := &Layer{
		Records: map[string][]evidence.Package{}, DevLocks: map[string][]string{},
		Owned: map[string][]uint64{}, Local: map[string]bool{},
		GoBinaries: map[string]evidence.GoBinary{}, Scripts: map[string]Script{}, Manifests: map[string]Manifest{}, NodeNeeds: map[string][]string{},
		Graceful: map[string]bool{}, Secrets: map[string][]secrets.Found{},
		Accounts: map[string][]Account{}, Venvs: map[string]string{}, Unopened: map[string]Unopened{}, Skipped: map[string]int{},
	}
	r := reading{Layer: l, late: map[string][]string{}, sparse: none, entries: builder{budget: budget}}
	if err := r.walk(ctx, open, diffID, r.visit); err != nil {
		return nil, err
	}
	l.Entries = r.entries.table()
	r.bindHardLinks()
	if len(r.late) > 0 {
		if err := r.walk(ctx, open, diffID, r.visitLate); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// reading is a layer that is being read.
type reading struct {
	*Layer
	entries builder
	bodies  bodies
	inner   bodies // of files inside of archives
	// unpacked is how many bytes the archives had in them.
	unpacked int64
	scanner  secrets.Scanner
	// sparse is the entry whose size is to be corrected, and sparseAt where its body began.
	sparse   int
	sparseAt int64
	// late are the hard links whose names are of interest, by the path of their file.
	late map[string][]string
}

// walk visits every entry. An error of the tar format, or a digest that differs, is a Fault;
// the source's own errors stay what they are.
func (l *reading) walk(ctx context.Context, open func() (io.ReadCloser, error), diffID string, visit func(string, *tar.Header, io.Reader) error) error {
	body, err := open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	in := readAhead(ctx, body)
	defer in.close()
	r, last := tar.NewReader(in), ""
	for {
		h, err := r.Next()
		l.measure(in.at)
		if err == io.EOF {
			break
		}
		// Nothing is written to disk, so a name that would lead out of a folder does no harm.
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return in.damaged(ctx, err, last)
		}
		last = path.Join("/", h.Name)
		if err := visit(last, h, r); err != nil {
			return in.damaged(ctx, err, last)
		}
	}
	// The digest covers the padding after the archive's end, too.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return in.damaged(ctx, err, last)
	}
	l.Bytes = in.at
	if got := "sha256:" + in.digest(); got != diffID {
		return Faultf("its content has the digest %s: the image is damaged; save or build it again", got)
	}
	return nil
}

func (a *ahead) damaged(ctx context.Context, err error, entry string) error {
	where := "before its first entry"
	if entry != "" {
		where = "at or after entry " + entry
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case IsFault(err):
		return err
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong), err == io.ErrUnexpectedEOF:
		return Faultf("it cannot be read to its end, %s (byte %d): %w; save or build the image again", where, a.at, err)
	}
	return fmt.Errorf("reading it, %s (byte %d): %w", where, a.at, err)
}

// visit notes an entry, and what its body says.
func (l *reading) visit(p string, h *tar.Header, r io.Reader) error {
	dir, base := path.Split(p)
	add := func(p, link string, kind Kind, size int64) error {
		return l.entries.add(p, link, kind, h.Mode, h.Uid, h.Gid, size, h.PAXRecords["SCHILY.xattr.security.capability"])
	}
	switch {
	case base == opaqueMarker:
		return add(path.Clean(dir), "", Opaque, 0)
	case strings.HasPrefix(base, aufsPrefix):
		return nil
	case strings.HasPrefix(base, whiteoutPrefix):
		return add(path.Join(dir, strings.TrimPrefix(base, whiteoutPrefix)), "", Whiteout, 0)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return add(p, "", Dir, 0)
	case tar.TypeSymlink:
		return add(p, h.Linkname, Symlink, 0)
	case tar.TypeLink:
		return add(p, path.Join("/", h.Linkname), Hardlink, 0)
	case tar.TypeReg, tar.TypeGNUSparse:
		if err := add(p, "", File, h.Size); err != nil {
			return err
		}
		if isSparse(h) {
			l.sparse = l.entries.Len() - 1
		}
		return l.body(p, h, r)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return add(p, "", Special, 0)
	}
	return nil // what only some tars know: a volume's label and the like
}

// measure corrects the size of a sparse file, once the entry behind it tells how much of it
// was stored: holes cost nothing.
func (l *reading) measure(at int64) {
	if l.sparse >= 0 {
		size := &l.entries.Sizes[l.sparse]
		*size = min(*size, max(0, at-l.sparseAt-512))
	}
	l.sparse, l.sparseAt = none, at
}

// bindHardLinks gives links what is known of their files, and notes those whose names ask
// for the body of a file that was not read with them in mind.
func (l *reading) bindHardLinks() {
	t := &l.Entries
	links := map[string][]int{}
	for i := range t.Len() {
		if t.Kind(i) == Hardlink {
			links[t.Link(i)] = append(links[t.Link(i)], i)
		}
	}
	if len(links) == 0 {
		return
	}
	for i := range t.Len() {
		if t.Kind(i) != File {
			continue
		}
		p := t.Path(i)
		for _, link := range links[p] {
			l.bind(p, t.Path(link))
			t.Contents[link], t.Machines[link], t.Modes[link] = t.Contents[i], t.Machines[i], t.Modes[i]
			if c, ok := t.Caps[i]; ok {
				t.Caps[link] = c
			}
			if readerFor(t.Path(link)) != nil || secrets.Matters(t.Path(link)) {
				l.late[p] = append(l.late[p], t.Path(link))
			}
		}
	}
}

// bind gives a hard link what the content of its file says, whatever its name.
func (l *reading) bind(file, link string) {
	if b, ok := l.GoBinaries[file]; ok {
		b.Path = link
		l.GoBinaries[link] = b
	}
	if s, ok := l.Secrets[file]; ok {
		l.Secrets[link] = s
	}
	if s, ok := l.Scripts[file]; ok {
		l.Scripts[link] = s
	}
}

func (l *reading) visitLate(p string, h *tar.Header, r io.Reader) error {
	links := l.late[p]
	if len(links) == 0 || h.Typeflag != tar.TypeReg {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r, wholeLimit))
	for _, link := range links {
		if read := readerFor(link); read != nil {
			read(l, link, b)
		}
		if err := l.look(link, b, nil, int64(len(b)), false); err != nil {
			return err
		}
	}
	return err
}
