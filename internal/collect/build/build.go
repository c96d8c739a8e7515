// Package build builds an image with the BuildKit inside the Docker engine, and builds it
// again with some files changed, to see which steps the cache can answer for.
package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/fsutil"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// Spec says what is built.
type Spec struct {
	Context    string            // the folder that is sent, less what its .dockerignore names
	Dockerfile string            // a file inside or outside of Context
	Target     string            // a stage, or empty for the last one
	Args       map[string]string // build arguments
	Labels     map[string]string // labels of the image
	Name       string            // under which the image is kept in the engine

	// Matters tells of which RUN steps a Rebuild must learn whether they come from the
	// cache. Nil means of all.
	Matters func(evidence.BuildStep) bool
}

// Build builds and keeps the image under Spec.Name. A Dockerfile or context that is
// missing and a step that fails are evidence; an engine that is lost, and a context that
// ends, are errors. progress is told each step that starts to run, and may be nil.
func Build(ctx context.Context, engine *docker.Engine, s Spec, progress func(step string)) (evidence.Build, error) {
	started := time.Now()
	out := evidence.Build{Context: s.Context, Dockerfile: s.Dockerfile}
	missing, err := s.missing()
	if missing != "" || err != nil {
		out.MissingPath = missing
		return out, err
	}
	folder, err := fsutil.NewFS(s.Context)
	if err != nil {
		return out, fmt.Errorf("reading the build context %s: %w", s.Context, err)
	}
	rec := newRecorder(progress)
	var asked request
	failure, err := s.solve(ctx, engine, solve{folder: folder, exports: s.keep(), rec: rec, asked: &asked, made: &out.ImageID})
	if err != nil {
		return out, fmt.Errorf("building %s from %s: %w", s.Name, s.Dockerfile, err)
	}
	out.Instructions, out.Steps, out.Request = instructions(s.Dockerfile), rec.steps(), asked.got()
	locate(out.Steps, out.Instructions)
	if failure != nil {
		out.Error, out.Log = rec.failure(failure.message)
		if out.Source = failure.source; out.Source == nil {
			out.Source = show(s.Dockerfile, failure.message, out.Steps)
		}
	} else {
		// By its ID: the name may be another build's by the time one asks.
		img, err := engine.Image(ctx, cmp.Or(out.ImageID, s.Name))
		if err != nil {
			return out, fmt.Errorf("looking for the image that was just built: %w", err)
		}
		out.ImageID = img.ID
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

// keep is for an image that stays in the engine's own store.
func (s Spec) keep() []client.ExportEntry {
	return []client.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": s.Name}}}
}

// missing is the path that is not there, as the user wrote it.
func (s Spec) missing() (string, error) {
	for _, c := range []struct {
		what, path string
		dir        bool
	}{{"build context", s.Context, true}, {"Dockerfile", s.Dockerfile, false}} {
		info, err := os.Stat(c.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return c.path, nil
		case err != nil:
			return "", fmt.Errorf("reading the %s: %w", c.what, err)
		case info.IsDir() != c.dir:
			return "", fmt.Errorf("the %s %s is a %s; name a %s in the contract", c.what, c.path, kind(!c.dir), kind(c.dir))
		}
	}
	return "", nil
}

func kind(dir bool) string {
	if dir {
		return "folder"
	}
	return "file"
}
