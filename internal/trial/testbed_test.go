package trial

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// bench is one whose cluster holds the objects, and whose subject is deployment/api.
func bench(template corev1.PodTemplateSpec, objects ...runtime.Object) *TestBed {
	u := &unstructured.Unstructured{}
	u.SetKind("Deployment")
	u.SetName("api")
	return &TestBed{Run: "r1", Trial: "termination", Namespace: "shop", Container: "api",
		Applier: &workload.Applier{Client: heard(fake.NewClientset(objects...))},
		Subject: workload.Controller{Object: workload.Object{Unstructured: u}, Selector: labels.SelectorFromSet(labels.Set{"app": "api"}), Template: template}}
}

func room(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

// A trial's pod is like the subject's, but nothing takes it for one: no Service sends it
// requests, no Deployment counts it, and it reserves little.
func TestTrialPodStandsAlone(t *testing.T) {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "api"}, Annotations: map[string]string{"note": "kept"}},
		Spec:       corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "api", Image: "app:1", Resources: corev1.ResourceRequirements{Requests: room("2", "4Gi"), Limits: room("4", "8Gi")}}}},
	}
	b := bench(template)
	p := b.trial("podproof-termination")
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "podproof-termination", Namespace: "shop", Annotations: map[string]string{"note": "kept"},
			Labels: map[string]string{workload.RunLabel: "r1", workload.TrialLabel: "termination"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Image: "app:1", Resources: corev1.ResourceRequirements{Requests: room("10m", "16Mi"), Limits: room("4", "8Gi")}}},
			ActiveDeadlineSeconds: new(int64(600)), RestartPolicy: corev1.RestartPolicyNever},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if podsOf(b.Subject)(p) {
		t.Error("it is taken for a pod of the workload")
	}
	p.Spec.Containers[0].Image = "changed"
	if b.Subject.Template.Spec.Containers[0].Image != "app:1" {
		t.Error("a change to the trial's pod reaches the subject's template")
	}
}

// A volume claim's mount needs a volume also where no StatefulSet makes the pod.
func TestTrialPodHasVolumesForClaims(t *testing.T) {
	b := bench(corev1.PodTemplateSpec{})
	claim := map[string]any{"metadata": map[string]any{"name": "data"}}
	if err := unstructured.SetNestedSlice(b.Subject.Object.Object, []any{claim}, "spec", "volumeClaimTemplates"); err != nil {
		t.Fatal(err)
	}
	want := []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	if diff := cmp.Diff(want, b.trial("podproof-termination").Spec.Volumes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPodsOf(t *testing.T) {
	b := bench(corev1.PodTemplateSpec{})
	for _, c := range []struct {
		name   string
		labels map[string]string
		want   bool
	}{
		{"of the workload", map[string]string{"app": "api", "pod-template-hash": "x"}, true},
		{"of another", map[string]string{"app": "postgres"}, false},
		{"of none", nil, false},
		{"of a trial", map[string]string{"app": "api", workload.TrialLabel: "termination"}, false},
	} {
		if got := podsOf(b.Subject)(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: c.labels}}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	b.Subject.Selector = nil
	if podsOf(b.Subject)(&corev1.Pod{}) {
		t.Error("without a selector every pod is the workload's")
	}
}

func TestGrace(t *testing.T) {
	for _, c := range []struct {
		name  string
		given *int64
		want  int64
	}{
		{"Kubernetes' default", nil, 30},
		{"its own", new(int64(5)), 5},
		{"none at all", new(int64(0)), 0},
	} {
		p := &corev1.Pod{Spec: corev1.PodSpec{TerminationGracePeriodSeconds: c.given}}
		if got := grace(p); got != c.want {
			t.Errorf("%s: %d s, want %d", c.name, got, c.want)
		}
	}
}

func TestParseUsage(t *testing.T) {
	got, err := parseUsage("2793472\n8192\n70871\n0\n")
	if diff := cmp.Diff([]int64{2793472, 8192, 70871, 0}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, broken := range []string{"", "1 2 3", "1 2 3 x"} {
		if _, err := parseUsage(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestParseWrites(t *testing.T) {
	got, further, _ := parseWrites("10\t/app/a\n2\t/tmp/with space\nbroken\n")
	want := []evidence.Write{{Path: "/app/a", Bytes: 10}, {Path: "/tmp/with space", Bytes: 2}}
	if diff := cmp.Diff(want, got); diff != "" || further != 0 {
		t.Errorf("%d further (-want +got):\n%s", further, diff)
	}
	mounts := "mount\t/\nmount\t/app/config.yaml\nmount\t/with\\040space\nmount\t/data\n"
	got, _, _ = parseWrites(mounts + "0\t/app/config.yaml\n0\t/with space\n7\t/app/config.yaml.bak\n0\t/app/lock\n5\t/data/x\n")
	want = []evidence.Write{{Path: "/app/config.yaml.bak", Bytes: 7}, {Path: "/app/lock"}, {Path: "/data/x", Bytes: 5}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("next to mount points (-want +got):\n%s", diff)
	}
	if got, further, _ = parseWrites(strings.Repeat("1\t/a\n", 60) + "9\t/large\n"); len(got) != 50 || further != 11 || got[0].Path != "/large" {
		t.Errorf("%d listed, %d further, first %+v", len(got), further, got[0])
	}
}

func TestMalformed(t *testing.T) {
	for variable, want := range map[string]string{"DATABASE_URL": "no URL", "S3_ENDPOINT_URL": "no URL", "SENTRY_DSN": "no URL",
		"PORT": "no number", "HTTP_TIMEOUT": "no number", "JWT_SECRET_KEY": "", "S3_REGION": ""} {
		if got := malformed(variable); got != want {
			t.Errorf("%s: %q, want %q", variable, got, want)
		}
	}
}

// A quota that is full has room again when another trial's pod ends.
func TestAPodThatWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		full := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "p", errors.New("exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5"))
		k.start(b, "api-1")
		if _, err := b.create(t.Context(), b.trial("podproof-other")); err != nil {
			t.Fatal(err)
		}
		k.await(b, "the other trial's pod", func(p *corev1.Pod) bool { return p.Name == "podproof-other" })
		began, tries := time.Now(), 0
		k.client.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
			tries++
			return time.Since(began) < 10*time.Second, nil, full
		})
		if _, err := b.create(t.Context(), b.trial("podproof-a")); err != nil || tries < 10 || time.Since(began) > 11*time.Second {
			t.Errorf("made after %d tries and %s (%v)", tries, time.Since(began), err)
		}
		began = time.Now().Add(time.Hour) // full for good
		if _, err := b.create(t.Context(), b.trial("podproof-b")); err == nil || !strings.Contains(err.Error(), "the namespace's quota has no room for it, and had none for 2m0s; raise it, or try less at once with --only: ") {
			t.Errorf("the error is %v", err)
		}
		for _, p := range []string{"podproof-other", "podproof-a"} { // nobody's end makes room any more
			if err := b.remove(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.create(t.Context(), b.trial("podproof-d")); err == nil || !strings.Contains(err.Error(), "had none for 11s") {
			t.Errorf("the error is %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.create(ctx, b.trial("podproof-c")); err == nil {
			t.Error("a context that has ended waits for no room")
		}
	})
}
