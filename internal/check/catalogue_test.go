package check

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// example is a contract and evidence with the verdict that they must get. The tests of
// each check list its own; the ones here hold for all.
type example struct {
	name string
	c    contract.Contract
	e    evidence.Evidence
	want Status
	// says and hides are texts that the whole judgement holds, and that it does not.
	says  []string
	hides []string
}

// examples of all checks, by ID.
var examples = map[string][]example{
	"startup/ready":                 startupReadyExamples,
	"startup/logs":                  startupLogsExamples,
	"health/answers":                healthAnswersExamples,
	"probes/declared":               probesDeclaredExamples,
	"termination/exit-zero":         terminationExamples,
	"config/missing-env-fails":      missingEnvExamples,
	"identity/non-root":             nonRootExamples,
	"identity/as-declared":          asDeclaredExamples,
	"image/no-dev-dependencies":     devDependenciesExamples,
	"image/no-secrets-in-history":   secretsExamples,
	"build/succeeds":                buildExamples,
	"build/dependency-layer-cached": layerCachedExamples,
}

// planted is a secret in logs, commands and instructions of the examples; no judgement shows it.
const planted = "hunter2-planted"

func TestExamples(t *testing.T) {
	for _, ch := range Catalogue() {
		for _, x := range examples[ch.ID] {
			t.Run(ch.ID+"/"+x.name, func(t *testing.T) {
				j := ch.Judge(x.c, x.e)
				text := strings.Join(append([]string{j.Promised, j.Seen, j.Fix, j.Line}, findingTexts(j)...), "\n")
				if j.Status != x.want {
					t.Errorf("verdict %s, want %s\n%s", j.Status, x.want, text)
				}
				for _, s := range x.says {
					if !strings.Contains(text, s) {
						t.Errorf("the judgement does not say %q\n%s", s, text)
					}
				}
				for _, s := range append(x.hides, planted) {
					if strings.Contains(text, s) {
						t.Errorf("the judgement says %q\n%s", s, text)
					}
				}
				if again := ch.Judge(x.c, x.e); !reflect.DeepEqual(j, again) {
					t.Error("judged twice, the same evidence gave two judgements")
				}
				complete(t, j)
			})
		}
	}
}

func findingTexts(j Judgement) []string {
	var out []string
	for _, f := range j.Findings {
		mark := "! "
		if f.Note {
			mark = "  "
		}
		out = append(out, mark+f.Where+": "+f.Message)
	}
	return out
}

// complete demands of a judgement what a report shows.
func complete(t *testing.T, j Judgement) {
	t.Helper()
	broken := j.firstBroken() != nil
	switch j.Status {
	case Pass:
		if j.Line == "" || j.Seen == "" || j.Promised == "" || broken {
			t.Errorf("a pass has a line, what was promised and seen, and no broken finding: %+v", j)
		}
	case Fail:
		if j.Seen == "" || j.Promised == "" {
			t.Errorf("a fail has what was promised and seen: %+v", j)
		}
	case Inconclusive:
		if j.Seen == "" || j.Promised == "" || j.Fix == "" {
			t.Errorf("an inconclusive judgement says what was missing, and what to do: %+v", j)
		}
	case Skipped:
		if j.Seen == "" {
			t.Errorf("a skip has a reason: %+v", j)
		}
	}
	for _, f := range j.Findings {
		if f.Where == "" || f.Message == "" {
			t.Errorf("a finding says where and what: %+v", f)
		}
	}
}

func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, ch := range Catalogue() {
		if ch.ID == "" || ch.Title == "" || ch.Why == "" || ch.Fix == "" || ch.Story == (Story{}) || ch.Judge == nil {
			t.Errorf("%s: a field is empty", ch.ID)
		}
		if seen[ch.ID] {
			t.Errorf("%s is there twice", ch.ID)
		}
		seen[ch.ID] = true
		for _, s := range []Status{Pass, Fail, Inconclusive} {
			if !has(examples[ch.ID], s) {
				t.Errorf("%s has no example that is %s", ch.ID, s)
			}
		}
	}
	for id := range examples {
		if !seen[id] {
			t.Errorf("there are examples of %s, and no such check", id)
		}
	}
}

func has(xs []example, s Status) bool {
	for _, x := range xs {
		if x.want == s {
			return true
		}
	}
	return false
}

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
