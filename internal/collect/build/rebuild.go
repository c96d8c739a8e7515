package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// errDecided ends a rebuild of which nothing more is to be learnt.
var errDecided = errors.New("every step is decided")

// Rebuild builds once more, with other content in files (relative to Spec.Context) on their
// way to the engine. Nothing is written to the user's folder, and no image is kept. It ends
// as soon as every RUN step that matters is decided, so that a compilation is not waited
// for. A build that fails is evidence, as are files that are not sent at all; a file that is
// not there, or outside of Spec.Context, is an error.
func Rebuild(ctx context.Context, engine *docker.Engine, s Spec, files []string) (evidence.Rebuild, error) {
	started := time.Now()
	out := evidence.Rebuild{Files: files}
	folder, err := changed(s.Context, files)
	if err != nil {
		return out, err
	}
	rec := newRecorder(nil)
	failed, err := s.solve(ctx, engine, solve{folder: folder, rec: rec, enough: s.decided})
	if err != nil {
		return out, fmt.Errorf("building %s again with other content in %s: %w", s.Name, strings.Join(files, ", "), err)
	}
	out.Steps, out.EndedEarly, out.Unsent = rec.steps(), rec.ended, folder.unsent()
	locate(out.Steps, instructions(s.Dockerfile))
	if failed != nil {
		out.Error, _ = rec.failure(failed.message)
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}
