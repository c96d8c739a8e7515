package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tonistiigi/fsutil"
)

// How much of a context is read for its digest: about a second's worth.
const (
	digestFiles = 50_000
	digestBytes = 512 << 20
)

// Digest is that of all that a builder may take: the files of the context that no .dockerignore names,
// with their modes, the targets of links, the Dockerfile and the .dockerignore. Times are not in it, as they
// are not in what BuildKit compares. A context that is too large for it to be cheap is an error.
func (s Spec) Digest(ctx context.Context) (string, error) {
	return s.digest(ctx, digestFiles, digestBytes)
}

func (s Spec) digest(ctx context.Context, files int, most int64) (string, error) {
	ignore, patterns, err := s.ignored()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, file := range []string{s.Dockerfile, ignore} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s\n", filepath.Base(file), len(text), text)
	}
	folder, err := fsutil.NewFS(s.Context)
	if err != nil {
		return "", fmt.Errorf("reading the build context %s: %w", s.Context, err)
	}
	filtered, err := fsutil.NewFilterFS(folder, &fsutil.FilterOpt{ExcludePatterns: patterns})
	if err != nil {
		return "", fmt.Errorf("reading the patterns of %s: %w", ignoreFile, err)
	}
	n, all := 0, int64(0)
	err = filtered.Walk(ctx, "", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry == nil {
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
		n, all = n+1, all+size
		if n > files || all > most {
			return fmt.Errorf("the build context %s is large, with more than %d files or %d MiB: a .dockerignore may leave out what no build needs", s.Context, files, most>>20)
		}
		fmt.Fprintf(sum, "%q %s %d\n", path, info.Mode(), size)
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(filepath.Join(s.Context, path))
			fmt.Fprintf(sum, "%q\n", to)
			return err
		case info.Mode().IsRegular():
			f, err := filtered.Open(path)
			if err != nil {
				return err
			}
			_, err = io.Copy(sum, f)
			return errors.Join(err, f.Close())
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("taking the digest of the build context: %w", err)
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}
