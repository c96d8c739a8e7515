//go:build e2e

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// several runs an Indexed Job of images in the registry, some of which break a promise.
func (p inProof) several(t *testing.T, images, breaks map[string]string) {
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	args := []string{"job", "--run", "-n", "proof", "--image", p.podproof, "--kubeconfig", p.kubeconfig, "--set-image", "postgres:16-alpine=" + p.postgres, "--only", jobChecks,
		"-o", "terminal", "-o", "json=" + in("{}.json"), "-o", "junit=" + in("all.xml"), "--evidence", in("{}.evidence")}
	for _, name := range slices.Sorted(maps.Keys(images)) {
		file := in(name + ".yaml")
		text := fmt.Sprintf("apiVersion: podproof/v1alpha1\nkind: Contract\nimage: %s\nmanifests: [%s, %s]\nworkload: deployment/api\ndependencies: [statefulset/postgres]\nenv: {required: [OWNER_USERNAME, DATABASE_URL]}\nhttp: {port: 8000, health: /api/v1/health}\nstartup: {within: 30s}\n",
			images[name], filepath.Join(checkout, "manifests", "postgres"), filepath.Join(checkout, "manifests", "api"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-f", file)
	}
	f := podproof(t, nil, args...)
	f.want(t, exitFail, fmt.Sprintf("%d contracts: %d passed, %d failed.", len(images), len(images)-len(breaks), len(breaks)), "[job] Job removed")
	prefix := strings.ReplaceAll(strings.TrimPrefix(dir, "/"), "/", "-") + "-"
	for name := range images {
		seen := verdicts(t, in(prefix+name+".json"))
		if broken := strings.Join(with(seen, "fail"), " "); broken != breaks[name] {
			t.Errorf("%s: broken are %s", name, broken)
		}
		judgedAgain(t, in(prefix+name+".evidence"), seen)
	}
	p.asBefore(t)
}
