package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

var update = flag.Bool("update", false, "write what podproof prints to the files that have it")

// golden compares what is printed with a file of the repository's.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join(checkout, file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what podproof prints; go test ./cmd/podproof -run %s -update writes it (-want +got):\n%s", file, t.Name(), diff)
	}
}

// checkout is the root of the repository, from wherever a test has gone.
var checkout = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// built is what kustomize makes of a folder.
func built(t *testing.T, folder string) map[string]any {
	t.Helper()
	return objectsOf(t, kustomized(t, folder))
}

// kustomized is the same as text.
func kustomized(t *testing.T, folder string) string {
	t.Helper()
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := all.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An overlay as the base describes it changes the images, and the namespace of all.
func TestAnOverlayOfTheKustomizeBase(t *testing.T) {
	base := filepath.Join(checkout, "manifests", "job")
	text, err := os.ReadFile(filepath.Join(base, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	way, err := filepath.Rel(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	overlay := ""
	for line := range strings.Lines(string(text)) {
		if said, is := strings.CutPrefix(line, "#   "); is {
			overlay += strings.Replace(said, "../job", way, 1)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	objects := built(t, dir)
	b, err := json.Marshal(objects["Job/podproof"])
	if err != nil {
		t.Fatal(err)
	}
	var j batchv1.Job
	if err := json.Unmarshal(b, &j); err != nil {
		t.Fatal(err)
	}
	pod := j.Spec.Template.Spec
	args := pod.Containers[0].Args
	const own = "registry.example/tools/podproof:v1"
	if j.Namespace != "proof" || pod.Containers[0].Image != own || pod.InitContainers[0].Image != own || args[len(args)-1] != "registry.example/shop/api:2" {
		t.Errorf("the Job is %+v in %s", pod, j.Namespace)
	}
	if b, _ := json.Marshal(objects["RoleBinding/podproof"]); !strings.Contains(string(b), `"subjects":[{"kind":"ServiceAccount","name":"podproof","namespace":"proof"}]`) {
		t.Errorf("the binding is %s", b)
	}
}

// objectsOf are the documents of a text, by kind and name.
func objectsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, d := range strings.Split("\n"+text, "\n---\n") {
		var o map[string]any
		if err := yaml.UnmarshalStrict([]byte(d), &o); err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
		name, _ := o["metadata"].(map[string]any)["name"].(string)
		out[o["kind"].(string)+"/"+name] = o
	}
	return out
}

// The kustomize base is what podproof prints.
func TestTheKustomizeBaseIsWhatIsPrinted(t *testing.T) {
	base := filepath.Join(checkout, "manifests", "job")
	t.Chdir(checkout)
	printed := says(t, "job", "-n", "podproof", "--image", "podproof.dev/podproof:latest", "registry.example/reactbin/api:1.0.0")
	golden(t, "manifests/job/job.yaml", printed)
	if diff := cmp.Diff(objectsOf(t, printed), built(t, base)); diff != "" {
		t.Errorf("(-printed +built):\n%s", diff)
	}
}

// The examples for deploy tools are what podproof prints, and what Kubernetes has the kinds of, it takes.
func TestTheExamplesAreWhatIsPrinted(t *testing.T) {
	t.Chdir(checkout)
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for tool, x := range map[string]struct{ file, last string }{
		"argocd": {"argocd/podproof.yaml", "Job/podproof"}, "helm": {"helm/templates/podproof.yaml", "Job/podproof"}, "tekton": {"tekton/podproof.yaml", "Task/podproof"},
		"rollouts": {"rollouts/podproof.yaml", "AnalysisTemplate/podproof"}, "github": {"github/podproof.yaml", ""}, "gitlab": {"gitlab/podproof.yaml", ""},
	} {
		t.Run(tool, func(t *testing.T) {
			printed := says(t, "job", "--for", tool, "-f", "examples/gates/shop/podproof.yaml", "-n", "shop-proof", "--image", "podproof.dev/podproof:v1", "registry.example/shop/api:1.4.2")
			golden(t, filepath.Join("examples/gates", x.file), printed)
			if x.last == "" {
				var any map[string]any
				if err := yaml.UnmarshalStrict([]byte(printed), &any); err != nil {
					t.Fatal(err)
				}
				want := "podproof job --file examples/gates/shop/podproof.yaml --image podproof.dev/podproof:v1 --namespace shop-proof registry.example/shop/api:1.4.2 --run -o terminal "
				if !strings.Contains(printed, want) {
					t.Errorf("it does not run %q:\n%s", want, printed)
				}
				return
			}
			if asks := strings.Contains(printed, "  - jobs\n"); asks != (tool == "argocd" || tool == "helm") {
				t.Errorf("does the role ask to annotate the Job: %v", asks)
			}
			objects := objectsOf(t, printed)
			if objects[x.last] == nil || objects["ServiceAccount/podproof"] == nil {
				t.Fatalf("there are %v", slices.Sorted(maps.Keys(objects)))
			}
			for name, o := range objects {
				b, err := json.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := strict.Decode(b, nil, nil); err != nil && !runtime.IsNotRegisteredError(err) {
					t.Errorf("%s: %v", name, err)
				}
				hook := strings.Contains(string(b), `"argocd.argoproj.io/hook":"PreSync"`) || strings.Contains(string(b), `"helm.sh/hook":"pre-install,pre-upgrade"`)
				if hook != (tool == "argocd" || tool == "helm") {
					t.Errorf("%s: is it a hook: %v", name, hook)
				}
			}
		})
	}
	t.Setenv("PODPROOF_AGENT_IMAGE", "registry.example/own:1")
	if printed := says(t, "job", "--for", "gitlab", "-f", "examples/gates/shop/podproof.yaml", "r.example/shop/api:1"); !strings.Contains(printed, " --image registry.example/own:1 r.example/shop/api:1 --run ") {
		t.Errorf("an image of the environment is left out:\n%s", printed)
	}
	var said bytes.Buffer
	if code := exitCode(execute(t.Context(), newRoot(), strings.Fields("job --for jenkins -f examples/gates/shop/podproof.yaml --image p:1 r.example/shop/api:1")), &said); code != exitUsage || !strings.Contains(said.String(), "there are argocd, helm, tekton, rollouts, github, gitlab") {
		t.Errorf("exit code %d, said %q", code, said.String())
	}
}

// The role of the Job is the one that podproof rbac prints for it, but for what is about the whole cluster.
func TestTheRoleOfTheJob(t *testing.T) {
	shopFolder(t)
	printed := objectsOf(t, says(t, "job", "-n", "proof", "--image", "podproof:1", "--only", "startup/*,termination/*", "r.example/shop/api:1"))
	roles := objectsOf(t, says(t, "rbac", "-n", "proof", "--job", "podproof", "--only", "startup/*,termination/*", "r.example/shop/api:1"))
	rules := func(from map[string]any) any { return from["Role/podproof"].(map[string]any)["rules"] }
	if diff := cmp.Diff(rules(roles), rules(printed)); diff != "" {
		t.Errorf("(-rbac +job):\n%s", diff)
	}
	b, _ := json.Marshal(rules(printed))
	if !strings.Contains(string(b), `{"apiGroups":["batch"],"resourceNames":["podproof"],"resources":["jobs"],"verbs":["patch"]}`) {
		t.Errorf("it may not annotate its Job: %s", b)
	}
}

func TestWhatAJobNeeds(t *testing.T) {
	shopFolder(t)
	t.Setenv("PODPROOF_AGENT_IMAGE", "")
	build := "apiVersion: podproof/v1alpha1\nkind: Contract\nbuild: {context: .}\nmanifests: [all.yaml]\nimage: shop/api:1.0\n"
	if err := os.WriteFile("build.yaml", []byte(build), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"job r.example/shop/api:1":                                      "give --image REF (or PODPROOF_AGENT_IMAGE)",
		"job --image p:1 -f build.yaml":                                 "give IMAGE by its name in a registry",
		"job --image p:1 -n kube-system r.example/shop/api:1":           "--namespace kube-system is one of Kubernetes' own",
		"job --image p:1 -n A r.example/shop/api:1":                     "--namespace A: it is no name of a namespace",
		"job --image p:1 --name a/b r.example/shop/api:1":               "--name a/b: it is no name of a Job",
		"job --image p:1 --timeout 0s r.example/shop/api:1":             "--timeout 0s: give a time above zero",
		"job --image p:1 --patience -1s r.example/shop/api:1":           "--patience -1s: give a time such as 30s, or 0",
		"job --image p:1 -o json=x r.example/shop/api:1":                "--output is for --run",
		"job --image p:1 --evidence x r.example/shop/api:1":             "--evidence is for --run",
		"job --image p:1 --set-image a r.example/shop/api:1":            `--set-image "a": write it as OLD=NEW`,
		"job --image p:1 --only nonsense r.example/shop/api:1":          "nonsense",
		"job --image p:1 -f nowhere.yaml r.example/shop/api:1":          "nowhere.yaml",
		"job --run --image p:1 --kubeconfig nowhere r.example/shop/a:1": "nowhere",
		"job --image p:1 a b":                                           "at most one argument, IMAGE",
	} {
		var said bytes.Buffer
		if code := exitCode(execute(t.Context(), newRoot(), strings.Fields(args)), &said); code != exitUsage || !strings.Contains(said.String(), want) {
			t.Errorf("podproof %s: exit code %d, said %q, want %q", args, code, said.String(), want)
		}
	}
}

func TestWhatTheJobPassesOn(t *testing.T) {
	shopFolder(t)
	printed := objectsOf(t, says(t, "job", "--image", "p:1", "--name", "gate", "--pull-secret", "registry", "--only", "image/*", "--skip", "image/size-budget", "--set-image", "a=b", "--shared-namespace", "--open-network", "-v", "--timeout", "5m", "--patience", "1m", "r.example/shop/api:1"))
	b, err := json.Marshal(printed["Job/gate"])
	if err != nil {
		t.Fatal(err)
	}
	var j batchv1.Job
	if err := json.Unmarshal(b, &j); err != nil {
		t.Fatal(err)
	}
	want := "verify --cluster current -f /etc/podproof/podproof.yaml --timeout 5m0s --set-image a=b --only image/* --skip image/size-budget --shared-namespace --open-network --patience 1m0s --verbose r.example/shop/api:1"
	if got := strings.Join(j.Spec.Template.Spec.Containers[0].Args, " "); got != want {
		t.Errorf("it runs %s, want %s", got, want)
	}
	if s := j.Spec.Template.Spec.ImagePullSecrets; len(s) != 1 || s[0].Name != "registry" || j.Spec.Template.Spec.ServiceAccountName != "gate" {
		t.Errorf("it pulls with %v as %s", s, j.Spec.Template.Spec.ServiceAccountName)
	}
}

// What a Job has found is rendered here as it would be where it ran.
func TestAJobThatIsRun(t *testing.T) {
	shopFolder(t)
	selected, err := check.Select([]string{"image/user-non-root"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Load(contract.DefaultFile)
	if err != nil {
		t.Fatal(err)
	}
	seen := pipeline.Result{Contract: c, Evidence: evidence.Evidence{SchemaVersion: evidence.SchemaVersion, Run: evidence.Run{ID: "k3x9"}, Image: &evidence.Image{ID: "sha256:1", Ref: "r.example/shop/api:1"}}}
	left, message, err := jobResult(selected, seen)
	if err != nil || left.Line != "FAIL 1 of 1: image/user-non-root" || !strings.HasPrefix(message, left.Line+"\n") || !strings.Contains(string(left.Summary), "1 promise is broken") || strings.Contains(string(left.Summary), "--evidence") {
		t.Fatalf("%s\n%s\n%q (%v)", left.Line, left.Summary, message, err)
	}
	noise := make([]byte, 1<<20) // no compressor makes it smaller
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	large := job.Result{Run: "k3x9", Line: left.Line, Evidence: noise}
	for _, x := range []struct {
		name string
		code int32
		left *job.Result
		want int
		says string
	}{
		{"a broken promise", 1, &left, exitFail, ""},
		{"wrong input", 2, nil, exitUsage, "the Job left no result"},
		{"a killed process", 137, &left, exitInconclusive, "podproof ended with exit code 137 in the Job"},
		{"no evidence", 1, &large, exitFail, "evidence.json.zst takes 1024 KiB"},
	} {
		t.Run(x.name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("create", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
				create := a.(clienttesting.CreateActionImpl)
				if len(create.CreateOptions.DryRun) > 0 {
					return true, create.Object, nil
				}
				j := create.Object.(*batchv1.Job)
				j.UID = "job-1"
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "proof", UID: "p", Labels: map[string]string{batchv1.ControllerUidLabel: "job-1"}}, Status: corev1.PodStatus{Phase: corev1.PodFailed,
					ContainerStatuses: []corev1.ContainerStatus{{Name: job.Container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: x.code}}}}}}
				if err := client.Tracker().Add(pod); err != nil {
					t.Error(err)
				}
				return false, nil, nil
			})
			removed := false
			client.PrependReactor("get", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
				if removed {
					return true, nil, apierrors.NewNotFound(a.GetResource().GroupResource(), "podproof")
				}
				return true, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "podproof", UID: "job-1"}, Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}}}, nil
			})
			client.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
				create, is := a.(clienttesting.CreateActionImpl)
				return is && len(create.CreateOptions.DryRun) > 0, create.Object, nil
			})
			client.PrependReactor("delete", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
				removed = true
				for _, x := range [][2]string{{"pods", "p"}, {"configmaps", "podproof"}, {"configmaps", "podproof-k3x9-result"}, {"serviceaccounts", "podproof"}} {
					_ = client.Tracker().Delete(schema.GroupVersionResource{Version: "v1", Resource: x[0]}, "proof", x[1])
				}
				return false, nil, nil
			})
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			dir := t.TempDir()
			js, kept := filepath.Join(dir, "report.json"), filepath.Join(dir, "evidence.json")
			outs, err := report.ParseOutputs([]string{"terminal", "json=" + js})
			if err != nil {
				t.Fatal(err)
			}
			var shown bytes.Buffer
			progress := report.NewProgress(&shown, report.Console{Name: "job"})
			defer progress.Close()
			f := &jobFlags{}
			f.evidence = kept
			s := job.Spec{Name: "podproof", Namespace: "proof", Timeout: time.Minute}
			if x.left != nil {
				if err := job.Publish(t.Context(), client, workload.InJob{Name: "podproof", Namespace: "proof", UID: "job-1"}, *x.left); err != nil && !strings.Contains(err.Error(), "annotating") {
					t.Fatal(err)
				}
			}
			var wrong bytes.Buffer
			code := exitCode(jobRun{jobFlags: f, client: client, objects: s.Objects(), outs: outs, progress: progress, stdout: &shown}.run(t.Context()), &wrong)
			if code != x.want || !strings.Contains(wrong.String(), x.says) {
				t.Errorf("exit code %d, said %q", code, wrong.String())
			}
			for _, want := range []string{"[job] Made job/podproof in namespace proof", "fake logs", "[job] Job removed"} {
				if !strings.Contains(shown.String(), want) {
					t.Errorf("shown was %q, without %q", shown.String(), want)
				}
			}
			if x.left != &left {
				return
			}
			var got report.Report
			b, err := os.ReadFile(js)
			if err == nil {
				err = json.Unmarshal(b, &got)
			}
			if err != nil || got.Result != check.Fail || len(got.Verdicts) == 0 || got.Evidence != kept {
				t.Errorf("the report is %s (%v)", b, err)
			}
			if rec, err := report.ReadFile(kept); err != nil || !slices.Equal(rec.Selected, []string{"image/user-non-root"}) {
				t.Errorf("the evidence is %+v (%v)", rec, err)
			}
		})
	}
}

// A tool that is no Job gets the result in a line in a file.
func TestTheResultInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "verdict")
	t.Setenv(job.ResultVariable, file)
	selected, err := check.Select([]string{"image/user-non-root"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	(&verifyFlags{}).tellJob(t.Context(), pipeline.Options{Selected: selected}, pipeline.Result{Evidence: evidence.Evidence{Image: &evidence.Image{ID: "sha256:1"}}})
	if b, err := os.ReadFile(file); err != nil || string(b) != "FAIL 1 of 1: image/user-non-root" {
		t.Errorf("it says %q (%v)", b, err)
	}
}

// The sidecar that sweeps says where it does not belong.
func TestASweeperOutsideOfAJob(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: https://c}}]\ncontexts: [{name: c, context: {cluster: c}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said bytes.Buffer
	if code := exitCode(execute(ctx, newRoot(), []string{"agent", "sweep"}), &said); code != exitInconclusive || !strings.Contains(said.String(), "agent sweep: this is no pod of a Job") {
		t.Errorf("exit code %d, said %q", code, said.String())
	}
}

// Last words are written where there is a place for them.
func TestLastWordsOfAPod(t *testing.T) {
	file := filepath.Join(t.TempDir(), "termination-log")
	if err := lastWords(file, "PASS"); err != nil {
		t.Errorf("without a place: %v", err)
	}
	if err := os.WriteFile(file, []byte("what was there before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lastWords(file, "PASS"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); string(b) != "PASS" || errors.Is(err, os.ErrNotExist) {
		t.Errorf("it says %q (%v)", b, err)
	}
}
