package images

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"podproof.dev/hack/internal/docker"
	"podproof.dev/hack/internal/progress"
)

// answerWithin is how long a registry may take to say what an image consists of.
const answerWithin = 8 * time.Second

// errNoAnswer says that the registry cannot be reached, or gives nothing.
var errNoAnswer = errors.New("no answer from the registry")

// pull asks the engine for an official image. The engine prints its first line when it has the registry's answer:
// until then the time is short, afterwards it is the download's.
func pull(ctx context.Context, engine docker.Engine, log *progress.Log, ref string) error {
	pulling, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(answerWithin, func() {
		cancel(fmt.Errorf("%w within %s", errNoAnswer, answerWithin))
	})
	defer late.Stop()
	cmd := engine.Command(pulling, "pull", ref)
	cmd.WaitDelay = time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var task *progress.Task
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if task == nil && strings.Contains(lines.Text(), "Pulling from") {
			late.Stop()
			task = log.Start("pulling "+ref, "")
		}
	}
	_, _ = io.Copy(io.Discard, out)
	err = cmd.Wait()
	switch {
	case err == nil && task != nil:
		task.Done()
		return nil
	case err == nil:
		return nil
	case task != nil:
		task.Dropped()
		return fmt.Errorf("docker pull %s: %w: %s", ref, err, strings.TrimSpace(said.String()))
	case ctx.Err() != nil:
		return ctx.Err()
	case pulling.Err() != nil:
		return fmt.Errorf("docker pull %s: %w", ref, context.Cause(pulling))
	}
	return fmt.Errorf("docker pull %s: %w: %s", ref, errNoAnswer, strings.TrimSpace(said.String()))
}

// registry returns the part of a reference that names its registry.
func registry(ref string) string {
	host, _, found := strings.Cut(ref, "/")
	if found && strings.ContainsAny(host, ".:") {
		return host
	}
	return "docker.io"
}
