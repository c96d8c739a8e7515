package standin

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"podproof.dev/hack/internal/cache"
)

// NeedSpace checks that what the images still lack will fit, before anything is begun.
func (b *Builder) NeedSpace(images []Image) error {
	needs := map[string]uint64{} // by directory
	counted := map[string]bool{}
	var count func(p part)
	count = func(p part) {
		if counted[b.path(p)] || b.has(p) {
			return
		}
		counted[b.path(p)] = true
		needs[b.Dir] += p.size
		needs[os.TempDir()] = max(needs[os.TempDir()], p.scratch) // one at a time
		needs[b.Host.Go["GOCACHE"]] += p.compile
		for _, a := range p.after {
			count(a)
		}
	}
	for _, image := range images {
		for _, p := range image.parts {
			count(p)
		}
	}
	// Directories of one file system share what it has left.
	names, sums := map[uint64][]string{}, map[uint64]uint64{}
	for dir, need := range needs {
		if need == 0 {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return cache.Explain(err, dir)
		}
		var info syscall.Stat_t
		if err := syscall.Stat(dir, &info); err != nil {
			return &os.PathError{Op: "stat", Path: dir, Err: err}
		}
		names[info.Dev] = append(names[info.Dev], dir)
		sums[info.Dev] += need
	}
	for device, need := range sums {
		free, err := cache.Free(names[device][0])
		if err != nil {
			return err
		}
		if free < need {
			return fmt.Errorf("the images need about %s in %s, and %s is free there: free some space, or set XDG_CACHE_HOME to a directory that has some",
				size(need), strings.Join(names[device], " and "), size(free))
		}
	}
	return nil
}

// fullDisk adds to an error that a disk is full, which some programs keep to themselves.
func (b *Builder) fullDisk(err error) error {
	for _, dir := range []string{b.Dir, os.TempDir(), b.Host.Go["GOCACHE"]} {
		if free, failed := cache.Free(dir); failed == nil && free < 4<<20 {
			return fmt.Errorf("%w in %s: %w", syscall.ENOSPC, dir, err)
		}
	}
	return err
}

func size(bytes uint64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%.1f GB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}
