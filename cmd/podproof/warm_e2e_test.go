//go:build e2e

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// warmCache is the cache directory of the runs in warm clusters: a folder that stays, so that what a test
// process left there that was killed is removed by the next.
func warmCache() (string, error) {
	dir, err := cacheDir()
	return filepath.Join(dir, "e2e-warm"), err
}

// cleanWarm removes the warm clusters of these tests.
func cleanWarm(ctx context.Context) error {
	dir, err := warmCache()
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil // there was none
	}
	c := command(ctx, "clean")
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("removing the warm clusters of earlier tests: %w: %s", err, out)
	}
	return os.RemoveAll(dir)
}

var resumedWarm = regexp.MustCompile(`Resumed the warm cluster (podproof-\w+)`)

// A warm cluster is made once, taken by the run after it, given up where a run in it was killed, made anew
// where somebody has stopped it, and removed by clean.
func TestWarmCluster(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	dir, err := warmCache()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"XDG_CACHE_HOME=" + dir, "PODPROOF_CLUSTER=warm"}
	t.Cleanup(func() {
		if err := cleanWarm(context.Background()); err != nil {
			t.Error(err)
		}
		wantClean(t)
	})
	verify := func(texts ...string) finished {
		t.Helper()
		f := podproof(t, env, "verify", "-v", "--only", "startup/ready,identity/non-root")
		f.want(t, exitPass, texts...)
		return f
	}
	nodes := func() []string {
		t.Helper()
		out, err := exec.Command("docker", "ps", "--all", "--filter", "label=io.x-k8s.kind.cluster", "--filter", "name=^podproof-", "--format", "{{.Names}} {{.State}}").Output()
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(out)), "\n"), func(line string) bool {
			return line == "" || strings.Contains(line, sharedPrefix) || slices.Contains(thereBefore, "container "+strings.Fields(line)[0])
		})
	}
	one := func(state string) string {
		t.Helper()
		there := nodes()
		if len(there) != 1 || !strings.HasSuffix(there[0], " "+state) {
			t.Fatalf("the nodes are %q, want one that is %s", there, state)
		}
		return strings.TrimSuffix(there[0], "-control-plane "+state)
	}
	const making = "kind: Starting control-plane"

	verify(making, "waits for the next run with --cluster warm")
	made := one("paused")

	second := verify("sent 0 layers")
	if m := resumedWarm.FindStringSubmatch(second.stdout + second.stderr); m == nil || m[1] != made || strings.Contains(second.stdout+second.stderr, making) || one("paused") != made {
		t.Errorf("the second run was not in %s:\n%s%s", made, second.stdout, second.stderr)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := command(ctx, "verify", "-v", "--only", "startup/ready")
	c.Env = append(os.Environ(), env...)
	kill, wait := commandUntil(t, c, "Starting deployment/api…")
	kill(syscall.SIGKILL)
	wait()
	if one("running") != made {
		t.Error("the killed run was in another cluster")
	}
	verify("Removed what an earlier run left behind", "the warm kind cluster "+made, making)
	anew := one("paused")
	if anew == made {
		t.Error("the cluster of a killed run is taken again")
	}

	if out, err := exec.Command("docker", "kill", anew+"-control-plane").CombinedOutput(); err != nil {
		t.Fatalf("docker kill: %v: %s", err, out)
	}
	verify("The warm cluster "+anew+" is removed, and made anew: its node "+anew+"-control-plane is exited and not paused, as it was left", making)
	one("paused")

	podproof(t, env, "clean").want(t, exitPass, "the warm kind cluster podproof-")
	if there := nodes(); len(there) > 0 {
		t.Errorf("clean leaves %q", there)
	}
}
