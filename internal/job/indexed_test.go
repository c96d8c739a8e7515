package job

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// two is a Job of two contracts.
func two(t *testing.T) Spec {
	s := spec(t)
	s.Parts = []Part{{"web", s.Files}, {"cron", Files{Contract: "image: x\n"}}}
	s.Files, s.Image = Files{}, ""
	return s
}

// Kubernetes takes an Indexed Job, whose indexes are tried and fail each by itself, one after the other.
func TestAnIndexedJob(t *testing.T) {
	s := two(t)
	printed := text(t, s)
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, d := range strings.Split("\n"+printed, "\n---\n") {
		if _, _, err := strict.Decode([]byte(d), nil, nil); err != nil {
			t.Errorf("%v\n%s", err, d)
		}
	}
	j := s.Objects().Job.Spec
	if *j.CompletionMode != batchv1.IndexedCompletion || *j.Completions != 2 || *j.Parallelism != 1 || *j.BackoffLimitPerIndex != 1 || j.BackoffLimit != nil || *j.ActiveDeadlineSeconds != 3600 {
		t.Errorf("the Job is %+v", j)
	}
	if r := j.PodFailurePolicy.Rules; r[0].Action != batchv1.PodFailurePolicyActionIgnore || r[1].Action != batchv1.PodFailurePolicyActionFailIndex || !slices.Equal(r[1].OnExitCodes.Values, []int32{1, 2}) {
		t.Errorf("the failure policy is %+v", r)
	}
	if got, want := strings.Join(j.Template.Spec.Containers[0].Args, " "), "verify --cluster current -f /etc/podproof/$(JOB_COMPLETION_INDEX)/podproof.yaml --timeout 10m0s --only image/*"; got != want {
		t.Errorf("it runs %q, want %q", got, want)
	}
	if one := spec(t).Objects().Job.Spec; one.CompletionMode != nil || one.PodFailurePolicy.Rules[1].Action != batchv1.PodFailurePolicyActionFailJob {
		t.Errorf("a Job of one contract is %+v", one)
	}
}

// Each index finds its contract beside its manifests, and a Secret stays one.
func TestFilesOfAnIndexedJob(t *testing.T) {
	o := two(t).Objects()
	if got, want := slices.Sorted(maps.Keys(o.ConfigMap.Data)), []string{"0.manifests.yaml", "0.podproof.yaml", "1.podproof.yaml"}; !slices.Equal(got, want) || len(o.Secret.StringData) != 1 || !strings.Contains(o.Secret.StringData["0.secrets.yaml"], "hunter2") {
		t.Errorf("the ConfigMap has %q, the Secret %v", got, o.Secret.StringData)
	}
	found := map[string]string{}
	for _, p := range o.Job.Spec.Template.Spec.Volumes[0].Projected.Sources {
		if p.ConfigMap != nil {
			for _, i := range p.ConfigMap.Items {
				found[i.Path] = o.ConfigMap.Data[i.Key]
			}
		} else {
			for _, i := range p.Secret.Items {
				found[i.Path] = o.Secret.StringData[i.Key]
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(found)), []string{"0/manifests.yaml", "0/podproof.yaml", "0/secrets.yaml", "1/podproof.yaml"}; !slices.Equal(got, want) || found["1/podproof.yaml"] != "image: x\n" || !strings.Contains(found["0/podproof.yaml"], "manifests.yaml") {
		t.Errorf("the pods find %v", found)
	}
	s := two(t)
	if err := s.Check(); err != nil || s.Large() {
		t.Errorf("too large (%v)", err)
	}
	for i := range s.Parts {
		s.Parts[i].Files.Manifests = strings.Repeat("a", 600<<10)
	}
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "give them to Jobs of their own") || !s.Large() {
		t.Errorf("1200 KiB are not too large (%v)", err)
	}
}

// What is followed are all pods of all indexes, the second try of one among them.
func TestAnIndexedJobIsFollowed(t *testing.T) {
	of := func(name string, age, index int, code int32) *corev1.Pod {
		p := podOf(name, age, exited(code))
		p.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: fmt.Sprint(index)}
		return p
	}
	client := cluster(t, jobs(), of("a", 1, 0, 3))
	later := []runtime.Object{of("b", 2, 0, 0), of("c", 3, 1, 1)}
	var said []string
	f := &Follower{Client: client, Job: inJob, Out: &bytes.Buffer{}, Note: func(s string) {
		said = append(said, s)
		if len(later) > 0 { // the next pod comes after one has begun
			if err := client.Tracker().Add(later[0]); err != nil {
				t.Error(err)
			}
			later = later[1:]
			return
		}
		ended := jobs()
		ended.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "FailedIndexes"}}
		if err := client.Tracker().Update(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, ended, "proof"); err != nil {
			t.Error(err)
		}
	}}
	codes, err := f.FollowAll(t.Context(), []string{"web", "cron"})
	if want := map[int]int{0: 0, 1: 1}; err != nil || !maps.Equal(codes, want) {
		t.Errorf("the codes are %v (%v)", codes, err)
	}
	if got := strings.Join(said, "; "); got != "Contract web (pod/a); Contract web (pod/b); Contract cron (pod/c)" {
		t.Errorf("said %s", got)
	}
	ended := jobs()
	ended.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "DeadlineExceeded"}}
	f = &Follower{Client: cluster(t, ended), Job: inJob, Out: &bytes.Buffer{}, Note: func(string) {}}
	if codes, err := f.FollowAll(t.Context(), nil); err != nil || len(codes) != 0 {
		t.Errorf("the codes are %v (%v)", codes, err)
	}
}

// The results of two indexes are told apart, at the Job, too.
func TestResultsOfAnIndexedJob(t *testing.T) {
	client := cluster(t, jobs())
	for i, run := range []string{"r0", "r1"} {
		j := inJob
		j.Index = fmt.Sprint(i)
		if err := Publish(t.Context(), client, j, Result{Run: run, Line: "PASS " + run, Report: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	for index, want := range map[string]string{"0": "r0", "1": "r1", "2": "", "": ""} {
		j := inJob
		j.Index = index
		got, err := Fetch(t.Context(), client, j)
		if err != nil || (got == nil) != (want == "") || got != nil && got.Run != want {
			t.Errorf("of index %q: %+v (%v)", index, got, err)
		}
	}
	o, err := client.Tracker().Get(schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, "proof", "podproof")
	if err != nil {
		t.Fatal(err)
	}
	if got := o.(*batchv1.Job).Annotations; got[ResultAnnotation+"-0"] != "PASS r0" || got[ResultAnnotation+"-1"] != "PASS r1" {
		t.Errorf("the Job says %v", got)
	}
	env := map[string]string{nameVariable: "podproof", uidVariable: "u", indexVariable: "7"}
	if j, err := Inside(func(n string) string { return env[n] }, func() (string, error) { return "proof", nil }); err != nil || j.Index != "7" {
		t.Errorf("inside of %+v (%v)", j, err)
	}
}
