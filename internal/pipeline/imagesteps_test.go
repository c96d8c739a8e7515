package pipeline

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
)

func TestTheImageThatWasBuiltIsTheSubject(t *testing.T) {
	r := &run{image: savedImage{id: "sha256:named"}}
	if got := r.subjectID(); got != "sha256:named" {
		t.Errorf("without a build: %s", got)
	}
	r.saw.e.Build = &evidence.Build{ImageID: "sha256:built"}
	if got := r.subjectID(); got != "sha256:built" {
		t.Errorf("with a build: %s", got)
	}
}

func TestWhatAnImageDeclares(t *testing.T) {
	newEngine(t, "shop/api:1.0")
	r := &run{engine: connect(t), Options: Options{Image: "shop/api:1.0"}}
	if got := r.declared(t.Context()); !slices.Equal(got.Env, []string{"PATH"}) || !slices.Equal(got.ExposedPorts, []string{"8000/tcp"}) {
		t.Errorf("got %+v", got)
	}
	r.plan.Contract.Build = &contract.Build{}
	if got := r.declared(t.Context()); len(got.Env) > 0 {
		t.Errorf("of an image that is to be built: %+v", got)
	}
	r.plan.Contract.Build, r.Image = nil, "shop/none:1"
	if got := r.declared(t.Context()); len(got.Env) > 0 {
		t.Errorf("of an image that is not there: %+v", got)
	}
	if got := declaredBy([]byte("null")); len(got.Env) > 0 {
		t.Errorf("of nothing: %+v", got)
	}
	if got := declaredBy([]byte(`{"Env":7,"ExposedPorts":{"80/tcp":{}}}`)); len(got.ExposedPorts) > 0 {
		t.Errorf("of nonsense: %+v", got)
	}
}

// As with docker, an argument without a value takes the environment's, and the Dockerfile's without that.
func TestBuildArguments(t *testing.T) {
	t.Setenv("PODPROOF_TEST_ARG", "from outside")
	c := contract.Contract{Image: "shop/api:1", Build: &contract.Build{Context: ".", Dockerfile: "Dockerfile", Target: "prod", Args: []string{"A=1", "B=2=3", "PODPROOF_TEST_ARG", "PODPROOF_TEST_NONE"}}}
	s := Spec(c, []string{"A=4"})
	if diff := cmp.Diff(map[string]string{"A": "4", "B": "2=3", "PODPROOF_TEST_ARG": "from outside"}, s.Args); diff != "" || s.Target != "prod" || s.Name != "shop/api:1" {
		t.Errorf("%+v (-want +got):\n%s", s, diff)
	}
}

func TestABuildWithoutItsFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	r := &run{plan: subject.Subject{Contract: contract.Contract{Build: &contract.Build{Context: dir, Dockerfile: file}}}}
	if got := r.missingInput(); got != file {
		t.Errorf("missing is %q", got)
	}
	if err := r.build(t.Context()); err != errNoBuild || r.saw.e.Build.MissingPath != file || r.saw.e.Build.Context != dir {
		t.Errorf("got %+v (%v)", r.saw.e.Build, err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := r.missingInput(); got != "" {
		t.Errorf("missing is %q", got)
	}
	r.plan.Contract.Build.Context = filepath.Join(dir, "none")
	if got := r.missingInput(); got != r.plan.Contract.Build.Context {
		t.Errorf("missing is %q", got)
	}
	r.plan.Contract.Build = nil
	if got := r.missingInput(); got != "" {
		t.Errorf("without a build, missing is %q", got)
	}
}

func TestTheAgentsProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := agentProgram(runtime.GOARCH); runtime.GOOS == "linux" && (err != nil || got != self) {
		t.Errorf("of this machine: %s (%v)", got, err)
	}
	other := filepath.Join(filepath.Dir(self), "podproof-linux-z80")
	if _, err := agentProgram("z80"); err == nil || !strings.Contains(err.Error(), "put a podproof for them at "+other) {
		t.Errorf("of another: %v", err)
	}
	if err := os.WriteFile(other, nil, 0o700); err != nil {
		t.Skip("the folder of the test's own program cannot be written: ", err)
	}
	defer os.Remove(other)
	if got, err := agentProgram("z80"); err != nil || got != other {
		t.Errorf("of one that is there: %s (%v)", got, err)
	}
}

func TestOtherImagesAreLoadedOnce(t *testing.T) {
	newEngine(t, "postgres:16", "mirror/redis:7")
	const more = `---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: cache}, spec: {selector: {matchLabels: {app: cache}}, template: {metadata: {labels: {app: cache}}, spec: {containers: [{name: c, image: "redis:7"}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: far}, spec: {selector: {matchLabels: {app: far}}, template: {metadata: {labels: {app: far}}, spec: {containers: [{name: c, image: "far/away:1"}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: near}, spec: {selector: {matchLabels: {app: near}}, template: {metadata: {labels: {app: near}}, spec: {containers: [{name: c, image: "near/by:1"}]}}}}
`
	for _, owned := range []bool{true, false} {
		r, c, _ := opened(t, owned, more)
		r.info.Architecture = "amd64"
		r.SetImages = map[string]string{"redis:7": "mirror/redis:7"}
		c.has = []string{"near/by:1"}
		if err := r.loadOthers(t.Context()); err != nil {
			t.Fatal(err)
		}
		own := func(ref string) string {
			name := r.ownName(ref)
			if owned != (name == ref) || !owned && (!strings.HasPrefix(name, "podproof.local/other-") || !strings.HasSuffix(name, ":run-"+r.ledger.ID)) {
				t.Errorf("%s is loaded as %s", ref, name)
			}
			return name
		}
		want := map[string]string{"postgres:16": own("postgres:16"), "redis:7": own("mirror/redis:7"), "near/by:1": "near/by:1"}
		if diff := cmp.Diff(want, r.place.replaced()); diff != "" {
			t.Errorf("owned: %t (-want +got):\n%s", owned, diff)
		}
		if len(c.loaded) != 2 || len(r.ledger.Made.Images) != map[bool]int{true: 0, false: 2}[owned] {
			t.Errorf("loaded were %q, written down %q", c.loaded, r.ledger.Made.Images)
		}
		r.Keep = owned
		if err := r.clean.run(); err != nil || len(c.unloaded) != len(r.ledger.Made.Images) {
			t.Errorf("unloaded were %q (%v)", c.unloaded, err)
		}
	}
	r, c, _ := opened(t, false, more)
	r.Keep = true
	if err := r.recordImage("a:1"); err != nil {
		t.Fatal(err)
	}
	if err := r.clean.run(); err != nil || len(c.unloaded) > 0 {
		t.Errorf("kept, unloaded were %q (%v)", c.unloaded, err)
	}
}
