// Package build builds an image with the BuildKit inside the Docker engine, and builds it
// again with one file changed, to see which steps the cache can answer for.
package build

import (
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
	exports := []client.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": s.Name}}} // the engine's own store
	failure, err := s.solve(ctx, engine, folder, exports, rec, nil)
	if err != nil {
		return out, fmt.Errorf("building %s from %s: %w", s.Name, s.Dockerfile, err)
	}
	out.Steps = rec.steps()
	if failure != "" {
		out.Error, out.Log = rec.failure(failure)
	} else {
		img, err := engine.Image(ctx, s.Name)
		if err != nil {
			return out, fmt.Errorf("looking for the image that was just built: %w", err)
		}
		out.ImageID = img.ID
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

// errDecided ends a rebuild of which nothing more is to be learnt.
var errDecided = errors.New("every step is decided")

// Rebuild builds once more, with the content of file (a path like Spec.Context, inside of
// it) changed on its way to the engine. Nothing is written to the user's folder, and no
// image is kept. It ends as soon as every RUN step that matters is decided, so that a
// compilation is not waited for. A build that fails is evidence, as is a file that is not
// sent at all; a file that is not there, or outside of Spec.Context, is an error.
func Rebuild(ctx context.Context, engine *docker.Engine, s Spec, file string) (evidence.Rebuild, error) {
	started := time.Now()
	out := evidence.Rebuild{File: file}
	folder, err := changed(s.Context, file)
	if err != nil {
		return out, err
	}
	rec := newRecorder(nil)
	failure, err := s.solve(ctx, engine, folder, nil, rec, s.decided)
	if err != nil {
		return out, fmt.Errorf("building %s again with other content in %s: %w", s.Name, file, err)
	}
	out.Steps, out.EndedEarly = rec.steps(), rec.ended
	switch {
	case failure != "":
		out.Error, _ = rec.failure(failure)
	case !folder.sent():
		out.Error = fmt.Sprintf("%s is not sent to the build: .dockerignore leaves it out, or no step of the Dockerfile uses it, so a change of it shows nothing; name a source file that is built into the image", file)
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
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
