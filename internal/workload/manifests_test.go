package workload

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/contract"
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
	objects, err := Read([]Path{{Written: "m.yaml", Real: file}})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func names(objects []Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.Source.String()+" "+o.String())
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
			want: []string{"k/api.yaml:1 deployment/api", "base/secret.yaml:1 secret/api"}},
		{name: "what a kustomization makes itself, and what it renames", read: []string{"k"},
			files: map[string]string{"k/kustomization.yaml": "namePrefix: my-\nresources: [api.yaml]\nconfigMapGenerator: [{name: c, literals: [A=1]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n", "k/api.yaml": deployment},
			want:  []string{"k/api.yaml:1 deployment/my-api", "k/kustomization.yaml configmap/my-c"}},
		{name: "a folder without a kustomization, and not deeper", read: []string{"k"},
			files: map[string]string{"k/b.yml": secret, "k/a.yaml": deployment, "k/c.json": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}}`, "k/README.md": "words", "k/deeper/d.yaml": secret,
				"k/podproof.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\n"},
			want: []string{"k/a.yaml:1 deployment/api", "k/b.yml:1 secret/api", "k/c.json:1 secret/c"}},
		{name: "a list, and a list in a list",
			files: map[string]string{"all.yaml": "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- apiVersion: v1\n  kind: SecretList\n  items:\n  - {apiVersion: v1, kind: Secret, metadata: {name: b}}\n"},
			want:  []string{"all.yaml:5 secret/a", "all.yaml:9 secret/b"}},
		{name: "an empty list", files: map[string]string{"all.yaml": "{apiVersion: v1, kind: List, items: []}"}},
		{name: "generated names are ours, and differ",
			files: map[string]string{"all.yaml": strings.Repeat("---\n{apiVersion: v1, kind: Secret, metadata: {generateName: s-}}\n", 2)},
			want:  []string{"all.yaml:2 secret/s-podproof-1", "all.yaml:4 secret/s-podproof-2"}},
		{name: "braces in a text are no template",
			files: map[string]string{"all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rules}\ndata:\n  alert: |\n    {{ $labels.instance }} is down\n  flow: '{{ .Values }}'\n"},
			want:  []string{"all.yaml:1 configmap/rules"}},
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
		{name: "a folder of folders", read: []string{"k"}, files: map[string]string{"k/base/api.yaml": deployment},
			want: []string{"k: this folder holds neither a kustomization.yaml nor a file of manifests (*.yaml, *.yml, *.json); the folders in it are not read: name those that are meant, in `manifests` or with -m, of k/base"}},
		{name: "several problems of a folder", read: []string{"k"}, files: map[string]string{"k/a.yaml": misspelt, "k/b.yaml": wordy},
			want: []string{"k/a.yaml:12: ", "k/b.yaml:5: "}},
		{name: "unknown field of a list's item", files: map[string]string{"all.yaml": "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n  datum: {}\n"},
			want: []string{`all.yaml:8: secret/b: unknown field "datum"`}},
		{name: "a chart", read: []string{"chart"}, files: map[string]string{"chart/Chart.yaml": "name: api\n", "chart/templates/d.yaml": deployment},
			want: []string{"chart: this is a Helm chart (it has chart/Chart.yaml), and podproof reads what Helm makes of it: run `helm template api chart | podproof verify -m - IMAGE`"}},
		{name: "a chart's templates", read: []string{"chart/templates"}, files: map[string]string{"chart/Chart.yaml": "name: api\n", "chart/templates/d.yaml": deployment},
			want: []string{"chart/templates: this is a Helm chart (it has chart/Chart.yaml), and podproof reads what Helm makes of it: run `helm template api chart | podproof verify -m - IMAGE`"}},
		{name: "a template that is no YAML", read: []string{"chart/templates/d.yaml"},
			files: map[string]string{"chart/Chart.yaml": "name: api\n", "chart/templates/d.yaml": "kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-api\n  labels:\n    {{- include \"l\" . | nindent 4 }}\n"},
			want:  []string{"chart/templates/d.yaml:3: this is a template ({{ … }}), not a manifest; podproof reads what Helm makes of it: run `helm template api chart | podproof verify -m - IMAGE`"}},
		{name: "a template that is YAML", files: map[string]string{"d.yaml": strings.Replace(deployment, "app:1", "{{ .Values.image }}", 1)},
			want: []string{"d.yaml:12: this is a template ({{ … }}), not a manifest; podproof reads what Helm makes of it: run `helm template RELEASE CHART"}},
		{name: "a template's name in quotes", files: map[string]string{"d.yaml": strings.Replace(deployment, "name: api}", `name: "{{ .Release.Name }}"}`, 1)},
			want: []string{"d.yaml:3: this is a template"}},
		{name: "a kustomization that inflates charts", read: []string{"k"},
			files: map[string]string{"k/api.yaml": deployment, "k/kustomization.yaml": "resources: [api.yaml]\nhelmCharts:\n- {name: postgresql, repo: https://charts.example, version: 1.0.0, releaseName: pg}\n"},
			want:  []string{"k/kustomization.yaml:3: helmCharts has Helm render the chart postgresql, and podproof runs no Helm: run `helm template pg postgresql --repo https://charts.example --version 1.0.0 > postgresql.yaml`, and list"}},
		{name: "no such resource", read: []string{"k"}, files: map[string]string{"k/kustomization.yaml": "resources: [api.yaml]\n"},
			want: []string{`k/kustomization.yaml: names the resource "api.yaml", which does not exist`}},
		{name: "no name", files: map[string]string{"api.yaml": "# a Secret\napiVersion: v1\nkind: Secret\nmetadata: {}\n"},
			want: []string{"api.yaml:2: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no metadata.name"}},
		{name: "no name, and an unknown field", files: map[string]string{"api.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {}\nstringDatum: {}\n"},
			want: []string{"api.yaml:1: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no metadata.name", `api.yaml:4: secret/(no name): unknown field "stringDatum"`}},
		{name: "no apiVersion, and an unknown field", files: map[string]string{"api.yaml": strings.Replace(misspelt, "apiVersion: apps/v1\n", "", 1)},
			want: []string{"api.yaml:1: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no apiVersion", `api.yaml:11: deployment/api: unknown field "spec.template.spec.containers[0].imag"`}},
		{name: "a header's field mistyped", files: map[string]string{"api.yaml": "apiVersion: v1\nknid: Secret\nmetadta: {name: a}\ndata: {}\n"},
			want: []string{"api.yaml:1: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no kind and no metadata.name",
				`api.yaml:2: unknown field "knid"; did you mean "kind"?`, `api.yaml:3: unknown field "metadta"; did you mean "metadata"?`}},
		{name: "a custom resource without a kind", files: map[string]string{"api.yaml": "apiVersion: example.com/v1\nmetadata: {name: a}\nwhatever: 1\n"},
			want: []string{"api.yaml:1: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no kind"}},
		{name: "no object", files: map[string]string{"api.yaml": "- a\n- b\n"}, want: []string{"api.yaml:1: this document is a list"}},
		{name: "what is no quantity", files: map[string]string{"api.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      image: b\n      resources:\n        requests: {cpu: 1}\n        limits:\n          memory: 128MiB\n"},
			want: []string{`api.yaml:11: pod/a: spec.containers[0].resources.limits.memory is "128MiB", which is no quantity`}},
		{name: "an alias to nothing", files: map[string]string{"api.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: *x\n"}, want: []string{"api.yaml:4: unknown anchor 'x' referenced"}},
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
		out = append(out, Path{Written: r, Real: filepath.Join(dir, r)})
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

// What is piped into podproof has lines, too, and may stand beside files.
func TestReadWhatWasPiped(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("service.yaml", []byte("{apiVersion: v1, kind: Service, metadata: {name: api}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"---\n# Source: shop/templates/s.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n": "service/api service.yaml:1, secret/s (standard input):3",
		"apiVersion: v1\nkind: Secret\nmetadata: {nmae: s}\n":                                            "(standard input):3: ",
		"kind: Secret\nmetadata:\n  name: {{ .Release.Name }}-x\n":                                       "(standard input):3: this is a template ({{ … }}), not a manifest; podproof reads what Helm makes of it: run `helm template RELEASE CHART | podproof verify -m - IMAGE`",
	} {
		c, err := contract.Unwritten(".", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = c.WithManifests([]string{"*.yaml", "-"}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		objects, err := Read(PathsOf(c))
		var got []string
		for _, o := range objects {
			got = append(got, o.String()+" "+o.Source.String())
		}
		if said := strings.Join(got, ", "); err == nil && said != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, %v", text, said, err)
		}
	}
}
