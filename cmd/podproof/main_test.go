package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"podproof.dev/podproof/internal/pipeline"
)

// What an image or its build says must not move the cursor, nor set the terminal's title.
func TestErrorsAreCleaned(t *testing.T) {
	for _, err := range []error{usage(errors.New("no file \x1b[2J\x1b]0;title\x07here")), errors.New("unknown command \x1b[2J")} {
		var said bytes.Buffer
		if code := exitCode(err, &said); code != exitUsage || strings.ContainsAny(said.String(), "\x1b\x07") {
			t.Errorf("exit code %d, %q", code, said.String())
		}
	}
}

func TestExitCodeOfAStoppedRun(t *testing.T) {
	timeout, pressed := &pipeline.Stopped{By: "--timeout of 7m0s"}, &pipeline.Stopped{By: "Ctrl-C"}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(pressed)
	var seen pipeline.Result
	seen.Evidence.Run.ID = "k3x9"
	for _, x := range []struct {
		name     string
		ctx      context.Context
		cause    error
		result   pipeline.Result
		reported error
		want     int
		says     string
	}{
		{"nothing broken", t.Context(), timeout, seen, exitError{code: exitInconclusive}, exitInconclusive, "the run was stopped by --timeout of 7m0s; what it had created is removed"},
		{"something broken", t.Context(), timeout, seen, exitError{code: exitFail}, exitFail, "--timeout of 7m0s"},
		{"all well by then", t.Context(), timeout, seen, nil, exitInconclusive, "--timeout of 7m0s"},
		{"before anything", t.Context(), timeout, pipeline.Result{}, nil, exitInconclusive, "nothing was observed before"},
		{"Ctrl-C", ended, pressed, seen, exitError{code: exitFail}, exitInterrupted, "stopped by Ctrl-C"},
	} {
		var said bytes.Buffer
		code := exitCode(stopped(x.ctx, x.cause, x.result, x.reported), &said)
		if code != x.want || !strings.Contains(said.String(), x.says) {
			t.Errorf("%s: exit code %d, want %d: %s", x.name, code, x.want, said.String())
		}
	}
}

func TestIgnoredSignalStaysIgnored(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if got := endings(); slices.Contains(got, os.Signal(syscall.SIGHUP)) || !slices.Contains(got, os.Signal(syscall.SIGTERM)) {
		t.Errorf("a run ends by %v", got)
	}
}

func TestFlagGoesBeforeTheEnvironmentsImage(t *testing.T) {
	got, err := setImages("postgres:16=mirror/postgres:16,redis:7=mirror/redis:7", []string{"postgres:16=own:1"})
	if want := map[string]string{"postgres:16": "own:1", "redis:7": "mirror/redis:7"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := setImages("postgres", nil); err == nil || !strings.Contains(err.Error(), "PODPROOF_SET_IMAGE") {
		t.Errorf("%v", err)
	}
}

func TestUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	waives := "apiVersion: podproof/v1alpha1\nkind: Contract\nimage: app:1\nbuild: {context: .}\nwaivers: [{id: image/no-such-promise, reason: none, by: us, until: 2099-01-01}]\n"
	if err := os.WriteFile("waives.yaml", []byte(waives), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ args, says string }{
		{"verify --only startup", `did you mean "startup/*"?`},
		{"verify --only=", "does not name a check"},
		{"verify --skip=", "does not name a check"},
		{"inspect --only= x", "does not name a check"},
		{"verify --timeout 5", "5m or 300s"},
		{"build -f waives.yaml", "waivers[0].id"},
	} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), strings.Fields(x.args)), &said); code != exitUsage || !strings.Contains(said.String(), x.says) {
			t.Errorf("podproof %s: exit code %d: %s", x.args, code, said.String())
		}
	}
	root := newRoot()
	root.SetArgs([]string{"--version"})
	var said bytes.Buffer
	root.SetOut(&said)
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(said.String(), "podproof ") {
		t.Errorf("--version: %q, %v", said.String(), err)
	}
}
