// Package engine finds a Docker engine that can run privileged containers, as kind needs, and starts a private
// one where the machine's own cannot because the host lacks a capability.
package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"podproof.dev/hack/internal/cache"
	"podproof.dev/hack/internal/docker"
)

// Ensure returns the DOCKER_HOST value to use: empty for the ordinary engine. It is quiet unless it starts one.
func Ensure(ctx context.Context, say io.Writer) (string, error) {
	given := os.Getenv("DOCKER_HOST")
	ordinary := docker.Engine{Host: given}
	version, err := ordinary.Version(ctx)
	if err != nil {
		return "", fmt.Errorf("no Docker engine answers: %w\nStart the Docker engine, get the right to use its socket, or set DOCKER_HOST to the address of another", err)
	}
	if given != "" {
		return given, nil
	}
	missing, err := refused(ctx, ordinary, version)
	if err != nil || len(missing) == 0 {
		return "", err
	}
	private, err := newPrivate()
	if err != nil {
		return "", err
	}
	if private.answers() {
		return private.host(), nil
	}
	fmt.Fprintf(say, "[engine] This host lacks %s, which 'docker run --privileged' of Docker %s asks for: starting a private engine; the machine's own stays as it is.\n",
		strings.Join(missing, ", "), version)
	unlock, err := cache.Lock(ctx, private.lockFile(), func() { fmt.Fprintln(say, "[engine] Another run is starting it: waiting.") })
	if err != nil {
		return "", err
	}
	defer unlock()
	if private.answers() {
		return private.host(), nil
	}
	if err := private.start(ctx); err != nil {
		return "", fmt.Errorf("start the private engine: %w", cache.Explain(err, private.state))
	}
	fmt.Fprintf(say, "[engine] Up: DOCKER_HOST=%s (make engine-stop ends it).\n", private.host())
	return private.host(), nil
}

// Stop ends the private engine and removes what it made outside of its state directory. Its images stay,
// unless purge asks for them to go as well.
func Stop(ctx context.Context, say io.Writer, purge bool) error {
	private, err := newPrivate()
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, private.lockFile(), func() { fmt.Fprintln(say, "[engine] Another run is starting it: waiting.") })
	if err != nil {
		return err
	}
	defer unlock()
	ran, err := private.stop()
	if err != nil {
		return fmt.Errorf("stop the private engine: %w", err)
	}
	if purge {
		if err := os.RemoveAll(private.state); err != nil {
			return err
		}
	}
	switch {
	case ran && purge:
		fmt.Fprintln(say, "[engine] Stopped, and its images are deleted.")
	case ran:
		fmt.Fprintln(say, "[engine] Stopped; its images are kept (stop --purge deletes them).")
	default:
		fmt.Fprintln(say, "[engine] No private engine was running.")
	}
	return nil
}

// Status says which engine would be used, and whether a private one runs.
func Status(ctx context.Context, say io.Writer) error {
	if given := os.Getenv("DOCKER_HOST"); given != "" {
		fmt.Fprintf(say, "DOCKER_HOST is set: %s is used.\n", given)
	} else if version, err := (docker.Engine{}).Version(ctx); err != nil {
		fmt.Fprintf(say, "The ordinary engine does not answer: %v\n", err)
	} else if missing, err := refused(ctx, docker.Engine{}, version); err != nil {
		return err
	} else if len(missing) > 0 {
		fmt.Fprintf(say, "The ordinary engine (Docker %s) cannot run privileged containers: the host lacks %s.\n", version, strings.Join(missing, ", "))
	} else {
		fmt.Fprintf(say, "The ordinary engine (Docker %s) is used.\n", version)
	}
	private, err := newPrivate()
	if err != nil {
		return err
	}
	if private.answers() {
		fmt.Fprintf(say, "The private engine runs: DOCKER_HOST=%s, state in %s.\n", private.host(), private.state)
	} else {
		fmt.Fprintln(say, "No private engine runs.")
	}
	return nil
}
