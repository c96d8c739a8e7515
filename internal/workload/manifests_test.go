package workload

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: app:1
          ports:
            - containerPort: 8000
`

const env = `          env:
            - name: HOST
              value: 0.0.0.0
            - name: PORT
              value: 8000
`

const secret = `apiVersion: v1
kind: Secret
metadata: {name: api}
stringData: {TOKEN: a-long-token}
`

// folder writes files and returns the folder that they are in.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// parse reads one file of manifests.
func parse(t *testing.T, body string) []Object {
	t.Helper()
	file := filepath.Join(folder(t, map[string]string{"m.yaml": body}), "m.yaml")
	objects, err := Read([]Path{{"m.yaml", file}})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func names(objects []Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.Source+" "+o.String())
	}
	return out
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		read  []string // every file when it is empty
		want  []string
	}{
		{name: "a file", files: map[string]string{"api.yaml": deployment}, want: []string{"api.yaml:1 deployment/api"}},
		{name: "documents, some of them empty",
			files: map[string]string{"api.yaml": "---\n" + secret + "---\n---\n# nothing but words\n---\n" + deployment + "---\n"},
			want:  []string{"api.yaml:2 secret/api", "api.yaml:10 deployment/api"}},
		{name: "an empty file", files: map[string]string{"api.yaml": ""}},
		{name: "a kind of somebody else's",
			files: map[string]string{"api.yaml": "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {anything: 1}\n"},
			want:  []string{"api.yaml:1 widget/w"}},
		{name: "JSON", files: map[string]string{"api.json": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "api"}}`},
			want: []string{"api.json:1 secret/api"}},
		{name: "a kustomization", read: []string{"k"},
			files: map[string]string{"k/kustomization.yaml": "resources: [api.yaml, ../base]\n", "k/api.yaml": deployment,
				"base/kustomization.yml": "resources: [secret.yaml]\n", "base/secret.yaml": secret},
			want: []string{"k deployment/api", "k secret/api"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read(paths(t, c.files, c.read))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, names(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadSaysWhereItIsWrong(t *testing.T) {
	misspelt := strings.Replace(deployment, "image:", "imag:", 1)
	wordy := strings.Replace(deployment, "replicas: 2", "replicas: two", 1)
	for _, c := range []struct {
		name  string
		files map[string]string
		read  []string
		want  []string // each a part of one problem, in order
	}{
		{name: "unknown field", files: map[string]string{"api.yaml": misspelt},
			want: []string{`api.yaml:12: deployment/api: unknown field "spec.template.spec.containers[0].imag"`}},
		{name: "unknown field in a later document", files: map[string]string{"api.yaml": secret + "---\n" + misspelt},
			want: []string{"api.yaml:17: deployment/api: unknown field"}},
		{name: "unknown field in a kustomization's resource", read: []string{"k"},
			files: map[string]string{"k/kustomization.yaml": "resources: [api.yaml]\n", "k/api.yaml": misspelt},
			want:  []string{`k/api.yaml:12: deployment/api: unknown field "spec.template.spec.containers[0].imag"`}},
		{name: "unknown field in a kustomization's base", read: []string{"k"},
			files: map[string]string{"k/kustomization.yaml": "resources: [../base]\n",
				"base/kustomization.yaml": "resources: [api.yaml]\n", "base/api.yaml": misspelt},
			want: []string{"base/api.yaml:12: deployment/api: unknown field"}},
		{name: "unknown field from a patch", read: []string{"k"},
			files: map[string]string{"k/api.yaml": deployment, "k/kustomization.yaml": "resources: [api.yaml]\n" +
				"patches: [{target: {kind: Deployment}, patch: '[{\"op\": \"add\", \"path\": \"/spec/replica\", \"value\": 1}]'}]\n"},
			want: []string{`k: deployment/api: strict decoding error: unknown field "spec.replica"`}},
		{name: "wrong type", files: map[string]string{"api.yaml": wordy},
			want: []string{"api.yaml:5: deployment/api: spec.replicas is of type string, and must be of type int32"}},
		{name: "wrong type within a list", files: map[string]string{"api.yaml": strings.Replace(deployment, "8000", "http", 1)},
			want: []string{"api.yaml:14: deployment/api: spec.template.spec.containers.ports.containerPort is of type string, and must be of type int32"}},
		{name: "a number where a text must be, among others", files: map[string]string{"api.yaml": deployment + env},
			want: []string{"api.yaml:19: deployment/api: spec.template.spec.containers.env.value is of type number, and must be of type string"}},
		{name: "a bool of YAML 1.1", files: map[string]string{"api.yaml": deployment + strings.Replace(env, "8000", "no", 1)},
			want: []string{"api.yaml:19: deployment/api: spec.template.spec.containers.env.value is of type bool, and must be of type string"}},
		{name: "a fraction", files: map[string]string{"api.yaml": strings.Replace(deployment, "replicas: 2", "replicas: 1.5", 1)},
			want: []string{"api.yaml:5: deployment/api: spec.replicas is of type number, and must be of type int32"}},
		{name: "broken YAML", files: map[string]string{"api.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n\tname: api\n"},
			want: []string{"api.yaml:4: found character that cannot start any token"}},
		{name: "broken YAML after a good document", files: map[string]string{"api.yaml": secret + "---\nkind: [\n"},
			want: []string{"api.yaml:"}},
		{name: "broken kustomization", read: []string{"k"}, files: map[string]string{"k/kustomization.yaml": "resources:\n\t- api.yaml\n"},
			want: []string{"k/kustomization.yaml:2: found character"}},
		{name: "a key twice", files: map[string]string{"api.yaml": strings.Replace(deployment, "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n", 1)},
			want: []string{`api.yaml:6: mapping key "replicas" already defined at line 5`}},
		{name: "no such file", files: map[string]string{}, read: []string{"none.yaml"}, want: []string{"none.yaml: there is no such file"}},
		{name: "no kustomization", read: []string{"k"}, files: map[string]string{"k/api.yaml": deployment}, want: []string{"k: this folder has no kustomization.yaml"}},
		{name: "no such resource", read: []string{"k"}, files: map[string]string{"k/kustomization.yaml": "resources: [api.yaml]\n"},
			want: []string{`k/kustomization.yaml: names the resource "api.yaml", which does not exist`}},
		{name: "no name", files: map[string]string{"api.yaml": "# a Secret\napiVersion: v1\nkind: Secret\nmetadata: {}\n"},
			want: []string{"api.yaml:2: a Kubernetes object needs apiVersion, kind and metadata.name"}},
		{name: "no object", files: map[string]string{"api.yaml": "- a\n- b\n"}, want: []string{"api.yaml:1: a document must be one object"}},
		{name: "several problems", files: map[string]string{"api.yaml": misspelt + "---\n" + wordy}, read: []string{"none.yaml", "api.yaml"},
			want: []string{"none.yaml: ", "api.yaml:12: ", "api.yaml:20: "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read(paths(t, c.files, c.read))
			var wrong *ManifestError
			if !errors.As(err, &wrong) {
				t.Fatalf("read %v and %v, want a ManifestError", names(got), err)
			}
			if len(wrong.Problems) != len(c.want) {
				t.Fatalf("%d problems, want %d: %v", len(wrong.Problems), len(c.want), err)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(wrong.Problems[i], want) {
					t.Errorf("problem %q, want %q at its beginning", wrong.Problems[i], want)
				}
			}
		})
	}
}

// paths are those to read, of files that are written down first.
func paths(t *testing.T, files map[string]string, read []string) []Path {
	t.Helper()
	dir := folder(t, files)
	if len(read) == 0 {
		for name := range files {
			read = append(read, name)
		}
	}
	var out []Path
	for _, r := range read {
		out = append(out, Path{r, filepath.Join(dir, r)})
	}
	return out
}

// Kubernetes' deep copy takes int64 alone for whole numbers, and panics otherwise.
func TestReadGivesWholeNumbersKubernetesType(t *testing.T) {
	files := map[string]string{"api.yaml": deployment, "kustomization.yaml": "resources: [api.yaml]\n"}
	for _, read := range []string{"api.yaml", "."} {
		t.Run(read, func(t *testing.T) {
			objects, err := Read(paths(t, files, []string{read}))
			if err != nil {
				t.Fatal(err)
			}
			n, found, err := unstructured.NestedInt64(objects[0].DeepCopy().Object, "spec", "replicas")
			if n != 2 || !found || err != nil {
				t.Errorf("replicas are %d (%t, %v), want 2", n, found, err)
			}
		})
	}
}

func TestIsRemote(t *testing.T) {
	for resource, want := range map[string]bool{
		"https://example.com/org/repo//base": true, "example.com/org/repo//base?ref=v1": true, "git@example.com:org/repo": true,
		"github.com/org/repo": true, "../base": false, "deployment.yaml": false,
	} {
		if got := isRemote(resource); got != want {
			t.Errorf("%s: %t", resource, got)
		}
	}
}
