//go:build e2e

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

// These tests drive the binary that `make build` makes, on the Docker engine and with the
// images that hack/with-images names, as a user does.

const root = "../.."

// run is one finished run of podproof.
type finished struct {
	code           int
	stdout, stderr string
}

// command prepares podproof in the repository's root, in a process group of its own.
func command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "bin/podproof", args...)
	c.Dir = root
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c
}

// podproof runs podproof to its end.
func podproof(t *testing.T, env []string, args ...string) finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	c := command(ctx, args...)
	c.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("podproof %s: %v", strings.Join(args, " "), err)
	}
	return finished{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (f finished) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if f.code != code {
		t.Errorf("exit code %d, want %d", f.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(f.stdout+f.stderr, text) {
			t.Errorf("the output does not say %q", text)
		}
	}
	for _, bare := range []string{"goroutine ", "context deadline exceeded", "context canceled"} {
		if strings.Contains(f.stdout+f.stderr, bare) {
			t.Errorf("the output says %q to a user", bare)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", f.stdout, f.stderr)
	}
}

// The engine's image and an archive of it are the same image: the same is said of both.
func TestInspectDaemonImage(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	dir := t.TempDir()
	file := filepath.Join(dir, "image.tar")
	if out, err := exec.Command("docker", "save", "-o", file, "reactbin-api-prod:latest").CombinedOutput(); err != nil {
		t.Fatalf("docker save: %v: %s", err, out)
	}
	var reports []report.Report
	for i, ref := range []string{"docker:reactbin-api-prod:latest", "tar:" + file, "reactbin-api-prod:latest"} {
		js := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		podproof(t, nil, "inspect", "--no-cache", "-o", "json="+js, "-o", "terminal", ref).want(t, exitPass, "[inspect] All checks")
		reports = append(reports, verdicts(t, js))
	}
	for _, r := range reports[1:] {
		if r.Subject.Digest != reports[0].Subject.Digest || len(with(r, check.Pass)) == 0 {
			t.Errorf("image %s, passes %v", r.Subject.Digest, with(r, check.Pass))
		}
		if diff := cmp.Diff(reports[0].Verdicts, r.Verdicts, cmpopts.IgnoreUnexported(report.Verdict{}, check.Finding{}), cmpopts.IgnoreFields(report.Verdict{}, "Seconds")); diff != "" {
			t.Errorf("(-daemon +other):\n%s", diff)
		}
	}
}

func gitStatus(t *testing.T) string {
	t.Helper()
	c := exec.Command("git", "status", "--porcelain")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		t.Fatalf("git status: %v", err)
	}
	return string(out)
}

// verdicts reads a JSON report.
func verdicts(t *testing.T, file string) report.Report {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r
}

func with(r report.Report, s check.Status) []string {
	ids := []string{}
	for _, v := range r.Verdicts {
		if v.Verdict == s {
			ids = append(ids, v.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// judgedAgain judges a run's evidence offline, without a Docker engine, and wants the same verdicts.
func judgedAgain(t *testing.T, evidence string, first report.Report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "again.json")
	podproof(t, []string{"DOCKER_HOST=unix:///nonexistent.sock"}, "judge", "-o", "json="+file, evidence)
	again := verdicts(t, file)
	for i, v := range first.Verdicts {
		if w := again.Verdicts[i]; w.ID != v.ID || w.Verdict != v.Verdict || w.Seen != v.Seen {
			t.Errorf("%s: %s (%s), and judged again %s (%s)", v.ID, v.Verdict, v.Seen, w.Verdict, w.Seen)
		}
	}
}

func TestVerifyProd(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte("current-context: mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := gitStatus(t)
	dir := t.TempDir()
	evidence, js := filepath.Join(dir, "evidence.json"), filepath.Join(dir, "report.json")
	f := podproof(t, []string{"KUBECONFIG=" + kubeconfig}, "verify", "-o", "terminal", "-o", "json="+js, "--evidence", evidence)
	f.want(t, exitPass, "[verify] Building reactbin-api-prod…", "Build OK", "Health check passed", "Graceful shutdown OK (exit 0)",
		"Non-root user OK (UID 1001)", "Dev deps absent OK", "Stdout logging OK", "No secrets in image layers OK",
		"Missing-env-var exit check OK", "Dep layer cache hit confirmed (US3 OK)")
	if last := "[verify] All checks passed (US1 + US2 + US3).\n"; !strings.HasSuffix(f.stdout, last) {
		t.Errorf("the last line is not %q", last)
	}
	wantClean(t)
	if after := gitStatus(t); after != before {
		t.Errorf("the working tree changed:\n%s", after)
	}
	if b, _ := os.ReadFile(kubeconfig); string(b) != "current-context: mine\n" {
		t.Errorf("the user's kubeconfig changed:\n%s", b)
	}
	seen := verdicts(t, js)
	judgedAgain(t, evidence, seen)
	for _, v := range seen.Verdicts { // last, where a record of the test that is cut still has it
		if v.Verdict == check.Fail || v.Verdict == check.Inconclusive {
			t.Errorf("%s: %s: %s\n%+v", v.ID, v.Verdict, v.Seen, v.Findings)
		}
	}
}
