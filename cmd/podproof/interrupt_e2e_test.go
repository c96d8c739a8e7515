//go:build e2e

package main

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// until starts podproof and returns once it has said the text, with the rest of its output to come.
func until(t *testing.T, ctx context.Context, text string, args ...string) (kill func(syscall.Signal), wait func() (int, string)) {
	t.Helper()
	return commandUntil(t, command(ctx, args...), text)
}

func commandUntil(t *testing.T, c *exec.Cmd, text string) (kill func(syscall.Signal), wait func() (int, string)) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said strings.Builder
	found := false
	for !found && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		found = strings.Contains(lines.Text(), text)
	}
	if !found {
		t.Fatalf("%s ended without saying %q:\n%s", c, text, said.String())
	}
	return func(s syscall.Signal) {
			// To the whole group, as a terminal does it at Ctrl-C.
			if err := syscall.Kill(-c.Process.Pid, s); err != nil {
				t.Fatal(err)
			}
		}, func() (int, string) {
			for lines.Scan() {
				said.WriteString(lines.Text() + "\n")
			}
			_ = c.Wait() // a code other than 0 is the point
			return c.ProcessState.ExitCode(), said.String()
		}
}

func TestCtrlC(t *testing.T) {
	for name, text := range map[string]string{
		"creating the node":   "kind: Ensuring node image",
		"creating Kubernetes": "kind: Writing configuration",
		"loading":             "Loading the image…",
		"trials":              "Stopping a pod with SIGTERM…",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			kill, wait := until(t, ctx, text, "verify", "-v")
			pressed := time.Now()
			kill(syscall.SIGINT)
			code, said := wait()
			t.Logf("gone %.1f s after Ctrl-C", time.Since(pressed).Seconds())
			if code != exitInterrupted {
				t.Errorf("exit code %d, want %d:\n%s", code, exitInterrupted, said)
			}
			report, cleaning := strings.Index(said, "by Ctrl-C: "), strings.Index(said, "Cleaning up…")
			if report < 0 || cleaning < report {
				t.Errorf("it did not say what it knew before it cleaned up:\n%s", said)
			}
			wantClean(t)
		})
	}
}

func TestKilledRunIsSwept(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	kill, wait := until(t, ctx, "kind: Writing configuration", "verify", "-v")
	kill(syscall.SIGKILL)
	wait()
	if left, err := leftovers(); err != nil || len(left) == 0 {
		t.Fatalf("a killed run left nothing, so there is nothing to sweep (%v)", err)
	}
	podproof(t, nil, "verify", "--only", "image/*").want(t, exitPass, "Removed what an earlier run left behind", "the kind cluster podproof-")
	wantClean(t)
}
