package build

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tonistiigi/fsutil"
)

// overlay is a folder in which one file has another content: for a build that is to see
// a change which the user's own folder must not see, without a copy of the folder.
type overlay struct {
	fsutil.FS
	name    string // of the file, relative to the folder
	content []byte
	changed time.Time
	opened  atomic.Bool
}

// changed is the folder with other content in file.
func changed(folder, file string) (*overlay, error) {
	name, err := inside(folder, file)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the source file that is to change: %w", err)
	}
	base, err := fsutil.NewFS(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the build context %s: %w", folder, err)
	}
	return &overlay{FS: base, name: name, content: alter(content), changed: time.Now()}, nil
}

// inside is the file's path relative to the folder, both without symbolic links: BuildKit
// is sent links as links, so it is the file behind one that must change.
func inside(folder, file string) (string, error) {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", fmt.Errorf("reading the build context: %w", err)
	}
	real, err := filepath.EvalSymlinks(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the source file %s is not there; let build.sourceFile name one that is built into the image", file)
	} else if err != nil {
		return "", fmt.Errorf("reading the source file: %w", err)
	}
	if root, err = filepath.Abs(root); err != nil {
		return "", err
	}
	if real, err = filepath.Abs(real); err != nil {
		return "", err
	}
	name, err := filepath.Rel(root, real)
	if err != nil || !filepath.IsLocal(name) {
		return "", fmt.Errorf("the source file %s lies outside of the build context %s; let build.sourceFile name one inside", file, folder)
	}
	if info, err := os.Stat(real); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the source file %s is not a regular file", file)
	}
	return name, nil
}

// alter adds a line of blanks. Compilers and interpreters of all languages read over it,
// while BuildKit, which compares content, sees another file. The blanks are random: those
// of an earlier run are in the cache.
func alter(content []byte) []byte {
	out := bytes.Clone(content)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails, see its documentation
	for _, b := range nonce {
		for bit := range 8 {
			out = append(out, " \t"[b>>bit&1])
		}
	}
	return append(out, '\n')
}

// Walk reports the file with its new size and time: by these BuildKit decides whether to
// ask for a file's content, or to take what it has of the last transfer.
func (o *overlay) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	return o.FS.Walk(ctx, target, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry == nil || filepath.Clean(path) != o.name {
			return fn(path, entry, err)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.(*fsutil.StatInfo)
		if !ok {
			return fmt.Errorf("the build context's %s has no stat to change (%T)", path, info)
		}
		stat.Stat.Size = int64(len(o.content))
		stat.Stat.ModTime = o.changed.UnixNano()
		stat.Linkname = "" // a hard link to a file that keeps its content would be that file
		return fn(path, &fsutil.DirEntryInfo{Stat: stat.Stat}, nil)
	})
}

// Open opens the other content for the one file.
func (o *overlay) Open(path string) (io.ReadCloser, error) {
	if filepath.Clean(strings.TrimPrefix(path, string(filepath.Separator))) != o.name {
		return o.FS.Open(path)
	}
	o.opened.Store(true)
	return io.NopCloser(bytes.NewReader(o.content)), nil
}

// sent tells whether the builder asked for the file.
func (o *overlay) sent() bool { return o.opened.Load() }
