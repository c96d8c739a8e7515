package image

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// cacheLimit bounds the folder; a layer takes a twentieth of a percent to a percent of its size.
const cacheLimit = 500 << 20

// Cache keeps what layers hold in a folder, by diff ID and the versions of the readers. A file
// is written beside its place and renamed, so that runs need no lock between them; one that is
// damaged, or cannot be read, is as good as none.
type Cache struct {
	dir   string
	limit int64
}

// NewCache keeps in a folder, which need not exist.
func NewCache(dir string) *Cache { return &Cache{dir, cacheLimit} }

// file is a layer's. An older version's files go when the folder gets too large.
func (c *Cache) file(diffID string) string {
	version := sha256.Sum256([]byte(layer.Version))
	return filepath.Join(c.dir, hex.EncodeToString(version[:6])+"-"+strings.ReplaceAll(diffID, ":", "-"))
}

// Known tells whether a layer is kept.
func (c *Cache) Known(diffID string) bool {
	if c == nil {
		return false
	}
	info, err := os.Stat(c.file(diffID))
	return err == nil && info.Mode().IsRegular()
}

// get returns a kept layer, nil where there is none.
func (c *Cache) get(diffID string) *layer.Layer {
	if c == nil {
		return nil
	}
	file := c.file(diffID)
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	// The frame ends in a checksum, so what is unpacked to its end is what was kept.
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil
	}
	defer z.Close()
	plain, err := z.DecodeAll(b, nil)
	if err != nil {
		return nil
	}
	l := &layer.Layer{}
	if err := gob.NewDecoder(bytes.NewReader(plain)).Decode(l); err != nil || !l.Entries.Sound() {
		return nil
	}
	// The oldest go first, and age is the time since the last use. Failing to say so costs a
	// reading later.
	if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > time.Hour {
		_ = os.Chtimes(file, time.Time{}, time.Now())
	}
	return l
}

// put keeps a layer.
func (c *Cache) put(diffID string, l *layer.Layer) error {
	if c == nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return err
	}
	err = errors.Join(encode(f, l), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.file(diffID))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func encode(w io.Writer, l *layer.Layer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(z).Encode(l), z.Close())
}

// prune removes what was not used for longest until the folder is within its limit, and what
// an interrupted run left.
func (c *Cache) prune() error {
	if c == nil {
		return nil
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	total := int64(0)
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular(): // another run was faster
		case strings.HasPrefix(e.Name(), "new-") && time.Since(info.ModTime()) > time.Hour:
			errs = append(errs, os.Remove(filepath.Join(c.dir, e.Name())))
		default:
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, f := range files {
		if total <= c.limit {
			break
		}
		if err := os.Remove(filepath.Join(c.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		total -= f.Size()
	}
	return errors.Join(errs...)
}
