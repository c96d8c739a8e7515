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
	p := pipeline.Plan{Workload: "deployment/api", Image: "shop/api:1", Where: "a kind cluster that podproof makes and removes",
		Stops: []string{"secret/api exists already"}, InTheWay: []string{"the quota has no room"},
		Broken:  []check.Verdict{verdict("resources/limits", "no memory limit", "Set one.")},
		Tried:   []check.Verdict{verdict("startup/ready", "", ""), verdict("image/platform", "", ""), verdict("startup/time", "", "")},
		Untried: []check.Verdict{verdict("database/recovers", "one namespace", ""), verdict("database/slow", "one namespace", "")},
		Skipped: []check.Verdict{verdict("identity/arbitrary-uid", "not promised", "")}, Hints: []string{"a hint"}, Applied: []string{"deployment/api (a.yaml:1)"},
		Images: []pipeline.PlannedImage{{Name: "shop/api:1", For: "deployment/api", How: "the nodes pull it", Digest: "sha256:1"}},
		Steps:  []string{"Starting deployment/api"}, Usual: 71 * time.Second, AtMost: 90 * time.Second}
	p.Advice = []check.Verdict{verdict("image/config-complete", "no EXPOSE", "")}
	p.Assumed = []string{"There is no podproof.yaml:", "  manifests  k8s"}
	p.Skipped[0].Enabling = "identity: {arbitraryUID: true}"
	got := planText(p, false)
	for _, want := range []string{"Verify deployment/api with the image shop/api:1, in a kind cluster", "A run would end at once (1):\n  secret/api", "In the way (1):\n  the quota",
		"\n\nThere is no podproof.yaml:\n  manifests  k8s\n", "Advice, by the manifests alone:\n  image/config-complete: no EXPOSE\n",
		"Broken already, by the manifests alone (1):\n  resources/limits: no memory limit\n    Set one.", "Would be tried (3 promises):\n  startup      ready, time\n  image        platform\n",
		"Would stay undecided here:\n  database/recovers, database/slow: one namespace\n", "Would not be tried:\n  identity/arbitrary-uid: not promised\n    → identity: {arbitraryUID: true}\n",
		"lines in the contract:\n  a hint", "shop/api:1 of deployment/api: the nodes pull it; sha256:1\n", "1 objects would be applied, in 1 steps", "about 75 s", "within 1m30s at the latest", "Nothing was made."} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "left out of the manifests") || strings.Contains(got, "Worth knowing") {
		t.Errorf("it has titles of nothing:\n%s", got)
	}
	whole := planText(p, true)
	for _, want := range []string{"startup/ready                        the title", "deployment/api (a.yaml:1)", "  Starting deployment/api"} {
		if !strings.Contains(whole, want) {
			t.Errorf("all of it does not say %q:\n%s", want, whole)
		}
	}
	if bare := planText(pipeline.Plan{Image: "shop/api:1", Where: "x"}, false); !strings.HasPrefix(bare, "Verify shop/api:1, in x\n") {
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
