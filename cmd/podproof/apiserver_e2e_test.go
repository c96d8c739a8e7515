//go:build e2e

package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// killUnderLoad waits until a stream leads to the agent, and takes the API server away.
const killUnderLoad = `until pgrep -f "agent attach" >/dev/null; do sleep 0.1; done; pkill -KILL -x kube-apiserver`

// The API server goes away in the middle of a load, as it does when a control plane is upgraded,
// and the kubelet starts it again: the stream to the agent breaks, and the trial is not lost.
func TestAPIServerRestartsUnderLoad(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, wait := until(t, ctx, "Health asked", "verify", "-v", "--only", "health/answers", "--only", "resources/limits", "--only", "filesystem/stays-clean")
	out, err := exec.CommandContext(ctx, "docker", "ps", "--filter", "label=io.x-k8s.kind.cluster", "--format", "{{.Names}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, node := range strings.Fields(string(out)) {
		if !strings.HasPrefix(node, "podproof-") || strings.HasPrefix(node, sharedPrefix) {
			continue
		}
		if out, err := exec.CommandContext(ctx, "docker", "exec", node, "sh", "-c", killUnderLoad).CombinedOutput(); err != nil {
			t.Errorf("the API server of %s: %v: %s", node, err, out)
		}
		killed++
	}
	code, said := wait()
	if code != exitPass || killed != 1 {
		t.Errorf("exit code %d, want %d, with %d API servers killed:\n%s", code, exitPass, killed, said)
	}
	wantClean(t)
}
