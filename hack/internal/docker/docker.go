// Package docker reaches an engine the way the docker CLI does: through the CLI.
package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Engine is a Docker engine. Host is a DOCKER_HOST value; empty means the one that the CLI would take.
type Engine struct{ Host string }

// Command prepares a docker command for this engine.
func (e Engine) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = os.Environ()
	if e.Host != "" {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+e.Host)
	}
	return cmd
}

// Output runs a docker command and returns what it printed on stdout, also when it failed.
func (e Engine) Output(ctx context.Context, args ...string) (string, error) {
	cmd := e.Command(ctx, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("docker %s: %s", strings.Join(args, " "), said(stderr.String(), err))
	}
	return strings.TrimSpace(string(out)), err
}

// said prefers the command's own words to a bare exit status.
func said(stderr string, err error) string {
	if text := strings.TrimSpace(stderr); text != "" {
		return text
	}
	return err.Error()
}

// Version asks the engine for its version, for 10 s at most.
func (e Engine) Version(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return "", errors.New("there is no 'docker' command on PATH: install a Docker engine with its CLI")
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	version, err := e.Output(asking, "version", "--format", "{{.Server.Version}}")
	if errors.Is(asking.Err(), context.DeadlineExceeded) {
		err = errors.New("docker version: no answer within 10 s")
	}
	return version, err
}

// Endpoint returns the address that the CLI's current context names, such as unix:///var/run/docker.sock.
func (e Engine) Endpoint(ctx context.Context) (string, error) {
	if e.Host != "" {
		return e.Host, nil
	}
	return e.Output(ctx, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
}
