package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
)

var (
	// web serves, by what a Secret, a ConfigMap and its manifest tell it.
	web = strings.Replace(api, `{name: api, image: "shop/api:1"}`, `{name: api, image: "shop/api:1", ports: [{name: http, containerPort: 8000}], readinessProbe: {httpGet: {path: /ready, port: http}},
            securityContext: {runAsUser: 1001, runAsGroup: 1002},
            envFrom: [{secretRef: {name: db}}, {configMapRef: {name: settings}}],
            env: [{name: LOG_LEVEL, value: info}, {name: CACHE_URL, value: "redis://cache"}, {name: TOKEN, valueFrom: {secretKeyRef: {name: t, key: token}}},
              {name: EXTRA, valueFrom: {secretKeyRef: {name: t, key: e, optional: true}}}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}`, 1) + `---
{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {DATABASE_URL: "postgres://u:p@db/shop"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {REGION: eu, "not.a,name": x}}
`
	db = runs("StatefulSet", "db", "postgres:16")
)

// drafted is what was written into a file of the current folder, and that file read again. What was
// piped is piped again.
func drafted(t *testing.T, file string, c contract.Contract, seen *evidence.Image) (string, contract.Contract) {
	t.Helper()
	s, err := Settle(c, "", seen)
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Text(s, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := contract.Load(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if c.Piped() != nil {
		if read, err = read.WithManifests([]string{"-"}, strings.NewReader(string(c.Piped()))); err != nil {
			t.Fatal(err)
		}
	}
	return text, read
}

func TestADraftIsAContract(t *testing.T) {
	for _, x := range []struct {
		name, file string
		files      map[string]string
		piped      string
		seen       *evidence.Image
		says       []string
		not        []string
	}{
		{name: "an API beside its database", files: map[string]string{"Dockerfile": "ARG BASE=x\nFROM $BASE\n", "k8s/all.yaml": web + db},
			says: []string{"# workload (deployment/api), dependencies (statefulset/db), http.port (8000), http.health (/ready), ", "image: shop/api:1 #", "  context: .", "  dockerfile: Dockerfile", "  args: [BASE] #",
				"manifests: # what ships together\n  - k8s\n", "    - CACHE_URL # a value of the manifest\n    - TOKEN # secret/t\n    - DATABASE_URL # secret/db\n", "    # - LOG_LEVEL # a value of the manifest\n    # - REGION # configmap/settings\n",
				"#   query: /things # its answer comes from statefulset/db", "identity: {uid: 1001, gid: 1002}"},
			not: []string{"EXTRA", "POD", "not.a,name", "#   health", "\nworkload:", "postgres://"}},
		{name: "a worker without a port", files: map[string]string{"deploy/w.yaml": strings.Replace(api, "spec:\n      containers", "spec:\n      terminationGracePeriodSeconds: 60\n      containers", 1)},
			says: []string{"# build: {context: ., dockerfile: Dockerfile}", "termination.within (1m0s)", "# identity: {uid: 10001"}, not: []string{"env:", "http", "dependencies: ["}},
		{name: "several workloads", files: map[string]string{"k8s/a.yaml": web + db, "k8s/b.yaml": runs("Deployment", "jobs", "shop/jobs:1")},
			says: []string{"\nworkload: deployment/api # under test; or is it statefulset/db, or deployment/jobs?", "# dependencies (statefulset/db), "}},
		{name: "several containers", files: map[string]string{"k8s/a.yaml": strings.Replace(api, `{name: api, image: "shop/api:1"}`, `{name: x, image: "x:1"}`+"\n        - "+`{name: side, image: "y:1"}`, 1)},
			says: []string{"image: x:1 # the name that the manifests use; or is it y:1?"}},
		{name: "several ports", files: map[string]string{"k8s/a.yaml": strings.Replace(web, "{name: http, containerPort: 8000}], readinessProbe: {httpGet: {path: /ready, port: http}}", "{containerPort: 1}, {containerPort: 2}], readinessProbe: {httpGet: {path: /r, port: web}}", 1)},
			says: []string{"http:\n  port: 1 # where users are served; or is it 2?\n  # query: /things"}},
		{name: "no variable that it needs for certain", files: map[string]string{"k8s/a.yaml": strings.Replace(api, `image: "shop/api:1"`, `image: "shop/api:1", env: [{name: LOG_LEVEL, value: info}]`, 1)},
			says: []string{"# env: # without any one of these it must exit at once, and say which one\n#   required:\n#     - LOG_LEVEL"}},
		{name: "a kustomization, for a file elsewhere", file: "proof/podproof.yaml", files: map[string]string{"k8s/base/kustomization.yaml": "resources: [a.yaml]\n", "k8s/base/a.yaml": web, "k8s/prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\n", "app/Dockerfile": "FROM x\n"},
			says: []string{"workload (deployment/prod-api)", "  - ../k8s/prod\n", "  context: ../app #", "  dockerfile: ../app/Dockerfile"}},
		{name: "what Helm makes", piped: "---\n# Source: shop/templates/a.yaml\n" + web + "---\n{apiVersion: v1, kind: Pod, metadata: {name: tried, annotations: {helm.sh/hook: test}}, spec: {containers: [{name: w, image: busybox}]}}\n",
			says: []string{"# The manifests come over the standard input: helm template NAME CHART | podproof verify -m -", "- TOKEN # secret/t"}, not: []string{"\nmanifests:"}},
		{name: "with its image", files: map[string]string{"k8s/a.yaml": api}, seen: &evidence.Image{Size: &evidence.ImageSize{Uncompressed: 50 << 20, Compressed: 20 << 20},
			Config: evidence.ImageConfig{User: "10:20", ExposedPorts: []string{"8000/tcp"}, Healthcheck: []string{"CMD-SHELL", "curl -f http://localhost:8000/healthz"}, Labels: map[string]string{"org.opencontainers.image.title": "shop", "maintainer": "x", "org.opencontainers.image.url": ""}}},
			says: []string{"size: {compressed: 25Mi, uncompressed: 61Mi} # a fifth more than today's 20.0 MiB and 50.0 MiB", "imageConfig: {healthcheck: true, labels: [org.opencontainers.image.title]} # as today", "identity: {uid: 10} #", "http.health (/healthz)"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			files(t, x.files)
			q := Question{Command: "podproof init"}
			c, err := Look(".", q)
			if x.piped != "" {
				c, err = Given(".", []string{"-"}, strings.NewReader(x.piped), q)
			}
			if err != nil {
				t.Fatal(err)
			}
			if x.file == "" {
				x.file = contract.DefaultFile
			}
			text, read := drafted(t, x.file, c, x.seen)
			for _, want := range x.says {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			for _, not := range x.not {
				if strings.Contains(text, not) {
					t.Errorf("it says %q:\n%s", not, text)
				}
			}
			settled, err := Settle(c, "", x.seen)
			if err != nil {
				t.Fatal(err)
			}
			s, err := subject.Read(read, subject.Options{Owned: true})
			if err == nil {
				s, err = s.With(facts(x.seen))
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			got, want := s.Contract, settled.Contract
			if diff := cmp.Diff([]any{want.Image, want.Workload, want.Dependencies, want.HTTP.Port, want.HTTP.Health, want.Identity, len(settled.Objects)},
				[]any{got.Image, got.Workload, got.Dependencies, got.HTTP.Port, got.HTTP.Health, got.Identity, len(s.Objects)}); diff != "" {
				t.Errorf("read again it is another one (-found +written):\n%s\n%s", diff, text)
			}
			suggestionsHold(t, x.file, text)
		})
	}
}

// suggestionsHold takes the comments that suggest lines for lines.
func suggestionsHold(t *testing.T, file, text string) {
	t.Helper()
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		for _, key := range []string{"# http:", "#   health:", "#   query:", "#   upload:", "#   required:", "#     - ", "# env:", "  # health:", "  # query:", "  # upload:", "# identity:", "# startup:", "# size:", "# dependencies:", "# profile:", "# build:", "    # - "} {
			if strings.HasPrefix(l, key) {
				l = strings.Replace(l, "# ", "", 1)
				break
			}
		}
		lines = append(lines, l)
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := contract.Load(file); err != nil {
		t.Errorf("with its suggestions: %v\n%s", err, strings.Join(lines, "\n"))
	}
}
