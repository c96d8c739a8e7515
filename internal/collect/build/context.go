package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"podproof.dev/podproof/internal/evidence"
)

// request notes what BuildKit asks for of the context.
type request struct {
	mu   sync.Mutex
	asks []evidence.ContextRequest
}

const ignoreFile = ".dockerignore"

// note is called for each transfer, before it starts.
func (r *request) note(name string, o *fsutil.FilterOpt) error {
	// The first one is for .dockerignore itself.
	if name != "context" || slices.Equal(slices.Concat(o.FollowPaths, o.IncludePatterns), []string{ignoreFile}) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asks = append(r.asks, evidence.ContextRequest{Excluded: o.ExcludePatterns, Paths: slices.Concat(o.FollowPaths, o.IncludePatterns)})
	return nil
}

// got is all that was asked for, nil when nothing was.
func (r *request) got() *evidence.ContextRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asks) == 0 {
		return nil
	}
	out := r.asks[0]
	for _, a := range r.asks[1:] {
		if len(a.Paths) == 0 || len(out.Paths) == 0 {
			out.Paths = nil
			continue
		}
		out.Paths = append(out.Paths, a.Paths...)
	}
	return &out
}

// Context lists what the builder may take, and what of it BuildKit asked for: asked is nil
// when that was nothing. Files for which alone is true have an entry of their own also where
// there are so many files that others share one.
func Context(ctx context.Context, s Spec, asked *evidence.ContextRequest, alone func(path string) bool) (evidence.BuildContext, error) {
	var out evidence.BuildContext
	file, patterns, err := s.ignored()
	if err != nil {
		return out, err
	}
	if file != "" {
		out.IgnoreFile = filepath.Base(file)
	}
	if asked != nil {
		patterns = asked.Excluded
	}
	folder, err := fsutil.NewFS(s.Context)
	if err != nil {
		return out, fmt.Errorf("reading the build context %s: %w", s.Context, err)
	}
	sent := map[string]bool{}
	if asked != nil {
		err := s.walk(ctx, folder, fsutil.FilterOpt{ExcludePatterns: patterns, FollowPaths: asked.Paths}, func(path string, _ int64) {
			sent[path] = true
		})
		if err != nil {
			return out, err
		}
	}
	var all []evidence.ContextEntry
	err = s.walk(ctx, folder, fsutil.FilterOpt{ExcludePatterns: patterns}, func(path string, size int64) {
		all = append(all, evidence.ContextEntry{Path: path, Files: 1, Bytes: size, Sent: sent[path]})
		out.Files++
		out.Bytes += size
		if sent[path] {
			out.SentFiles++
			out.SentBytes += size
		}
	})
	if err != nil {
		return out, err
	}
	out.Entries = rollUp(all, maxEntries, alone)
	for i, e := range out.Entries {
		if alone(e.Path) && filepath.Ext(e.Path) == ".txt" {
			out.Entries[i].Requirements = requirements(filepath.Join(s.Context, e.Path))
		}
	}
	return out, nil
}

// walk calls f for each regular file and each link that a filter lets through.
func (s Spec) walk(ctx context.Context, folder fsutil.FS, o fsutil.FilterOpt, f func(path string, size int64)) error {
	if len(o.FollowPaths) == 0 {
		o.FollowPaths = nil
	}
	filtered, err := fsutil.NewFilterFS(folder, &o)
	if err != nil {
		return fmt.Errorf("reading the patterns of %s: %w", ignoreFile, err)
	}
	err = filtered.Walk(ctx, "", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry == nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size := int64(0)
		if info.Mode().IsRegular() {
			size = info.Size()
		}
		f(filepath.ToSlash(path), size)
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the build context %s: %w", s.Context, err)
	}
	return nil
}

// ignored finds the .dockerignore that holds, and its patterns: one that is named after the
// Dockerfile goes before the context's.
func (s Spec) ignored() (file string, patterns []string, err error) {
	for _, file := range []string{s.Dockerfile + ignoreFile, filepath.Join(s.Context, ignoreFile)} {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
		}
		patterns, err := ignorefile.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
		}
		return file, patterns, nil
	}
	return "", nil, nil
}

// maxEntries keeps the evidence small: a folder of a hundred thousand files is no rarity.
const maxEntries = 2000

// rollUp makes at most about most entries of all: it lets files share that of the deepest
// folder at which this comes out, those that are sent and those that are not apart.
func rollUp(all []evidence.ContextEntry, most int, alone func(string) bool) []evidence.ContextEntry {
	out := all
	for depth := 8; len(out) > most && depth > 0; depth-- {
		out = shareAt(all, depth, alone)
	}
	slices.SortFunc(out, func(a, b evidence.ContextEntry) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func shareAt(all []evidence.ContextEntry, depth int, alone func(string) bool) []evidence.ContextEntry {
	type key struct {
		path string
		sent bool
	}
	var out []evidence.ContextEntry
	place := map[key]int{}
	for _, e := range all {
		names := strings.SplitAfterN(e.Path, "/", depth+1)
		if len(names) > depth && !alone(e.Path) {
			e.Path = strings.Join(names[:depth], "")
		}
		k := key{e.Path, e.Sent}
		i, ok := place[k]
		if !ok {
			place[k] = len(out)
			out = append(out, e)
			continue
		}
		out[i].Files += e.Files
		out[i].Bytes += e.Bytes
	}
	return out
}
