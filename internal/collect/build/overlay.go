package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tonistiigi/fsutil"
)

// overlay is a folder in which some files have another content: for a build that is to see
// a change which the user's own folder must not see, without a copy of the folder.
type overlay struct {
	fsutil.FS
	changed time.Time
	content map[string][]byte // by the file's name, relative to the folder
	names   map[string]string // of the files by the paths that were asked for
	mu      sync.Mutex
	opened  map[string]bool
}

// changed is the folder with other content in files, whose paths are relative to it.
func changed(folder string, files []string) (*overlay, error) {
	base, err := fsutil.NewFS(folder)
	if err != nil {
		return nil, fmt.Errorf("reading the build context %s: %w", folder, err)
	}
	o := &overlay{FS: base, changed: time.Now(), content: map[string][]byte{}, names: map[string]string{}, opened: map[string]bool{}}
	for _, f := range files {
		name, err := inside(folder, filepath.Join(folder, f))
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("reading the file that is to change: %w", err)
		}
		o.content[name], o.names[f] = alter(name, content), name
	}
	return o, nil
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
		return "", fmt.Errorf("the source file %s is not there; let build.sourceFile or sourceFiles name one that is built into the image", file)
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
		return "", fmt.Errorf("the source file %s lies outside of the build context %s; let build.sourceFile or sourceFiles name one inside", file, folder)
	}
	if info, err := os.Stat(real); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the source file %s is not a regular file", file)
	}
	return name, nil
}

// Walk reports the files with their new size and time: by these BuildKit decides whether to
// ask for a file's content, or to take what it has of the last transfer.
func (o *overlay) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	return o.FS.Walk(ctx, target, func(path string, entry fs.DirEntry, err error) error {
		content, ok := o.content[filepath.Clean(path)]
		if err != nil || entry == nil || !ok {
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
		stat.Stat.Size = int64(len(content))
		stat.Stat.ModTime = o.changed.UnixNano()
		stat.Linkname = "" // a hard link to a file that keeps its content would be that file
		return fn(path, &fsutil.DirEntryInfo{Stat: stat.Stat}, nil)
	})
}

// Open opens the other content where there is one.
func (o *overlay) Open(path string) (io.ReadCloser, error) {
	name := filepath.Clean(strings.TrimPrefix(path, string(filepath.Separator)))
	content, ok := o.content[name]
	if !ok {
		return o.FS.Open(path)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened[name] = true
	return io.NopCloser(bytes.NewReader(content)), nil
}

// unsent are the files, as they were asked for, whose other content the builder did not want.
func (o *overlay) unsent() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []string
	for file, name := range o.names {
		if !o.opened[name] {
			out = append(out, file)
		}
	}
	slices.Sort(out)
	return out
}
