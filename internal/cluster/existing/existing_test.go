package existing

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/cluster"
)

const kubeconfig = `apiVersion: v1
kind: Config
clusters:
- {name: shop, cluster: {server: "https://shop.example:6443"}}
contexts:
- {name: staging, context: {cluster: shop, user: me}}
- {name: broken, context: {cluster: gone, user: me}}
users:
- {name: me, user: {token: abc}}
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAContextIsFound(t *testing.T) {
	file := write(t, kubeconfig)
	t.Setenv("KUBECONFIG", file)
	for _, named := range []string{"", file, file + string(filepath.ListSeparator) + filepath.Join(t.TempDir(), "more")} {
		c, err := Provider{}.Prepare(t.Context(), cluster.Spec{Existing: "staging", Kubeconfig: named})
		if err != nil {
			t.Fatalf("of %q: %v", named, err)
		}
		if r := c.REST(); r.Host != "https://shop.example:6443" || r.BearerToken != "abc" || r.QPS < 100 {
			t.Errorf("of %q: the server is %s, and it may be asked %v times a second", named, r.Host, r.QPS)
		}
		about := c.About()
		if about.Owned || about.Name != "staging" || about.Flag != "context:staging" || !strings.HasSuffix(about.Kubectl, "--context staging") {
			t.Errorf("of %q: %+v", named, about)
		}
		if with := "--kubeconfig " + file; strings.Contains(about.Kubectl, with) != (named == file) {
			t.Errorf("of %q: kubectl is to be called with %q", named, about.Kubectl)
		}
		if c.Images() != nil || c.Nodes() != nil {
			t.Error("it offers what is not podproof's")
		}
	}
}

func TestAContextThatIsNotThere(t *testing.T) {
	file := write(t, kubeconfig)
	for _, c := range []struct {
		name, context, kubeconfig string
		gone                      bool
		want                      string
	}{
		{"another", "prod", file, true, "context:prod: no such cluster: the kubeconfig " + file + " has broken, staging"},
		{"none at all", "prod", write(t, "apiVersion: v1\nkind: Config\n"), true, "has no context"},
		{"no file", "prod", file + "x", false, file + "x"},
		{"not a kubeconfig", "prod", write(t, "{"), false, "reading the kubeconfig"},
		{"of no cluster", "broken", file, false, "reading context broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Provider{}.Prepare(t.Context(), cluster.Spec{Existing: c.context, Kubeconfig: c.kubeconfig})
			if err == nil || errors.Is(err, cluster.ErrGone) != c.gone || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, and should say %q", err, c.want)
			}
			if errors.Is(err, fs.ErrNotExist) != (c.name == "no file") {
				t.Errorf("whether the file is there: %v", err)
			}
		})
	}
}

func TestTheCurrentContext(t *testing.T) {
	if got, err := Current(write(t, kubeconfig+"current-context: staging\n")); got != "staging" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Current(write(t, kubeconfig)); err == nil || !strings.Contains(err.Error(), "has no current context: it has broken, staging; name one with --cluster context:NAME") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Current(write(t, "{")); err == nil || !strings.Contains(err.Error(), "--cluster current: reading") {
		t.Errorf("the error is %v", err)
	}
}

func TestAKubeconfigIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("KUBECONFIG", "a"+string(filepath.ListSeparator)+"/b")
	for given, want := range map[string]string{"": filepath.Join(dir, "a") + string(filepath.ListSeparator) + "/b", "c": filepath.Join(dir, "c"), "/d": "/d"} {
		if got, err := Lasting(given); got != want || err != nil {
			t.Errorf("%q is %q, and should be %q (%v)", given, got, want, err)
		}
	}
	t.Setenv("KUBECONFIG", "")
	if got, err := Lasting(""); got != "" || err != nil {
		t.Errorf("where kubectl looks by itself is %q, %v", got, err)
	}
}
