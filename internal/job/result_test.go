package job

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	batchv1 "k8s.io/api/batch/v1"

	"podproof.dev/podproof/internal/workload"
)

var inJob = workload.InJob{Name: "podproof", Namespace: "proof", UID: "job-1"}

func jobs() *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: inJob.Name, Namespace: inJob.Namespace, UID: inJob.UID}}
}

func TestAResultIsFoundAgain(t *testing.T) {
	client := fake.NewClientset(jobs())
	if r, err := Fetch(t.Context(), client, inJob); r != nil || err != nil {
		t.Errorf("of no run it is %+v (%v)", r, err)
	}
	want := Result{Run: "k3x9", Line: "FAIL 1 of 2: a/b", Report: []byte("{}"), Summary: []byte("### FAIL"), Evidence: []byte(strings.Repeat(`{"a": 1}`, 1000))}
	if err := Publish(t.Context(), client, inJob, want); err != nil {
		t.Fatal(err)
	}
	c, err := client.CoreV1().ConfigMaps("proof").Get(t.Context(), "podproof-k3x9-result", metav1.GetOptions{})
	if err != nil || len(c.OwnerReferences) != 1 || c.OwnerReferences[0].UID != "job-1" || c.Labels[workload.RunLabel] != "k3x9" || len(c.BinaryData[evidenceKey]) > 1000 {
		t.Errorf("the ConfigMap is %+v (%v)", c, err)
	}
	if j, err := client.BatchV1().Jobs("proof").Get(t.Context(), "podproof", metav1.GetOptions{}); err != nil || j.Annotations[ResultAnnotation] != want.Line {
		t.Errorf("the Job says %v (%v)", j.Annotations, err)
	}
	got, err := Fetch(t.Context(), client, inJob)
	if err != nil || got.Run != "k3x9" || got.Line != want.Line || string(got.Evidence) != string(want.Evidence) || string(got.Report) != "{}" || string(got.Summary) != "### FAIL" || got.LeftOut != "" {
		t.Errorf("got %+v (%v)", got, err)
	}
	// A second try, and one of another Job.
	for _, c := range []*corev1.ConfigMap{{ObjectMeta: metav1.ObjectMeta{Name: "podproof-later-result", CreationTimestamp: metav1.NewTime(time.Now()), OwnerReferences: []metav1.OwnerReference{*inJob.Owner()}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "podproof-other-result", CreationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))}}} {
		c.Namespace, c.Labels, c.Annotations = "proof", map[string]string{workload.RunLabel: c.Name}, map[string]string{ResultAnnotation: "PASS"}
		if _, err := client.CoreV1().ConfigMaps("proof").Create(t.Context(), c, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Fetch(t.Context(), client, inJob); err != nil || got.Run != "podproof-later-result" {
		t.Errorf("the newest is %+v (%v)", got, err)
	}
}

// A ConfigMap holds 1 MiB: the evidence goes first, and that is said.
func TestAResultThatIsTooLarge(t *testing.T) {
	noise := make([]byte, 900<<10) // no compressor makes it smaller
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		report, evidence int
		out              string
	}{{100 << 10, 900 << 10, ""}, {200 << 10, 900 << 10, "evidence.json.zst takes 900 KiB"}, {1100 << 10, 900 << 10, "report.json takes 1100 KiB"}} {
		r := Result{Run: "r", Report: make([]byte, x.report), Evidence: noise[:x.evidence]}
		c, err := r.configMap(inJob)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, v := range c.Data {
			size += len(v)
		}
		for _, v := range c.BinaryData {
			size += len(v)
		}
		if size > most || !strings.HasPrefix(c.Data[leftOutKey], x.out) || x.out == "" && c.Data[leftOutKey] != "" {
			t.Errorf("of %+v: %d KiB, left out: %q", x, size>>10, c.Data[leftOutKey])
		}
	}
}

// Who may not annotate the Job still leaves the ConfigMap; any other failure is told.
func TestAResultThatIsRefused(t *testing.T) {
	jobsResource := schema.GroupResource{Group: "batch", Resource: "jobs"}
	for _, x := range []struct {
		verb, resource string
		err            error
		want           string
	}{
		{"patch", "jobs", apierrors.NewForbidden(jobsResource, "podproof", errors.New("no")), ""},
		{"patch", "jobs", errors.New("away"), "annotating job/podproof in namespace proof: away"},
		{"create", "configmaps", errors.New("exceeded quota"), "writing the result to configmap/podproof-k3x9-result in namespace proof: exceeded quota"},
	} {
		client := fake.NewClientset(jobs())
		client.PrependReactor(x.verb, x.resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, x.err })
		err := Publish(t.Context(), client, inJob, Result{Run: "k3x9"})
		if x.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s %s: the error is %v, want %q", x.verb, x.resource, err, x.want)
		}
	}
}

func TestWhetherItRunsInAJob(t *testing.T) {
	env := map[string]string{}
	get, ns := func(name string) string { return env[name] }, func() (string, error) { return "proof", nil }
	if j, err := Inside(get, ns); j != nil || err != nil {
		t.Errorf("got %+v (%v)", j, err)
	}
	env["PODPROOF_JOB_NAME"], env["PODPROOF_JOB_UID"] = "podproof", "job-1"
	if j, err := Inside(get, ns); err != nil || *j != inJob {
		t.Errorf("got %+v (%v)", j, err)
	}
	if _, err := Inside(get, func() (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("a Job without a namespace is no error")
	}
}
