//go:build e2e

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The repository's own API without its contract: all but what only its people know is derived, the image
// is built under a name that goes with the run, and a first contract is written that holds.
func aFirstRun(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	before := engineID(t, "reactbin-api-prod:latest")
	program, err := filepath.Abs(filepath.Join(root, "bin/podproof"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, folder := range []string{"api", "manifests"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	in := func(pipe string, args ...string) finished {
		t.Helper()
		c := exec.CommandContext(t.Context(), program, args...)
		c.Dir, c.Stdin = dir, strings.NewReader(pipe)
		var out, errs strings.Builder
		c.Stdout, c.Stderr = &out, &errs
		_ = c.Run() // its exit code is looked at
		return finished{c.ProcessState.ExitCode(), out.String(), errs.String()}
	}
	const few = "startup/ready,health/answers,termination/exit-zero,identity/as-declared"
	in("", "verify", "--only", few+",build/succeeds").want(t, exitPass, "There is no podproof.yaml, so that this is derived",
		"manifests/api, manifests/postgres (found here; beside manifests/gate, which decides what a whole cluster admits, manifests/gate/vap, which decides what a whole cluster admits, manifests/job, which runs Jobs alone)  [-m]", "api/Dockerfile.prod in api (found here)", "Nothing tells env.required")
	if after := engineID(t, "reactbin-api-prod:latest"); after != before {
		t.Errorf("the engine's image was %s, and is %s", before, after)
	}
	if out, err := exec.Command("docker", "images", "-q", "podproof.local/unwritten").Output(); err != nil || len(out) > 0 {
		t.Errorf("of what was built there is %q (%v)", out, err)
	}

	var rendered []byte // as a template would have it
	for _, name := range []string{"configmap", "secret", "service", "deployment", "poddisruptionbudget"} {
		text, err := os.ReadFile(filepath.Join(dir, "manifests/api", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		rendered = append(append(rendered, "---\n"...), text...)
	}
	in(string(rendered), "verify", "-m", "-", "-m", "manifests/postgres", "--cluster", "kind:"+sharedCluster, "--only", few, "reactbin-api-prod:latest").want(t, exitPass, "workload      deployment/api (the manifests: it runs reactbin-api-prod:latest)")

	in("", "init", "docker:reactbin-api-prod:latest").want(t, exitPass, "Wrote podproof.yaml for deployment/api")
	in("", "verify", "--cluster", "kind:"+sharedCluster, "--only", few+",image/size-budget,image/config-complete,config/missing-env-fails", "reactbin-api-prod:latest").want(t, exitPass)
	wantClean(t)
}

func engineID(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
