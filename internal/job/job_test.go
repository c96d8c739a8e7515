package job

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/workload"
)

// shop is a contract with manifests, of which one is a Secret, as it is packed.
func shop(t *testing.T) Files {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"podproof.yaml": "# what the shop promises\napiVersion: podproof/v1alpha1\nkind: Contract\nimage: shop/api:1.0\nbuild: {context: .}\nmanifests: [k8s] # all of them\nwaiversFrom: [waivers.yaml]\nwaivers: [{id: image/no-setuid, reason: known, by: ops, until: 2099-01-01}]\nstartup: {within: 30s}\n",
		"waivers.yaml":  "waivers: [{id: image/size-budget, reason: of today, by: ops, until: 2099-01-01}]\n",
		"k8s/all.yaml":  "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: api}, stringData: {TOKEN: hunter2hunter2}}\n",
	} {
		at := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := workload.Read([]workload.Path{{Written: "k8s", Real: filepath.Join(dir, "k8s")}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "podproof.yaml")
	c, err := contract.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Pack(dir, c, objects) // as -f FOLDER
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func spec(t *testing.T) Spec {
	return Spec{Name: "podproof", Namespace: "proof", Podproof: "registry.example/podproof:1", Image: "registry.example/shop/api:1.0", Flags: []string{"--only", "image/*"}, Files: shop(t),
		Rules:       []rights.Rule{rights.To("", "pods", "create", "list"), rights.To("", "pods/exec", "create").Of("podproof-agent"), rights.To("", "nodes", "list").Anywhere().Or("x")},
		PullSecrets: []string{"registry", "mirror"}, Timeout: 10 * time.Minute}
}

func text(t *testing.T, s Spec) string {
	t.Helper()
	var all []runtime.Object
	for _, o := range s.Objects().All() {
		all = append(all, o)
	}
	out, err := YAML(all...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Kubernetes takes what is printed, field by field, and it is the same each time.
func TestThePrintedJobIsTaken(t *testing.T) {
	s := spec(t)
	printed := text(t, s)
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var kinds []string
	for _, d := range strings.Split(printed, "---\napiVersion") {
		if !strings.HasPrefix(d, "apiVersion") {
			d = "apiVersion" + d
		}
		o, kind, err := strict.Decode([]byte(d), nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, d)
		}
		if m, ok := o.(Object); !ok || m.GetName() != "podproof" || m.GetNamespace() != "proof" {
			t.Errorf("%s is called %s in %s", kind.Kind, m.GetName(), m.GetNamespace())
		}
		kinds = append(kinds, kind.Kind)
	}
	if want := []string{"ServiceAccount", "Role", "RoleBinding", "Secret", "ConfigMap", "Job"}; !slices.Equal(kinds, want) {
		t.Errorf("there are %v, want %v", kinds, want)
	}
	for range 5 {
		if again := text(t, s); again != printed {
			t.Fatalf("it changes from time to time:\n%s\nbefore:\n%s", again, printed)
		}
	}
	for _, not := range []string{"creationTimestamp", "\nstatus:", "nodes"} {
		if strings.Contains(printed, not) {
			t.Errorf("it has %q:\n%s", not, printed)
		}
	}
}

// A platform team's namespace admits the pod, which may fail, be tried again, and be evicted as its exit
// codes mean it.
func TestTheJob(t *testing.T) {
	o := spec(t).Objects()
	j, pod := o.Job.Spec, o.Job.Spec.Template
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec) {
		if !r.Allowed {
			t.Errorf("the level restricted does not admit the pod: %s: %s", r.ForbiddenReason, r.ForbiddenDetail)
		}
	}
	rules := j.PodFailurePolicy.Rules
	if len(rules) != 2 || rules[0].Action != batchv1.PodFailurePolicyActionIgnore || rules[0].OnPodConditions[0].Type != corev1.DisruptionTarget ||
		rules[1].Action != batchv1.PodFailurePolicyActionFailJob || !slices.Equal(rules[1].OnExitCodes.Values, []int32{1, 2}) || *rules[1].OnExitCodes.ContainerName != pod.Spec.Containers[0].Name {
		t.Errorf("the failure policy is %+v", rules)
	}
	if *j.BackoffLimit != 1 || *j.ActiveDeadlineSeconds != 1800 || *j.TTLSecondsAfterFinished != 86400 || pod.Spec.RestartPolicy != corev1.RestartPolicyNever || *j.PodReplacementPolicy != batchv1.Failed {
		t.Errorf("the Job is %+v", j)
	}
	if s := pod.Spec.InitContainers; len(s) != 1 || *s[0].RestartPolicy != corev1.ContainerRestartPolicyAlways || strings.Join(s[0].Args, " ") != "agent sweep" || len(s[0].Env) != 2 {
		t.Errorf("nobody sweeps after a process that was killed: %+v", s)
	}
	c := pod.Spec.Containers[0]
	if want := "verify --cluster current -f /etc/podproof/podproof.yaml --timeout 10m0s --only image/* registry.example/shop/api:1.0"; strings.Join(c.Args, " ") != want {
		t.Errorf("it runs %q, want %q", c.Args, want)
	}
	if pod.Labels["sidecar.istio.io/inject"] != "false" || pod.Annotations["linkerd.io/inject"] != "disabled" {
		t.Errorf("a mesh would add a sidecar that never ends: %v %v", pod.Labels, pod.Annotations)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
		if e.ValueFrom != nil {
			env[e.Name] = e.ValueFrom.FieldRef.FieldPath
		}
	}
	for name, want := range map[string]string{"DOCKER_CONFIG": "/etc/podproof-registry", "PODPROOF_JOB_NAME": "metadata.labels['batch.kubernetes.io/job-name']", "PODPROOF_JOB_UID": "metadata.labels['batch.kubernetes.io/controller-uid']"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if s := pod.Spec.ImagePullSecrets; len(s) != 2 || s[0].Name != "registry" || pod.Spec.Volumes[2].Secret.SecretName != "registry" {
		t.Errorf("it pulls with %v, and reads with %+v", s, pod.Spec.Volumes)
	}
	if len(o.Role.Rules) != 2 {
		t.Errorf("the role is %+v", o.Role.Rules)
	}
}

// podproof reads what it packed, and a Secret stays one.
func TestPackedFilesAreRead(t *testing.T) {
	o := spec(t).Objects()
	if strings.Contains(o.ConfigMap.String(), "hunter2") || !strings.Contains(o.Secret.StringData["secrets.yaml"], "hunter2") {
		t.Errorf("the ConfigMap is %v, the Secret %v", o.ConfigMap.Data, o.Secret.StringData)
	}
	if text := o.ConfigMap.Data["podproof.yaml"]; !strings.Contains(text, "# what the shop promises") || strings.Contains(text, "build") {
		t.Errorf("the contract is\n%s", text)
	}
	dir := t.TempDir()
	for _, files := range []map[string]string{o.ConfigMap.Data, o.Secret.StringData} {
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, err := contract.Load(filepath.Join(dir, "podproof.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Waivers) != 2 || c.Waivers[0].ID != "image/no-setuid" || c.Waivers[1].ID != "image/size-budget" || len(c.WaiversFrom) > 0 {
		t.Errorf("the waivers are %+v", c.Waivers)
	}
	objects, err := workload.Read(workload.PathsOf(c))
	if err != nil || len(objects) != 2 || c.Image != "shop/api:1.0" || c.Startup.Within.Std() != 30*time.Second {
		t.Errorf("read were %v and %+v (%v)", objects, c, err)
	}
}

func TestWhatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	file, manifest := filepath.Join(dir, "podproof.yaml"), filepath.Join(dir, "all.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: podproof/v1alpha1\nkind: Contract\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for size, wants := range map[int]string{100 << 10: "", 300 << 10: "large", 1100 << 10: "take 1100 KiB, and the ConfigMap or Secret in which a Job finds them holds 1024 KiB"} {
		b := append([]byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: big}, data: {a: "), bytes.Repeat([]byte("a"), size)...)
		if err := os.WriteFile(manifest, append(b, "}}\n"...), 0o600); err != nil {
			t.Fatal(err)
		}
		objects, err := workload.Read([]workload.Path{{Written: "all.yaml", Real: manifest}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := Pack(file, contract.Contract{}, objects)
		switch {
		case wants == "large" || wants == "":
			if s := (Spec{Files: f}); err != nil || s.Check() != nil || s.Large() != (wants == "large") {
				t.Errorf("of %d KiB: large is %v (%v)", size>>10, s.Large(), err)
			}
		case err == nil || !strings.Contains(err.Error(), wants):
			t.Errorf("of %d KiB: the error is %v, want %q", size>>10, err, wants)
		}
	}
}

// What looks like a template of Helm's in a contract comes out of Helm as it went in.
func TestHelmLeavesTextsAlone(t *testing.T) {
	s := spec(t)
	s.Files.Manifests = "# {{ .Values.x }} and }}\n"
	_, text, err := For("helm", s)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.New("").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := parsed.Execute(&out, nil); err != nil || !strings.Contains(out.String(), "# {{ .Values.x }} and }}") {
		t.Errorf("it comes out as\n%s\n%v", out.String(), err)
	}
}
