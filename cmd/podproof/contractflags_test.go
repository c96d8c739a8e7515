package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
)

func writeAll(t *testing.T, texts map[string]string) {
	t.Helper()
	for path, text := range texts {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A contract is not needed: what a run may be asked for is derived alike by all commands.
func TestManifestsInPlaceOfAContract(t *testing.T) {
	shopFolder(t)
	whole, err := os.ReadFile("all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(says(t, "rbac", "shop/api:2"), contract.DefaultFile, "WITH")
	writeAll(t, map[string]string{"empty.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\n", "k8s/all.yaml": string(whole)})
	for _, x := range []struct {
		args, with string
		gone       bool // the contract
	}{
		{"-m all.yaml", contract.DefaultFile, false},
		{"-f empty.yaml -m k8s", "empty.yaml", false},
		{"-m k8s/*.yaml", "the manifests k8s/*.yaml", true},
		{"-m -", "the manifests -", true},
		{"", "the manifests k8s", true}, // found by looking
	} {
		if x.gone {
			if err := os.RemoveAll(contract.DefaultFile); err != nil {
				t.Fatal(err)
			}
		}
		root := newRoot()
		var out, wrong bytes.Buffer
		root.SetOut(&out)
		root.SetIn(bytes.NewReader(whole))
		if code := exitCode(execute(t.Context(), root, append(append([]string{"rbac"}, strings.Fields(x.args)...), "shop/api:2")), &wrong); code != exitPass {
			t.Errorf("podproof rbac %s: exit code %d: %s", x.args, code, wrong.String())
			continue
		}
		got := strings.ReplaceAll(out.String(), "a run with "+x.with+" in", "a run with WITH in")
		got = strings.NewReplacer("(k8s/all.yaml:", "(all.yaml:", "((standard input):", "(all.yaml:").Replace(got)
		if got != want {
			t.Errorf("podproof rbac %s\ngot  %s\nwant %s", x.args, got, want)
		}
	}
}

func TestWhatMayStandInPlaceOfAContract(t *testing.T) {
	alone(t)
	writeAll(t, map[string]string{"beside/podproof.yml": "", "chart/Chart.yaml": "name: shop\n"})
	for args, want := range map[string]string{
		"verify":                       "chart is a Helm chart, of which podproof reads what Helm makes: run `helm template shop chart | podproof verify -m - IMAGE`",
		"plan -m nothing":              "-m nothing: there is no such file or folder here",
		"rbac -m - a:1":                "-m -: the standard input is empty",
		"job -m chart --image x a":     "chart: this is a Helm chart",
		"inspect -m nothing a:1":       "-m nothing: there is no such file or folder here",
		"verify -f none.yaml -m chart": "none.yaml: there is no such file",
	} {
		root := newRoot()
		var b bytes.Buffer
		root.SetIn(strings.NewReader(""))
		if code := exitCode(execute(t.Context(), root, strings.Fields(args)), &b); code != exitUsage || !strings.Contains(b.String(), want) {
			t.Errorf("podproof %s: exit code %d\ngot  %swant %s", args, code, b.String(), want)
		}
	}
	// One that is there by another name is not passed over.
	t.Chdir("beside")
	var b bytes.Buffer
	if code := exitCode(execute(t.Context(), newRoot(), []string{"plan"}), &b); code != exitUsage || !strings.Contains(b.String(), "podproof.yml is beside it; rename that one") {
		t.Errorf("exit code %d: %s", code, b.String())
	}
}

// The command that prints the roles for a run has the run's manifests.
func TestTheCommandOfRolesHasTheManifests(t *testing.T) {
	f := verifyFlags{judgeFlags: judgeFlags{file: contract.DefaultFile, manifests: []string{"k8s/*.yaml", "-"}}}
	if got, want := f.rbacCommand("shop/api:1", nil), "podproof rbac -m 'k8s/*.yaml' -m - shop/api:1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
