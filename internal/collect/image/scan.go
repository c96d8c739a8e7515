package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/evidence"
)

// found is what one layer holds, as far as it may matter to the final file system.
type found struct {
	bytes int64 // of the uncompressed layer

	entries   names             // every path that the layer has
	files     names             // those that are not directories
	whiteouts names             // paths that the layer removes
	opaques   names             // directories whose lower content the layer hides
	links     map[string]string // symbolic links

	records  map[string][]evidence.Package // packages by the record that names them
	devLocks map[string][]string           // by lock file, the records that it marks as development only
	tools    map[string]string             // path to name
	programs map[string]evidence.GoBinary

	hard map[string]string // hard links: path to target, within the layer
}

// whiteout names, as in the OCI image specification (layer.md).
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh." // AUFS's own bookkeeping, which hides nothing
)

// scan reads a layer once, and a second time when a hard link of interest points at a
// file that was not of interest itself: uv and pnpm link packages out of their caches.
func scan(ctx context.Context, l v1.Layer, id v1.Hash, index int) (*found, error) {
	f := &found{
		entries: names{}, files: names{}, whiteouts: names{}, opaques: names{}, links: map[string]string{},
		records: map[string][]evidence.Package{}, devLocks: map[string][]string{},
		tools: map[string]string{}, programs: map[string]evidence.GoBinary{}, hard: map[string]string{},
	}
	buf := spool{inMemory: spoolInMemory}
	defer buf.close()
	err := f.walk(ctx, l, id, func(p string, h *tar.Header, r io.Reader) error { return f.visit(p, h, r, &buf) })
	if err != nil {
		return nil, err
	}
	if late := f.bindHardLinks(); len(late) > 0 {
		err = f.walk(ctx, l, id, func(p string, h *tar.Header, r io.Reader) error {
			links := late[p]
			if len(links) == 0 || h.Typeflag != tar.TypeReg {
				return nil
			}
			b, err := io.ReadAll(io.LimitReader(r, documentLimit))
			for _, link := range links {
				f.readRecord(link, bytes.NewReader(b))
			}
			return err
		})
	}
	f.setLayer(index)
	return f, err
}

// walk visits every entry and verifies the diff ID on the way.
func (f *found) walk(ctx context.Context, l v1.Layer, id v1.Hash, visit func(string, *tar.Header, io.Reader) error) error {
	body, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	sum, count := sha256.New(), new(counter)
	in := bufio.NewReaderSize(io.TeeReader(cancellable{ctx, body}, io.MultiWriter(sum, count)), 256<<10)
	r := tar.NewReader(in)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		// Nothing is written to disk, so a name that would lead out of a folder does no harm.
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return damaged(ctx, err)
		}
		if err := visit(path.Join("/", h.Name), h, r); err != nil {
			return damaged(ctx, err)
		}
	}
	// The digest covers the padding after the archive's end too.
	if _, err := io.Copy(io.Discard, in); err != nil {
		return damaged(ctx, err)
	}
	f.bytes = int64(*count)
	if got := hex.EncodeToString(sum.Sum(nil)); got != id.Hex {
		return fmt.Errorf("its content has the digest sha256:%s: the image is damaged; save or build it again", got)
	}
	return nil
}

func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, errSpool) {
		return err
	}
	return fmt.Errorf("it cannot be read to its end: %w; save or build the image again", err)
}

// visit notes what an entry means. What it does not read of the body is skipped.
func (f *found) visit(p string, h *tar.Header, r io.Reader, buf *spool) error {
	dir, base := path.Split(p)
	switch {
	case base == opaqueMarker:
		f.opaques.add(path.Clean(dir))
		return nil
	case strings.HasPrefix(base, aufsPrefix):
		return nil
	case strings.HasPrefix(base, whiteoutPrefix):
		f.whiteouts.add(path.Join(dir, strings.TrimPrefix(base, whiteoutPrefix)))
		return nil
	}
	f.entries.add(p)
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	f.files.add(p)
	switch h.Typeflag {
	case tar.TypeSymlink:
		f.links[p] = h.Linkname
	case tar.TypeLink:
		f.hard[p] = path.Join("/", h.Linkname)
	case tar.TypeReg, tar.TypeGNUSparse:
	default: // a device or a pipe
		return nil
	}
	executable := h.Mode&0o111 != 0
	if name := toolName(p); name != "" && (executable || h.Typeflag == tar.TypeSymlink) {
		f.tools[p] = name
	}
	if h.Typeflag != tar.TypeReg || f.readRecord(p, r) || !executable {
		return nil
	}
	b, ok, err := buf.goBinary(r, h.Size)
	if ok {
		b.Path = p
		f.programs[p] = b
	}
	return err
}

// readRecord reads a file by which an ecosystem says what is installed. It is false for any other file.
func (f *found) readRecord(p string, r io.Reader) bool {
	if isNodeLock(p) {
		f.devLocks[p] = readNodeLock(p, r)
		return true
	}
	for _, read := range []func(string, io.Reader) ([]evidence.Package, bool){readPython, readNode, readDebian, readAlpine} {
		if ps, ok := read(p, r); ok {
			f.records[p] = ps
			return true
		}
	}
	return false
}

// bindHardLinks gives links what is known of their targets, and returns the links that
// are records by name while their targets were not read, by target.
func (f *found) bindHardLinks() map[string][]string {
	late := map[string][]string{}
	for p, target := range f.hard {
		if b, ok := f.programs[target]; ok {
			b.Path = p
			f.programs[p] = b
		}
		// Only reading tells whether the path is that of a record; an empty body will do.
		if f.readRecord(p, strings.NewReader("")) {
			late[target] = append(late[target], p)
		}
	}
	return late
}

func (f *found) setLayer(index int) {
	for _, ps := range f.records {
		for i := range ps {
			ps[i].Layer = index
		}
	}
	for p, b := range f.programs {
		b.Layer = index
		f.programs[p] = b
	}
}

// counter counts what is written to it.
type counter int64

// Write counts and cannot fail.
func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// cancellable ends a long read when its context ends.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

// Read fails once the context is done.
func (c cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
