package draft

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
)

// files are written into a new folder, which is the current one then.
func files(t *testing.T, texts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for path, text := range texts {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

// runs is an object that runs pods of an image.
func runs(kind, name, image string) string {
	return strings.NewReplacer("KIND", kind, "NAME", name, "IMAGE", image).Replace(`---
apiVersion: apps/v1
kind: KIND
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
        - {name: NAME, image: "IMAGE"}
`)
}

var (
	api     = runs("Deployment", "api", "shop/api:1")
	webhook = "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: gate}}\n"
	migrate = "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: shop/api:1}]}}}}\n"
)

func TestLookFindsManifests(t *testing.T) {
	kustomized := func(resources ...string) string { return "resources: [" + strings.Join(resources, ", ") + "]\n" }
	for _, x := range []struct {
		name  string
		files map[string]string
		want  []string
		from  string
	}{
		{name: "a folder", files: map[string]string{"k8s/api.yaml": api, "k8s/values.yaml": "replicas: 1\n"}, want: []string{"k8s"}, from: "found here"},
		{name: "folders in a folder", files: map[string]string{"manifests/api/a.yaml": api, "manifests/db/db.yml": runs("StatefulSet", "db", "postgres:16")}, want: []string{"manifests/api", "manifests/db"}, from: "found here"},
		{name: "Jobs alone", files: map[string]string{"deploy/api/a.yaml": api, "deploy/migrate/m.yaml": migrate}, want: []string{"deploy/api"}, from: "found here; beside deploy/migrate, which runs Jobs alone"},
		{name: "a Job beside its workload", files: map[string]string{"deploy/a.yaml": api + "---\n" + migrate}, want: []string{"deploy"}, from: "found here"},
		{name: "a kustomization with its parts", files: map[string]string{"k8s/kustomization.yaml": kustomized("api/a.yaml", "db"), "k8s/api/a.yaml": api, "k8s/db/kustomization.yaml": kustomized("db.yaml"), "k8s/db/db.yaml": runs("StatefulSet", "db", "postgres:16")},
			want: []string{"k8s"}, from: "found here"},
		{name: "the only overlay", files: map[string]string{"deploy/base/kustomization.yaml": kustomized("a.yaml"), "deploy/base/a.yaml": api, "deploy/overlays/prod/kustomization.yaml": kustomized("../../base")},
			want: []string{"deploy/overlays/prod"}, from: "found here"},
		{name: "a component", files: map[string]string{"k8s/a/kustomization.yaml": kustomized("a.yaml"), "k8s/a/a.yaml": api, "k8s/tls/kustomization.yaml": "kind: Component\n"}, want: []string{"k8s/a"}, from: "found here"},
		{name: "a webhook beside them", files: map[string]string{"deploy/api/a.yaml": api, "deploy/gate/w.yaml": webhook}, want: []string{"deploy/api"}, from: "found here; beside deploy/gate, which decides what a whole cluster admits"},
		{name: "a webhook alone", files: map[string]string{"deploy/w.yaml": webhook + api}, want: []string{"deploy"}, from: "found here"},
		{name: "folders below a plain one", files: map[string]string{"k8s/a.yaml": api, "k8s/dev/a.yaml": api}, want: []string{"k8s"}, from: "found here; beside k8s/dev, which is not read"},
		{name: "files of the folder itself", files: map[string]string{"api.yaml": api, "compose.yaml": "services: {}\n", "skaffold.yaml": "apiVersion: skaffold/v4beta1\nkind: Config\n"}, want: []string{"api.yaml"}, from: "found here"},
		{name: "a kustomization of the folder itself", files: map[string]string{"kustomization.yaml": kustomized("a.yaml"), "a.yaml": api}, want: []string{"."}, from: "found here"},
		{name: "folders of the folder itself", files: map[string]string{"api/kustomization.yaml": kustomized("a.yaml"), "api/a.yaml": api, "examples/b.yaml": api}, want: []string{"api"}, from: "found here"},
		{name: "a chart beside them", files: map[string]string{"k8s/a.yaml": api, "charts/shop/Chart.yaml": "name: shop\n", "charts/shop/templates/a.yaml": api}, want: []string{"k8s"}, from: "found here; beside the Helm chart charts/shop, which is not read"},
	} {
		t.Run(x.name, func(t *testing.T) {
			files(t, x.files)
			c, err := Look(".", Question{"podproof verify", "shop/api:2"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(x.want, c.Manifests) + cmp.Diff(x.from, c.Found()[0].From); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Written() || c.Build != nil || len(c.Found()) != 1 {
				t.Errorf("%+v, and an image was named", c)
			}
		})
	}
}

func TestLookSaysWhatIsMissing(t *testing.T) {
	variants := map[string]string{"k8s/dev/a.yaml": api, "k8s/prod/a.yaml": api, "k8s/db/db.yaml": runs("StatefulSet", "db", "postgres:16")}
	for _, x := range []struct {
		name, image string
		files       map[string]string
		says        []string
	}{
		{"nothing", "shop/api:1", nil, []string{"no manifests were found to derive it from (looked in deploy, ", "name them: `podproof verify -m FOLDER shop/api:1`. Without manifests `podproof inspect shop/api:1` looks into the image alone"}},
		{"a Dockerfile", "", map[string]string{"Dockerfile": "FROM scratch\n"}, []string{"`podproof verify -m FOLDER` (Dockerfile was found)"}},
		{"a chart", "", map[string]string{"chart/Chart.yaml": "name: shop\n"}, []string{"chart is a Helm chart", "run `helm template shop chart | podproof verify -m - IMAGE`"}},
		{"a chart for an image", "shop/api:1", map[string]string{"Chart.yaml": "name: shop\n"}, []string{"run `helm template shop . | podproof verify -m - shop/api:1`"}},
		{"variants", "x:1", variants, []string{"of the manifests k8s/dev, k8s/prod are variants", "\n  podproof verify -m k8s/dev -m k8s/db x:1\n  podproof verify -m k8s/prod -m k8s/db x:1"}},
		{"overlays with prefixes", "", map[string]string{"k8s/base/kustomization.yaml": "resources: [a.yaml]\n", "k8s/base/a.yaml": api, "k8s/dev/kustomization.yaml": "resources: [../base]\nnamePrefix: dev-\n", "k8s/prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n"},
			[]string{"k8s/dev, k8s/prod are variants"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			files(t, x.files)
			_, err := Look(".", Question{"podproof verify", x.image})
			for _, want := range x.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
		})
	}
}

func TestLookFindsADockerfile(t *testing.T) {
	t.Setenv("GO_IMAGE", "mirror/go")
	for _, x := range []struct {
		name  string
		files map[string]string
		want  string // Dockerfile, context, arguments
		from  string
	}{
		{"here", map[string]string{"Dockerfile": "FROM x\n"}, "Dockerfile . []", "found here"},
		{"one for production", map[string]string{"Dockerfile": "FROM x\n", "Dockerfile.prod": "FROM y\n"}, "Dockerfile.prod . []", "found here; beside Dockerfile"},
		{"below", map[string]string{"api/Dockerfile": "FROM x\nCOPY go.mod ./\n", "api/go.mod": "", "go.mod": ""}, "api/Dockerfile api []", "found here"},
		{"below, for the whole", map[string]string{"docker/Dockerfile": "FROM x\nCOPY --from=a /b /c\nCOPY go.mod api/ $X ./\n", "go.mod": "", "api/main.go": ""}, "docker/Dockerfile . []", "found here"},
		{"base images of the environment", map[string]string{"Dockerfile": "ARG GO_IMAGE=go\nARG OTHER\nFROM $GO_IMAGE\nARG HOME\n"}, "Dockerfile . [GO_IMAGE]", "found here"},
		{"several", map[string]string{"api/Dockerfile": "FROM x\n", "web/Dockerfile": "FROM x\n"}, "", "several Dockerfiles are here: api/Dockerfile, web/Dockerfile"},
		{"an example's", map[string]string{"examples/Dockerfile": "FROM x\n"}, "", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			all := maps.Clone(x.files)
			all["k8s/a.yaml"] = api
			files(t, all)
			c, err := Look(".", Question{Command: "podproof verify"})
			if err != nil {
				t.Fatal(err)
			}
			got, from := "", ""
			if b := c.Build; b != nil {
				got = b.Dockerfile + " " + b.Context + " [" + strings.Join(b.Args, " ") + "]"
			}
			if i := slices.IndexFunc(c.Found(), func(d contract.Derived) bool { return d.Field == "build" }); i >= 0 {
				from = c.Found()[i].From
			}
			if got != x.want || from != x.from {
				t.Errorf("%q from %q, want %q from %q", got, from, x.want, x.from)
			}
		})
	}
}

func TestGivenManifests(t *testing.T) {
	files(t, map[string]string{"Dockerfile": "FROM x\n", "a.yaml": api})
	c, err := Given(".", []string{"-", "*.yaml"}, strings.NewReader(migrate), Question{Command: "podproof plan"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Build == nil || c.Found()[0].Value != "-, *.yaml" || len(c.ManifestFiles()) != 2 || string(c.Piped()) != migrate {
		t.Errorf("%+v", c)
	}
	if _, err := Given(".", []string{"b.yaml"}, nil, Question{}); err == nil {
		t.Error("no error without the file")
	}
}
