package standin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command runs a program and keeps what it prints for the error. Interrupting ends all that it started.
func command(ctx context.Context, env []string, name string, args ...string) error {
	_, err := output(ctx, env, name, args...)
	return err
}

// output is command, and returns what the program printed on stdout.
func output(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	return run(ctx, append(os.Environ(), env...), name, args...)
}

// run is output with exactly this environment.
func run(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, said bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &said
	// A group of its own, so that Ctrl-C reaches it once, from here, and so do its children.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what may be left of the group
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("%s: %w\n%s", shorten(strings.Join(cmd.Args, " ")), err, tail(said.String()))
}

// tail returns the last lines of a text: enough for a reason, not a flood.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}

// shorten keeps the ends of a long command line: what was run, and on what.
func shorten(line string) string {
	const end = 150
	if len(line) <= 2*end {
		return line
	}
	return line[:end] + " … " + line[len(line)-end:]
}
