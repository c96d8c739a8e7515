package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/pipeline"
)

func TestAPlanForAPerson(t *testing.T) {
	verdict := func(id, seen, fix string) check.Verdict {
		return check.Verdict{Check: check.Check{ID: id, Title: "the title"}, Judgement: check.Judgement{Seen: seen, Fix: fix}}
	}
	got := planText(pipeline.Plan{Workload: "deployment/api", Image: "shop/api:1", Where: "a kind cluster that podproof makes and removes",
		Broken: []check.Verdict{verdict("resources/limits", "no memory limit", "Set one.")}, Tried: []check.Verdict{verdict("startup/ready", "", "")},
		Skipped: []check.Verdict{verdict("identity/arbitrary-uid", "not promised", "")}, Hints: []string{"a hint"}, Applied: []string{"deployment/api (a.yaml:1)"},
		Steps: []string{"Starting deployment/api"}, AtMost: 90 * time.Second})
	for _, want := range []string{"Verify deployment/api with the image shop/api:1, in a kind cluster", "Broken already, by the manifests alone (1):\n  resources/limits: no memory limit\n    Set one.",
		"Would be tried (1 promises):\n  startup/ready", "Would not be tried:\n  identity/arbitrary-uid: not promised", "lines in the contract:\n  a hint", "within 1m30s at the latest", "Nothing was made."} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "left out of the manifests") || strings.Contains(got, "want of a right") {
		t.Errorf("it has titles of nothing:\n%s", got)
	}
	if bare := planText(pipeline.Plan{Image: "shop/api:1", Where: "x"}); !strings.HasPrefix(bare, "Verify shop/api:1, in x\n") {
		t.Errorf("without a workload it says:\n%s", bare)
	}
}

// A plan fails where the run would, with the same words.
func TestAPlanOfWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range []string{"plan", "verify --dry-run"} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), strings.Fields(args)), &said); code != exitUsage || !strings.Contains(said.String(), "podproof.yaml") {
			t.Errorf("podproof %s: exit code %d: %s", args, code, said.String())
		}
	}
}
