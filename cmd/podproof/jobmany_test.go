package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

// twoShops are two contracts, of which one has a pull secret and no Secret.
func twoShops(t *testing.T) {
	t.Helper()
	shopFolder(t)
	for file, text := range map[string]string{
		"web.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\nmanifests: [web-all.yaml]\nimage: r.example/shop/web:1\n",
		"web-all.yaml": `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {imagePullSecrets: [{name: registry}], containers: [{name: web, image: "r.example/shop/web:1", ports: [{containerPort: 80}]}]}}}}
`,
		"built.yaml": "apiVersion: podproof/v1alpha1\nkind: Contract\nmanifests: [all.yaml]\nimage: shop/api:1.0\nbuild: {context: .}\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What is printed for several contracts is one Indexed Job that Kubernetes takes, with the rights of all.
func TestTheJobOfSeveralContracts(t *testing.T) {
	twoShops(t)
	printed := says(t, "job", "-n", "proof", "--image", "p:1", "--only", "startup/ready", "-f", "podproof.yaml", "-f", "web.yaml")
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var j *batchv1.Job
	for name, o := range objectsOf(t, printed) {
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		x, _, err := strict.Decode(b, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if is, ok := x.(*batchv1.Job); ok {
			j = is
		}
	}
	pod := j.Spec.Template.Spec
	if *j.Spec.Completions != 2 || len(pod.ImagePullSecrets) != 1 || pod.ImagePullSecrets[0].Name != "registry" || !strings.HasSuffix(strings.Join(pod.Containers[0].Args, " "), "--only startup/ready") {
		t.Errorf("the Job is %+v", j.Spec)
	}
	if first, _, _ := strings.Cut(printed, "\n"); !strings.Contains(first, ", web in namespace proof") {
		t.Errorf("it says %s", first)
	}
	for args, want := range map[string]string{
		"-f podproof.yaml -f web.yaml -m deploy":                                                "-m is for one contract",
		"-f podproof.yaml -f web.yaml r.example/x:1":                                            "IMAGE r.example/x:1 is for one contract",
		"-f podproof.yaml -f web.yaml --parallel 2":                                             "--parallel 2: in one namespace contracts are verified one after the other",
		"-f podproof.yaml -f web.yaml --for tekton":                                             "--for tekton takes one contract",
		"-f podproof.yaml -f built.yaml -f none.yaml":                                           "built.yaml: have the contract name its image in a registry",
		"-f podproof.yaml -f none.yaml":                                                         "none.yaml: there is no such file",
		"-f web.yaml -f ./web.yaml":                                                             "are the same contract",
		"-f podproof.yaml -f web.yaml --run -o json=x.json --evidence e.json --kubeconfig none": "write --evidence e-{}.json",
	} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), append([]string{"job", "--image", "p:1"}, strings.Fields(args)...)), &said); code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("podproof job %s: exit code %d, said %q, want %q", args, code, said.String(), want)
		}
	}
	if printed := says(t, "job", "--image", "p:1", "--for", "argocd", "-f", "podproof.yaml", "-f", "web.yaml"); !strings.Contains(printed, "completionMode: Indexed") || !strings.Contains(printed, "argocd.argoproj.io/hook: PreSync") {
		t.Errorf("for Argo CD it is\n%s", printed)
	}
}

// The reports of all indexes are written here, and a table; an index without a result is none that passed.
func TestAJobOfSeveralContractsThatIsRun(t *testing.T) {
	shopFolder(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GITHUB_ACTIONS", "")
	t.Setenv("GITLAB_CI", "")
	selected, err := check.Select([]string{"image/user-non-root"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Load(contract.DefaultFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name  string
		codes map[int]int
		want  int
		table []string
	}{
		{"one is broken", map[int]int{0: 0, 1: 1}, exitFail, []string{"web pass", "cron FAIL 0.0 image/user-non-root", "2 contracts: 1 passed, 1 failed."}},
		{"one is wrong", map[int]int{0: 0, 1: 2}, exitUsage, []string{"cron wrong input"}},
		{"one was killed", map[int]int{0: 0, 1: 137}, exitInconclusive, []string{"cron inconclusive", "podproof ended with exit code 137"}},
		{"one never ran", map[int]int{0: 0}, exitInconclusive, []string{"cron inconclusive", "it did not run to its end"}},
		{"one passes here alone", map[int]int{0: 1, 1: 1}, exitFail, []string{"web inconclusive", "ended with exit code 1 in the cluster, and this podproof judges its evidence otherwise"}},
		{"one left nothing", map[int]int{0: 0, 1: 1, 2: 0}, exitFail, []string{"gone inconclusive", "it left no result"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			client := fake.NewClientset([]runtime.Object{&batchv1.Job{}}...)
			j := workload.InJob{Name: "podproof", Namespace: "proof", UID: "job-1"}
			for i, user := range []string{"1001", "0"} {
				left, _, err := jobResult(selected, pipeline.Result{Contract: c, Evidence: evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Run: evidence.Run{ID: "r" + string(rune('0'+i))},
					Image: &evidence.Image{Ref: "r.example/shop:1", Config: evidence.ImageConfig{User: user}}}})
				if err != nil {
					t.Fatal(err)
				}
				of := j
				of.Index = string(rune('0' + i))
				if err := job.Publish(t.Context(), client, of, left); err != nil && !strings.Contains(err.Error(), "annotating") {
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			outs, err := report.ParseOutputs([]string{"terminal", "json=" + filepath.Join(dir, "{}.json"), "junit=" + filepath.Join(dir, "all.xml")})
			if err != nil {
				t.Fatal(err)
			}
			var shown bytes.Buffer
			f := &jobFlags{}
			f.evidence = filepath.Join(dir, "{}.evidence")
			r := jobRun{jobFlags: f, client: client, names: []string{"web", "cron"}, outs: outs, progress: report.NewProgress(&shown, report.Console{Name: "job"}), console: report.Console{Name: "job"}, stdout: &shown}
			if len(x.codes) == 3 {
				r.names = append(r.names, "gone")
			}
			err = r.reportedMany(t.Context(), j, x.codes)
			var code exitError
			if !errors.As(err, &code) || code.code != x.want {
				t.Errorf("got %v", err)
			}
			for _, want := range x.table {
				if !strings.Contains(strings.Join(strings.Fields(shown.String()), " "), want) {
					t.Errorf("shown was %q, without %q", shown.String(), want)
				}
			}
			if x.codes[0] != 0 {
				return
			}
			for file, want := range map[string]string{"web.json": `"result": "pass"`, "all.xml": "web: US", "web.evidence": `"user": "1001"`} {
				if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(b), want) {
					t.Errorf("%s is %s (%v)", file, b, err)
				}
			}
		})
	}
}
