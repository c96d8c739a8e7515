package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// repository makes one with files, and goes to a folder of it.
func aRepository(t *testing.T, git bool, here string, files ...string) string {
	t.Helper()
	for _, v := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GITHUB_WORKFLOW_REF", "CI_CONFIG_PATH"} {
		t.Setenv(v, "")
	}
	root := t.TempDir()
	if git {
		files = append(files, ".git/HEAD")
	}
	for _, f := range files {
		file := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\nimage: a:1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, here), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, here))
	return root
}

func unwritten(t *testing.T, manifests []string, b *contract.Build) contract.Contract {
	t.Helper()
	c, err := contract.Unwritten(".", manifests, b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What stands in no file is told at one that is there.
func TestHomeWithoutAContract(t *testing.T) {
	for _, x := range []struct {
		name      string
		files     []string
		manifests []string
		build     *contract.Build
		env       map[string]string
		want      string
	}{
		{"a Dockerfile", []string{"svc/Dockerfile.prod", "svc/k8s/api.yaml"}, []string{"k8s"}, &contract.Build{Dockerfile: "Dockerfile.prod"}, nil, "svc/Dockerfile.prod"},
		{"manifests that are named", []string{"svc/k8s/api.yaml", "README.md"}, []string{"k8s/api.yaml"}, nil, nil, "svc/k8s/api.yaml"},
		{"a folder of them", []string{"svc/k8s/api.yaml", "svc/k8s/db.yaml"}, []string{"k8s"}, nil, nil, "svc/k8s/api.yaml"},
		{"a folder with a kustomization", []string{"svc/k8s/api.yaml", "svc/k8s/kustomization.yaml"}, []string{"k8s"}, nil, nil, "svc/k8s/kustomization.yaml"},
		{"manifests above", []string{"k8s/api.yaml"}, []string{"../k8s/api.yaml"}, nil, nil, "k8s/api.yaml"},
		{"the standard input, beside a Dockerfile", []string{"svc/Dockerfile"}, []string{"-"}, nil, nil, "svc/Dockerfile"},
		{"the standard input alone, in GitHub", []string{".github/workflows/ci.yml", "README.md"}, []string{"-"}, nil,
			map[string]string{"GITHUB_WORKFLOW_REF": "o/n/.github/workflows/ci.yml@refs/heads/main"}, ".github/workflows/ci.yml"},
		{"the standard input alone, in GitLab", []string{".gitlab-ci.yml"}, []string{"-"}, nil, nil, ".gitlab-ci.yml"},
	} {
		t.Run(x.name, func(t *testing.T) {
			aRepository(t, true, "svc", x.files...)
			for k, v := range x.env {
				t.Setenv(k, v)
			}
			h := HomeOf(unwritten(t, x.manifests, x.build))
			if h.File != x.want || h.Folder != "svc" {
				t.Errorf("%+v, want %s", h, x.want)
			}
		})
	}
}

// An action runs in its working-directory; the pages want paths of the repository.
func TestPathsAreOfTheRepository(t *testing.T) {
	for _, x := range []struct {
		name, workspace string
		git             bool
		want            string
	}{
		{"git", "", true, "services/api/"},
		{"the checkout of a workflow without git", ".", false, "services/api/"},
		{"a repository that is checked out below the workspace", "..", true, "services/api/"},
		{"another workspace", "/elsewhere", true, "services/api/"},
		{"neither", "", false, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			root := aRepository(t, x.git, "services/api", "services/api/podproof.yaml", "services/api/k8s/api.yaml", "services/api/Dockerfile")
			if x.workspace != "" && !filepath.IsAbs(x.workspace) {
				t.Setenv("GITHUB_WORKSPACE", filepath.Join(root, x.workspace))
			} else {
				t.Setenv("GITHUB_WORKSPACE", x.workspace)
			}
			c, err := contract.Load("podproof.yaml")
			if err != nil {
				t.Fatal(err)
			}
			h := HomeOf(c)
			if h.File != x.want+"podproof.yaml" {
				t.Errorf("the contract is at %s", h.File)
			}
			for _, y := range []struct{ file, want string }{
				{"k8s/api.yaml", x.want + "k8s/api.yaml"},
				{filepath.Join(root, "services/api/Dockerfile"), x.want + "Dockerfile"},
				{"k8s/gone.yaml", h.File},
				{"k8s", h.File},
				{"/etc/hosts", h.File},
			} {
				if got, _, _ := h.place(&check.Location{File: y.file, Line: 4}); got != y.want {
					t.Errorf("%s is at %s, want %s", y.file, got, y.want)
				}
			}
		})
	}
}

// A submodule's files are those of the repository that was checked out.
func TestHomeInASubmodule(t *testing.T) {
	root := aRepository(t, true, "vendor/svc", "vendor/svc/podproof.yaml", "vendor/svc/.git")
	t.Setenv("GITHUB_WORKSPACE", root)
	c, err := contract.Load("podproof.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if h := HomeOf(c); h.File != "vendor/svc/podproof.yaml" {
		t.Errorf("%+v", h)
	}
}

// Every page tells a finding without a place at the place of its promise, and nothing in a file that is not there.
func TestEveryPageTellsFilesThatAreThere(t *testing.T) {
	root := aRepository(t, true, "svc", "svc/k8s/api.yaml", "svc/Dockerfile")
	c := unwritten(t, []string{"k8s"}, nil)
	r := located(t, check.Finding{Where: "pod api-1", Message: "it lies"}, at("nowhere.yaml", 9))
	i := slices.IndexFunc(r.Verdicts, func(v Verdict) bool { return v.Verdict == check.Fail })
	vs := []Verdict{r.Verdicts[i]}
	vs[0].Location = &check.Location{File: "k8s/api.yaml", Line: 12, About: "it is the program's"}
	undecided := vs[0]
	undecided.ID, undecided.Verdict, undecided.Findings, undecided.Location = "startup/time", check.Inconclusive, nil, nil
	r.Verdicts = append(vs, undecided)
	r.home = HomeOf(c)

	var lines []string
	for _, x := range sarif(t, r).Results {
		lines = append(lines, x.Locations[0].Physical.Artifact.URI)
		if _, err := os.Stat(filepath.Join(root, lines[len(lines)-1])); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(lines, " "); got != "svc/k8s/api.yaml svc/k8s/api.yaml svc/k8s/api.yaml" {
		t.Errorf("SARIF: %s", got)
	}
	if first := sarif(t, r).Results[0]; first.Locations[0].Physical.Region.StartLine != 12 || !strings.Contains(first.Message.Text, "it lies (it is the program's)") {
		t.Errorf("%+v", first)
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"gitlab": func(b *bytes.Buffer) error { return WriteGitLab(b, r, Console{}) },
		"github": func(b *bytes.Buffer) error { return WriteGitHub(b, r, Console{}) },
		"junit":  func(b *bytes.Buffer) error { return WriteJUnit(b, r, Console{}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); !strings.Contains(s, "svc/k8s/api.yaml") || strings.Contains(s, "podproof.yaml") || strings.Contains(s, `file="nowhere`) {
			t.Errorf("%s:\n%s", name, s)
		}
	}
}

// A record judged on another machine tells the same places.
func TestHomeOfARecord(t *testing.T) {
	aRepository(t, true, "svc", "svc/podproof.yaml", "svc/k8s/api.yaml")
	c, err := contract.Load("podproof.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := NewRecord(c, nil, evidence.Evidence{SchemaVersion: evidence.SchemaVersion}).Encode(&b); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	var rec Record
	if err := json.Unmarshal(b.Bytes(), &rec); err != nil {
		t.Fatal(err)
	}
	r := New(rec.Contract, rec.Evidence, nil).At(rec.Home)
	if file, line, _ := r.home.place(&check.Location{File: "k8s/api.yaml", Line: 7}); file != "svc/k8s/api.yaml" || line != 7 || r.home.File != "svc/podproof.yaml" {
		t.Errorf("%s:%d of %+v", file, line, r.home)
	}
}
