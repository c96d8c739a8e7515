package node

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Write is a file that a container has written below the root of its file system.
type Write struct {
	Path  string
	Bytes int64
}

// errNoUpper is where the root file system does not show what was written.
var errNoUpper = errors.New("the container's root file system has no upper directory")

// Written is what is known of that: the files by path, where the container has something mounted,
// escaped as in mountinfo, and folders that it may enter and podproof could not read.
type Written struct {
	Files           []Write
	Mounted, Unread []string
}

// Writes lists the files in the upper directory of an owner's root file system (overlayfs).
func (h Host) Writes(o Owner) (Written, error) {
	ps, err := h.processes(o)
	if err != nil {
		return Written{}, err
	}
	if h.Beside {
		return h.writesBeside(ps)
	}
	for _, p := range ps {
		mounts, err := p.mounts()
		if err != nil || len(mounts) == 0 {
			continue // it has ended
		}
		w, upper := Written{}, ""
		for _, m := range mounts {
			w.Mounted = append(w.Mounted, m.point)
			if m.point == "/" {
				upper = cmp.Or(m.option("upperdir"), upper)
			}
		}
		if upper == "" {
			return Written{}, errNoUpper
		}
		w.Files, err = written(filepath.Join(h.Root, upper))
		return w, err
	}
	return Written{}, ErrGone
}

func written(upper string) ([]Write, error) {
	if _, err := os.ReadDir(upper); err != nil {
		return nil, fmt.Errorf("looking for what was written: %w", err)
	}
	var out []Write
	err := filepath.WalkDir(upper, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was removed meanwhile
		}
		rel := strings.TrimPrefix(path, upper)
		if notItsOwn(rel) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			out = append(out, Write{rel, info.Size()})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Write) int { return strings.Compare(a.Path, b.Path) })
	return out, err
}

// notItsOwn tells what the runtime puts in /dev, and what kind's hook puts into each container
// (images/base/files/kind/bin/mount-product-files.sh).
func notItsOwn(path string) bool {
	return path == "/dev" || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/product_")
}
