package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/tonistiigi/fsutil"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// EpochVariable is the build argument with the time that a build takes for now, in seconds
// since 1970 (reproducible-builds.org/specs/source-date-epoch).
const EpochVariable = "SOURCE_DATE_EPOCH"

// DefaultEpoch is its value where the environment sets none: a time, in 2000, that every
// archive format can hold.
const DefaultEpoch = "946684800"

// Reproduce builds twice without the cache, one after the other, as BuildKit would let
// builds that run side by side share their steps, and says which layers came out different.
// The images get the two names, and are the caller's to remove; copies of them lie in dir for
// a while when their layers differ. A build that fails is evidence.
func Reproduce(ctx context.Context, engine *docker.Engine, s Spec, names [2]string, epoch, dir string, progress func(string)) (evidence.Reproduction, error) {
	started := time.Now()
	out := evidence.Reproduction{Epoch: epoch}
	var images [2]docker.Image
	for i, name := range names {
		s.Name = name
		failed, log, err := s.anew(ctx, engine, epoch, progress)
		if err != nil {
			return out, fmt.Errorf("building %s without the cache: %w", s.Dockerfile, err)
		}
		if failed != "" {
			out.Error, out.Log, out.Seconds = failed, log, time.Since(started).Seconds()
			return out, nil
		}
		if images[i], err = engine.Image(ctx, name); err != nil {
			return out, fmt.Errorf("looking for the image that was just built: %w", err)
		}
		out.LayerCounts[i] = len(images[i].Layers)
	}
	if !slices.Equal(images[0].Layers, images[1].Layers) {
		var err error
		if out.Layers, err = compareImages(ctx, engine, names, dir); err != nil {
			return out, err
		}
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

// anew builds without the cache.
func (s Spec) anew(ctx context.Context, engine *docker.Engine, epoch string, progress func(string)) (failed string, log []string, err error) {
	folder, err := fsutil.NewFS(s.Context)
	if err != nil {
		return "", nil, fmt.Errorf("reading the build context %s: %w", s.Context, err)
	}
	rec := newRecorder(progress)
	f, err := s.solve(ctx, engine, solve{folder: folder, exports: s.keep(), rec: rec,
		attrs: map[string]string{"no-cache": "", "build-arg:" + EpochVariable: epoch}})
	if err != nil || f == nil {
		return "", nil, err
	}
	failed, log = rec.failure(f.message)
	return failed, log, nil
}

// compareImages saves two images of the engine and compares their layers.
func compareImages(ctx context.Context, engine *docker.Engine, names [2]string, dir string) (pairs []evidence.LayerPair, err error) {
	var images [2]v1.Image
	for i, name := range names {
		file := filepath.Join(dir, fmt.Sprintf("reproduction-%d.tar", i+1))
		defer func() { err = errors.Join(err, os.Remove(file)) }()
		if err := save(ctx, engine, name, file); err != nil {
			return nil, err
		}
		if images[i], err = tarball.ImageFromPath(file, nil); err != nil {
			return nil, fmt.Errorf("reading the copy of %s: %w", name, err)
		}
	}
	return compareLayers(images[0], images[1])
}

func save(ctx context.Context, engine *docker.Engine, name, file string) error {
	from, err := engine.Save(ctx, name)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("copying %s: %w", name, err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copying %s to %s: %w", name, file, err)
	}
	return nil
}
