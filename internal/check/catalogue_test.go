package check

import (
	"os/exec"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Without any evidence no check may pass, fail or break.
func TestNoEvidenceDecidesNothing(t *testing.T) {
	c := goodContract()
	for _, v := range Judge(Catalogue(), c, evidence.Evidence{Missing: map[evidence.Section]string{}}) {
		if v.Status != Inconclusive || strings.Contains(v.Seen, "itself broke") {
			t.Errorf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
		}
	}
	for _, v := range Judge(Catalogue(), contract.Contract{}, evidence.Evidence{}) {
		if v.Status != Inconclusive && v.Status != Skipped {
			t.Errorf("%s with an empty contract: %s: %s", v.Check.ID, v.Status, v.Seen)
		}
	}
}

// The whole of a good run passes, each check on the same evidence.
func TestGoodRunPasses(t *testing.T) {
	vs := Judge(Catalogue(), goodContract(), goodEvidence())
	for _, v := range vs {
		if v.Status != Pass {
			t.Errorf("%s: %s: %s", v.Check.ID, v.Status, v.Seen)
		}
	}
	if r := Result(vs); r != Pass {
		t.Errorf("result %s", r)
	}
}

// check is pure: it reaches neither a cluster nor Docker nor a registry.
func TestImportsArePure(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "podproof.dev/podproof/internal/check").CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps: %v\n%s", err, out)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, banned := range []string{"k8s.io/client-go", "sigs.k8s.io/kind", "github.com/moby", "github.com/docker",
			"github.com/google/go-containerregistry", "podproof.dev/podproof/internal/collect", "podproof.dev/podproof/internal/cluster",
			"podproof.dev/podproof/internal/workload", "podproof.dev/podproof/internal/pipeline"} {
			if dep == banned || strings.HasPrefix(dep, banned+"/") {
				t.Errorf("internal/check reaches %s", dep)
			}
		}
	}
}
