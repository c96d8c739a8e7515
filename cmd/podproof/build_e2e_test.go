//go:build e2e

package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// The checks of the build need no cluster.
func TestBuildChecks(t *testing.T) {
	t.Cleanup(func() {
		// Of the same engine; it fails where no image was built.
		_ = exec.Command("docker", "image", "rm", "--force", "podproof.local/build-checks:latest").Run()
	})
	const contract = "apiVersion: podproof/v1alpha1\nkind: Contract\nimage: podproof.local/build-checks:latest\nbuild: {context: .}\n"
	for name, c := range map[string]struct {
		contract string
		files    map[string]string
		code     int
		says     []string
	}{
		"syntax": {contract: contract, files: map[string]string{"Dockerfile": "FROM scratch\nCOPIE a b\n"}, code: exitFail,
			says: []string{"unknown instruction: COPIE", ">>> COPIE a b", "Fix the Dockerfile's syntax"}},
		"frontend": {contract: contract, files: map[string]string{"Dockerfile": "# syntax=podproof.invalid/dockerfile:1\nFROM scratch\n"}, code: exitFail,
			says: []string{"podproof.invalid/dockerfile:1", "# syntax="}},
		"source that is not there": {contract: contract, files: map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n"}, code: exitFail, says: []string{"COPY a /"}},
		"reproducible": {contract: strings.Replace(contract, "context: .", "context: ., reproducible: true", 1), code: exitPass,
			files: map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a"}, says: []string{"Reproducible build OK", "Build context OK"}},
		"ballast": {contract: contract, files: map[string]string{"Dockerfile": "FROM scratch\nCOPY . /\n", "core": string(make([]byte, 2<<20))}, code: exitFail,
			says: []string{"FAIL build/context-lean", "Write .dockerignore:", "core"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := project(t, c.contract, c.files)
			podproof(t, nil, "verify", "-f", filepath.Join(dir, "podproof.yaml"), "--only", "build/*").want(t, c.code, c.says...)
		})
	}
	wantClean(t)
}

func TestBuildChecksOfReactbin(t *testing.T) {
	dir := t.TempDir()
	evidence, js := filepath.Join(dir, "evidence.json"), filepath.Join(dir, "report.json")
	f := podproof(t, nil, "verify", "--only", "build/*", "-o", "terminal", "-o", "json="+js, "--evidence", evidence)
	f.want(t, exitPass, "Dep layer cache hit confirmed (US3 OK)", "A changed lock file installs again OK", "Frozen dependencies OK (go)", "Build context OK")
	r := verdicts(t, js)
	if got := with(r, check.Pass); !slices.Equal(got, []string{"build/context-lean", "build/dependency-layer-cached", "build/frozen-dependencies", "build/lockfile-change-rebuilds", "build/succeeds"}) {
		t.Errorf("passed: %v", got)
	}
	judgedAgain(t, evidence, r)
	wantClean(t)
}
