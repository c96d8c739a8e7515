package pipeline

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const ours = "podproof.dev/podproof/"

// What talks to a cluster, a container engine or a registry.
var outside = []string{"k8s.io/client-go/", "sigs.k8s.io/kind/", "github.com/docker/", "github.com/moby/",
	"github.com/google/go-containerregistry/"}

// house says what each package may not reach, neither itself nor through others.
var house = []struct {
	pkg    string // below internal/, as in path.Match
	forbid []string
}{
	{"evidence", append([]string{ours}, outside...)},
	{"contract", append([]string{ours}, outside...)},
	{"credential", append([]string{ours}, outside...)},
	{"shell", append([]string{ours}, outside...)},
	{"redact", append(others("credential", "shell", "evidence"), outside...)},
	{"check", append(others("credential", "shell", "redact", "evidence", "contract"), outside...)},
	{"attest", append(others("check", "collect", "credential", "docker", "shell", "redact", "evidence", "contract", "report"), ours+"internal/collect/build", "k8s.io/client-go/", "sigs.k8s.io/kind/")},
	{"admission", append(others("attest", "check", "collect", "credential", "docker", "shell", "redact", "evidence", "contract", "report"), ours+"internal/collect/build", "sigs.k8s.io/kind/")},
	{"report", append(others("check", "credential", "shell", "redact", "evidence", "contract", "report"), outside...)},
	{"report/drawing", append(others("check", "credential", "shell", "redact", "evidence", "contract", "report"), outside...)},
	{"agent", append(others("evidence", "contract"), outside...)},
	{"agent/node", append(others(), outside...)},
	{"agent/proxy", append(others(), outside...)},
	{"collect/build", others("evidence", "contract", "docker")},
	{"trial", others("check", "shell", "agent", "evidence", "contract", "workload", "subject", "rights", "cluster", "credential", "redact")},
	{"collect/image", append(others("shell", "credential", "evidence", "contract", "collect"), ours+"internal/collect/build", ours+"internal/trial")},
	{"collect/image/layer", append(others("shell", "credential", "evidence", "collect"), ours+"internal/collect/build", ours+"internal/trial", ours+"internal/collect/image/source")},
	{"collect/image/source", append(others("shell", "credential", "docker", "evidence", "collect"), ours+"internal/collect/build", ours+"internal/trial")},
	{"cluster", append(others("ledger"), "sigs.k8s.io/kind/", "github.com/docker/", "github.com/moby/")},
	{"cluster/kind", others("agent", "cluster", "docker", "ledger")}, // it asks the agent on a node
	{"ledger", append([]string{ours}, outside...)},
	{"rights", others()},
	// Of Docker it has the format of logins, which pull secrets have.
	{"job", append(others("rights", "workload", "shell", "credential", "redact", "evidence", "contract"), "sigs.k8s.io/kind/", "github.com/docker/docker/", "github.com/moby/")},
	{"workload", others("shell", "credential", "redact", "evidence", "contract", "rights")},
	{"subject", append(others("shell", "credential", "redact", "evidence", "contract", "workload", "rights"), "sigs.k8s.io/kind/", "github.com/docker/", "github.com/moby/")},
	{"draft", append(others("shell", "credential", "redact", "evidence", "contract", "workload", "rights", "subject"), "sigs.k8s.io/kind/", "github.com/docker/")},
	{"docker", others()},
	{"recall", []string{ours + "internal/cluster/kind", ours + "cmd", "sigs.k8s.io/kind/"}},
	{"pipeline", []string{ours + "internal/report", ours + "internal/recall", ours + "internal/cluster/kind", ours + "cmd", "sigs.k8s.io/kind/"}},
}

// others are all packages of ours but these.
func others(but ...string) []string {
	var out []string
	for _, p := range []string{"admission", "agent", "attest", "check", "cluster", "collect", "contract", "credential", "docker", "draft", "evidence", "job", "ledger", "pipeline", "recall", "redact", "report", "rights", "shell", "subject", "trial", "workload"} {
		if !slices.Contains(but, p) {
			out = append(out, ours+"internal/"+p)
		}
	}
	return append(out, ours+"cmd")
}

func TestImportsPointDown(t *testing.T) {
	deps := dependencies(t)
	for _, h := range house {
		held := false
		for pkg, reached := range deps {
			if ok, err := path.Match(ours+"internal/"+h.pkg, pkg); err != nil {
				t.Fatal(err)
			} else if !ok {
				continue
			}
			held = true
			for _, d := range reached {
				for _, f := range h.forbid {
					if strings.HasPrefix(d+"/", strings.TrimSuffix(f, "/")+"/") {
						t.Errorf("%s reaches %s, which the design forbids", pkg, d)
					}
				}
			}
		}
		if !held {
			t.Errorf("the rule for internal/%s holds for no package", h.pkg)
		}
	}
	// A module under a new name would slip through: the program reaches all of them.
	for _, o := range outside {
		found := false
		for _, d := range deps[ours+"cmd/podproof"] {
			found = found || strings.HasPrefix(d, o)
		}
		if !found {
			t.Errorf("nothing reaches %s any more; the rule looks for a wrong name", o)
		}
	}
}

// dependencies are what each package of ours reaches, tests aside.
func dependencies(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Deps", ours+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	deps := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Deps       []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return deps
		}
		if err != nil {
			t.Fatal(err)
		}
		deps[p.ImportPath] = p.Deps
	}
}
