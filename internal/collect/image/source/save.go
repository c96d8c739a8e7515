package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/docker"
)

// ErrOther is in the error about an engine that saved another image than the one it was asked for.
var ErrOther = errors.New("the Docker engine saved another image than the one that it was asked for")

// SaveByID saves an image by the engine's ID of it, and opens what was saved. A name may be
// another image's by now, so that what was saved must have the ID. Closing the image does not
// remove the file.
func SaveByID(ctx context.Context, engine *docker.Engine, id, dir string, host v1.Platform) (file string, img *Image, err error) {
	if file, err = Save(ctx, engine, id, dir); err != nil {
		return "", nil, err
	}
	if img, err = OpenArchive(file, host); err != nil {
		return "", nil, errors.Join(err, os.Remove(file))
	}
	if !img.Is(id) {
		return "", nil, errors.Join(fmt.Errorf("%w: %s was asked for, and what came is %s; run podproof again",
			ErrOther, id, strings.Join(img.ids, ", ")), img.Close(), os.Remove(file))
	}
	return file, img, nil
}

// Save writes an image as `docker save` does to a new file in dir, and returns the file's
// path. Removing it is the caller's affair; after an error nothing is left. The error is
// docker.ErrNotFound when the engine has no such image.
func Save(ctx context.Context, engine *docker.Engine, ref, dir string) (string, error) {
	img, err := engine.Image(ctx, ref)
	if err != nil {
		return "", err
	}
	r, err := engine.Save(ctx, ref)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	f, err := os.CreateTemp(dir, "image-*.tar")
	if err != nil {
		return "", explainFull(err, ref, dir, img.Size, 0)
	}
	n, err := io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", errors.Join(explainFull(err, ref, dir, img.Size, n), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// explainFull names the cause of a failed save; a full disk gets the sizes.
func explainFull(err error, ref, dir string, need, written int64) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("no space left in %s to save image %s: it takes about %d MiB there while podproof runs, and %d MiB fitted: make room there, or set XDG_CACHE_HOME to a folder on another disk (%w)",
			dir, ref, mib(need), mib(written), err)
	}
	return fmt.Errorf("saving image %s to a file in %s: %w", ref, dir, err)
}

func mib(n int64) int64 { return (n + 1<<20 - 1) >> 20 }
