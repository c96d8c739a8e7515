package report

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asJSON(t *testing.T, r Report) map[string]any {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, r, Console{}); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func TestJSONMatchesTheSchema(t *testing.T) {
	s := compileSchema(t)
	for name, r := range cases(t) {
		if err := s.Validate(asJSON(t, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses shows that the schema can say no.
func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	verdict := func(doc map[string]any) map[string]any { return doc["verdicts"].([]any)[0].(map[string]any) }
	for name, change := range map[string]func(doc map[string]any){
		"a key too many":             func(d map[string]any) { d["more"] = 1 },
		"a key too many in verdict":  func(d map[string]any) { verdict(d)["more"] = 1 },
		"a key too many in subject":  func(d map[string]any) { d["subject"].(map[string]any)["more"] = 1 },
		"a verdict that is none":     func(d map[string]any) { verdict(d)["verdict"] = "ok" },
		"waived by nobody":           func(d map[string]any) { verdict(d)["verdict"] = "waived" },
		"findings that are null":     func(d map[string]any) { verdict(d)["findings"] = nil },
		"negative seconds":           func(d map[string]any) { verdict(d)["seconds"] = json.Number("-1") },
		"no steps":                   func(d map[string]any) { delete(d, "steps") },
		"a result that is a verdict": func(d map[string]any) { d["result"] = "skipped" },
		"a time that is none":        func(d map[string]any) { d["run"].(map[string]any)["started"] = "yesterday" },
	} {
		doc := asJSON(t, cases(t)["pass"])
		change(doc)
		if s.Validate(doc) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNew(t *testing.T) {
	vs := allPass()
	with(t, vs, "termination/exit-zero", broken)
	r := New(promised(), observed(), vs)
	if r.Result != check.Fail || r.ExitCode() != 1 {
		t.Errorf("result %s, exit code %d", r.Result, r.ExitCode())
	}
	if r.Subject != (Subject{"reactbin-api-prod:latest", digest, "amd64", "deployment/api", "v1.34.0", "kind"}) {
		t.Errorf("%+v", r.Subject)
	}
	if len(r.Verdicts) != len(vs) {
		t.Fatalf("%d verdicts", len(r.Verdicts))
	}
	if r.Verdicts[0].Fix != "" || r.Verdicts[4].Fix == "" {
		t.Error("a fix belongs to what is broken, and to nothing else")
	}
	e := evidence.Evidence{Build: &evidence.Build{ImageID: digest}}
	if s := New(promised(), e, nil).Subject; s.Image != "reactbin-api-prod" || s.Digest != digest {
		t.Errorf("an image that was built and not read: %+v", s)
	}
}

func TestExitCode(t *testing.T) {
	for name, want := range map[string]int{"pass": 0, "waived": 0, "skipped": 0, "fail": 1, "fail-twice": 1, "nothing-built": 1, "inconclusive": 3} {
		if got := cases(t)[name].ExitCode(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// TestDependencies keeps judging and reporting free of what talks to Docker and clusters.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps .: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("go list -deps printed only: %s", out)
	}
	for _, d := range deps {
		for _, banned := range []string{
			"k8s.io/client-go", "sigs.k8s.io/kind", "github.com/docker/", "github.com/moby/", "github.com/google/go-containerregistry",
			"podproof.dev/podproof/internal/collect", "podproof.dev/podproof/internal/cluster",
			"podproof.dev/podproof/internal/workload", "podproof.dev/podproof/internal/pipeline",
		} {
			if strings.HasPrefix(d, banned) {
				t.Errorf("the report depends on %s", d)
			}
		}
	}
}
