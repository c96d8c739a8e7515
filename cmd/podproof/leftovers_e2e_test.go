//go:build e2e

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"podproof.dev/podproof/internal/cluster/kind"
	"podproof.dev/podproof/internal/ledger"
)

// sharedPrefix begins the name of a test process's cluster; its process ID follows.
const sharedPrefix = "podproof-e2e-"

// sharedCluster is the kind cluster in which the truth table is tried, as a user lends one.
var sharedCluster = sharedPrefix + strconv.Itoa(os.Getpid())

// thereBefore is what was there when the tests began, which none of them left behind.
var thereBefore []string

// lookAround removes the clusters of test processes that were killed, which take half a CPU each or wait warm,
// and sees what else is there that these tests did not make. What a user's environment says of clusters is not for them.
func lookAround() error {
	if err := os.Unsetenv(clusterVariable); err != nil {
		return err
	}
	if err := cleanWarm(context.Background()); err != nil {
		return err
	}
	there, err := leftovers()
	if err != nil {
		return err
	}
	for _, left := range there {
		name, _ := strings.CutPrefix(left, "network ")
		pid, err := strconv.Atoi(strings.TrimPrefix(name, sharedPrefix))
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		if err := (kind.Provider{}).Reclaim(context.Background(), ledger.Made{Cluster: name}); err != nil {
			return fmt.Errorf("removing %s, whose test process is gone: %w", name, err)
		}
	}
	thereBefore, err = leftovers()
	return err
}

// leftovers are the containers and networks of podproof that are on the engine, and its runs'
// folders, but for what was there before.
func leftovers() ([]string, error) {
	var left []string
	for _, args := range [][]string{
		{"ps", "--all", "--filter", "label=io.x-k8s.kind.cluster", "--format", "container {{.Names}}"},
		{"network", "ls", "--format", "network {{.Name}}"},
	} {
		out, err := exec.Command("docker", args...).Output()
		if err != nil {
			return nil, fmt.Errorf("docker %s: %w", strings.Join(args, " "), err)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, " podproof-") && !strings.Contains(line, sharedCluster) {
				left = append(left, strings.TrimSpace(line))
			}
		}
	}
	dir, err := runsDir()
	if err != nil {
		return nil, err
	}
	warm, err := warmCache()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{dir, filepath.Join(warm, "podproof", "runs")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			left = append(left, "run "+e.Name())
		}
	}
	return slices.DeleteFunc(left, func(l string) bool { return slices.Contains(thereBefore, l) }), nil
}

func wantClean(t *testing.T) {
	t.Helper()
	left, err := leftovers()
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}
