// Package cache is the user's cache directory: where it is, who may work in it now, how much fits.
package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Dir returns podproof's own directory below $XDG_CACHE_HOME or ~/.cache, and creates it.
func Dir(elem ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache directory: %w: set HOME or XDG_CACHE_HOME", err)
	}
	dir := filepath.Join(append([]string{base, "podproof"}, elem...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", Explain(err, dir)
	}
	if err := syscall.Access(dir, 2 /* W_OK */); err != nil {
		return "", Explain(&os.PathError{Op: "write to", Path: dir, Err: err}, dir)
	}
	return dir, nil
}

// Explain adds to an error about a file in dir what to do about it. Other errors come back as they are.
func Explain(err error, dir string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), strings.Contains(strings.ToLower(err.Error()), "no space left on device"):
		return fmt.Errorf("the disk is full: %w\nNothing was left half-done. Free some space in the file system of %s, or set XDG_CACHE_HOME to a directory that has some, and run it again", err, dir)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("the cache directory cannot be written to: %w\nMake %s writable, or set XDG_CACHE_HOME to a directory that is", err, dir)
	}
	return err
}

// Free returns the bytes that an ordinary write may still take in the file system of dir.
func Free(dir string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return fs.Bavail * uint64(fs.Bsize), nil
}

// Lock waits until this process alone holds the file. busy is called once if another holds it.
// The kernel lets go of it when the process ends, however it ends.
func Lock(ctx context.Context, path string, busy func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, Explain(err, filepath.Dir(path))
	}
	fd := int(file.Fd())
	err = syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		busy()
		err = flockWait(ctx, fd)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

// flockWait leaves the waiting itself behind when the context ends: a process that was interrupted exits soon.
func flockWait(ctx context.Context, fd int) error {
	got := make(chan error, 1)
	go func() {
		for {
			if err := syscall.Flock(fd, syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
				got <- err
				return
			}
		}
	}()
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
