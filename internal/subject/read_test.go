package subject

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const podTemplate = `
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: c, image: "IMAGE", ports: [{name: http, containerPort: 8000}], readinessProbe: {httpGet: {path: /ready, port: http}}}]}
`

// runs is an object of a kind that runs pods.
func runs(apiVersion, kind, name, image string) string {
	return "---\napiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec:" + strings.NewReplacer("NAME", name, "IMAGE", image).Replace(podTemplate)
}

// read is the subject of a contract and these manifests.
func read(t *testing.T, contractText, manifests string, o Options) (Subject, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, contract.DefaultFile)
	for path, text := range map[string]string{file: "apiVersion: podproof/v1alpha1\nkind: Contract\nmanifests: [all.yaml]\n" + contractText, filepath.Join(dir, "all.yaml"): manifests} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := contract.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	o.Owned = true
	return Read(c, o)
}

func TestReadChoosesTheWorkload(t *testing.T) {
	api, db := runs("apps/v1", "Deployment", "api", "shop/api:1.0"), runs("apps/v1", "StatefulSet", "db", "postgres:16")
	const hook = "---\n{apiVersion: v1, kind: Pod, metadata: {name: tried, annotations: {helm.sh/hook: test}}, spec: {containers: [{name: w, image: busybox}]}}\n"
	const scaler = "---\n{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: s}, spec: {maxReplicas: 4, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: api}}}\n"
	idle := strings.Replace(api, "spec:\n", "spec:\n  replicas: 0\n", 1)
	for _, c := range []struct {
		name, contract, manifests, image string
		workload                         string
		replicas                         int32
		note                             string // a part of all notes
	}{
		{name: "a test of Helm's is none", manifests: api + hook, workload: "deployment/api", replicas: 1, note: "Left out pod/tried"},
		{name: "the image on the command line", manifests: api + db, image: "shop/api:1.0", workload: "deployment/api", replicas: 1},
		{name: "another tag on the command line", manifests: api + db, image: "shop/api:pr-7", workload: "deployment/api", replicas: 1},
		{name: "a contract's own word goes first", contract: "workload: statefulset/db\n", manifests: api + db, image: "shop/api:1.0", workload: "statefulset/db", replicas: 1},
		{name: "an autoscaler", contract: "image: shop/api:1.0\n", manifests: api + scaler, workload: "deployment/api", replicas: 2, note: "Left out horizontalpodautoscaler/s"},
		{name: "no replicas", contract: "image: shop/api:1.0\n", manifests: idle, workload: "deployment/api", replicas: 1, note: "deployment/api (all.yaml:2) has replicas: 0; one is run"},
		{name: "a custom resource without its definition", contract: "image: shop/api:1.0\n", workload: "deployment/api", replicas: 1, note: "Left out servicemonitor/m",
			manifests: api + "---\n{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: m}}\n"},
		{name: "a Rollout that refers to a Deployment", contract: "image: shop/api:1.0\n", workload: "deployment/api", replicas: 1, note: "Left out rollout/api",
			manifests: idle + "---\n{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api}, spec: {workloadRef: {kind: Deployment, name: api}}}\n"},
		{name: "a Job that migrates", contract: "image: shop/api:1.0\n", workload: "deployment/api", replicas: 1,
			manifests: api + "---\n{apiVersion: batch/v1, kind: Job, metadata: {generateName: migrate-}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: shop/api:1.0}]}}}}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := read(t, c.contract, c.manifests, Options{Image: c.image, Pods: true})
			if err != nil {
				t.Fatal(err)
			}
			if s.Contract.Workload != c.workload || s.Workload.Replicas != c.replicas {
				t.Errorf("%s with %d replicas, want %s with %d", s.Contract.Workload, s.Workload.Replicas, c.workload, c.replicas)
			}
			if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestReadTellsWhatIsWrongAtOnce(t *testing.T) {
	api := runs("apps/v1", "Deployment", "api", "shop/api:1.0")
	for _, c := range []struct {
		name, contract, manifests string
		says                      []string
	}{
		{"a kind that podproof does not run", "image: shop/api:1.0\n", runs("argoproj.io/v1alpha1", "Rollout", "api", "shop/api:1.0"),
			[]string{"all.yaml:2: rollout/api: podproof runs a Deployment, StatefulSet, DaemonSet or Pod, and no Rollout of argoproj.io/v1alpha1"}},
		{"it beside a database", "image: shop/api:1.0\n", runs("serving.knative.dev/v1", "Service", "api", "shop/api:1.0") + runs("apps/v1", "StatefulSet", "db", "postgres:16"),
			[]string{"no Service of serving.knative.dev/v1"}},
		{"it beside a database, without an image", "", runs("argoproj.io/v1alpha1", "Rollout", "api", "shop/api:1.0") + runs("apps/v1", "StatefulSet", "db", "postgres:16"),
			[]string{"no Rollout of argoproj.io/v1alpha1"}},
		{"a kind in lower case", "image: shop/api:1.0\n", runs("apps/v1", "deployment", "api", "shop/api:1.0"), []string{"all.yaml:2: deployment/api: the kind is \"deployment\""}},
		{"one name in two namespaces", "image: shop/api:1.0\n", strings.Replace(api, "name: api}", "name: api, namespace: a}", 1) + strings.Replace(api, "name: api}", "name: api, namespace: b}", 1),
			[]string{"all.yaml:11: deployment/api: it is at all.yaml:2, too (there in the namespace a, here in the namespace b)"}},
		{"several at once", "image: shop/api:1.0\n", strings.Replace(strings.Replace(api, "port: http", "port: web", 1), "{name: c,", "{name: c, envFrom: [{secretRef: {name: s}}],", 1) +
			"---\n{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: api}}\n",
			[]string{"asks the port \"web\"", "need secret/s", "Kubernetes 1.25 removed PodDisruptionBudget"}},
		{"no workload at all", "", "{apiVersion: v1, kind: Secret, metadata: {name: s}}\n---\n{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}}\n",
			[]string{"hold no workload", "Left out cronjob/nightly (all.yaml:3)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, c.contract, c.manifests, Options{Pods: true})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %q", err, want)
				}
			}
			if _, err := read(t, c.contract, c.manifests, Options{}); err != nil && c.name != "one name in two namespaces" {
				t.Errorf("without any check that needs a pod: %v", err)
			}
		})
	}
}

// A statement about a run names what the run was given.
// A name that no cluster takes is told with the place where it stands.
func TestReadSaysWhereAWrongNameStands(t *testing.T) {
	for name, want := range map[string]string{
		"API_1":     `all.yaml:4: deployment/API_1: metadata.name: "API_1" is no name that Kubernetes takes`,
		"'${NAME}'": "fill the variable in first, as `envsubst` does",
	} {
		_, err := read(t, "image: shop/api:1.0\n", strings.Replace(runs("apps/v1", "Deployment", "api", "shop/api:1.0"), "metadata: {name: api}", "metadata: {name: "+name+"}", 1), Options{Pods: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInputs(t *testing.T) {
	api := runs("apps/v1", "Deployment", "api", "shop/api:1.0")
	inputs := func(contractText, manifests string) evidence.Inputs {
		t.Helper()
		s, err := read(t, contractText, manifests, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s, err = s.With(contract.ImageFacts{}); err != nil {
			t.Fatal(err)
		}
		return *s.Inputs()
	}
	a, b, c := inputs("", api), inputs("http: {port: 8000}\n", api), inputs("", strings.Replace(api, "8000", "8001", 1))
	if len(a.Contract) != len("sha256:")+64 || len(a.Manifests) != len(a.Contract) {
		t.Errorf("%+v", a)
	}
	if a.Contract == b.Contract || a.Manifests != b.Manifests || a.Contract != c.Contract || a.Manifests == c.Manifests {
		t.Errorf("%+v\n%+v\n%+v", a, b, c)
	}
	if s, err := Read(contract.Contract{}, Options{}); err != nil || s.Inputs() != nil {
		t.Errorf("%+v of nothing (%v)", s.Inputs(), err)
	}
}
