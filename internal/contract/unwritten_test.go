package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder has empty files, and is the current one.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(f)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

func TestManifestsOfACommandLine(t *testing.T) {
	dir := folder(t, "k8s/a.yaml", "k8s/b.yaml", "k8s/notes.md", "other/x")
	here, err := Unwritten(".", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := Unwritten("other", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name        string
		c           Contract
		given       []string
		want, files []string
	}{
		{"a folder and a file", here, []string{"k8s/", "k8s/a.yaml"}, []string{"k8s/", "k8s/a.yaml"}, []string{"k8s/", "k8s/a.yaml"}},
		{"a pattern", here, []string{"k8s/*.yaml", "k8s/a.yaml"}, []string{"k8s/*.yaml", "k8s/a.yaml"}, []string{"k8s/a.yaml", "k8s/b.yaml"}},
		{"an absolute pattern", here, []string{filepath.Join(dir, "k8s/*.yaml")}, []string{filepath.Join(dir, "k8s/*.yaml")}, []string{filepath.Join(dir, "k8s/a.yaml"), filepath.Join(dir, "k8s/b.yaml")}},
		{"the standard input", here, []string{"-", "k8s"}, []string{"-", "k8s"}, []string{"-", "k8s"}},
		{"a contract of another folder", elsewhere, []string{"k8s/*.yaml"}, []string{"../k8s/*.yaml"}, []string{"../k8s/a.yaml", "../k8s/b.yaml"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.c.Manifests = []string{"its own"}
			c, err := x.c.WithManifests(x.given, strings.NewReader("kind: Pod\n"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(x.want, c.Manifests) + cmp.Diff(x.files, c.ManifestFiles()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if x.given[0] == "-" && string(c.Piped()) != "kind: Pod\n" {
				t.Errorf("piped %q", c.Piped())
			}
		})
	}
}

func TestManifestsThatAreNotThere(t *testing.T) {
	folder(t, "a.yaml")
	for given, want := range map[string]string{
		"k8s":           "-m k8s: there is no such file or folder here",
		"*.json":        "-m *.json: there is no such file or folder here, and it is no pattern that one fits",
		"":              "-m '': an empty text does not name manifests",
		"-":             "-m -: the standard input is empty; pipe manifests into it, as in `helm template NAME CHART | podproof verify -m - IMAGE`",
		"a.yaml a.yaml": "-m a.yaml is given twice",
	} {
		if _, err := (Contract{}).WithManifests(strings.Split(given, " "), strings.NewReader(" \n")); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("-m %s: %v, want %s", given, err, want)
		}
	}
}

func TestAPatternOfAContract(t *testing.T) {
	dir := folder(t, "k8s/a.yaml", "k8s/b.yaml")
	file := filepath.Join(dir, DefaultFile)
	if err := os.WriteFile(file, []byte(header2+"manifests: ['k8s/*.yaml']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"k8s/a.yaml", "k8s/b.yaml"}, c.ManifestFiles()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
