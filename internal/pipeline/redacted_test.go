package pipeline

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/subject"
)

// A Secret's value also stands as a literal in the manifests, and in what errors quote.
func TestNothingIsWrittenDownUnredacted(t *testing.T) {
	r := &run{plan: subject.Subject{Redact: strings.NewReplacer("hunter2", "[value of secret/api:KEY]").Replace}}
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Args: []string{"--key=hunter2"}, Env: []corev1.EnvVar{{Name: "DSN", Value: "db://u:hunter2@h"}}}}}
	e := evidence.Evidence{
		Workload:  &evidence.Workload{Template: corev1.PodTemplateSpec{Spec: spec}},
		Admission: &evidence.Admission{Warnings: []string{"hunter2"}},
		Startup:   &evidence.Startup{Pods: []evidence.Pod{{Spec: spec, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Message: "hunter2"}}}}}},
		Rollouts:  []evidence.Rollout{{Requests: []evidence.Request{{Error: "malformed answer hunter2"}}}},
		Further: []evidence.Taken{{Outages: &evidence.Outages{Unreachable: "hunter2", Pod: evidence.Pod{Log: []evidence.LogLine{{Text: "hunter2"}}}},
			Slow: &evidence.Outages{Trials: []evidence.Outage{{Problem: "hunter2"}}}, Termination: &evidence.Termination{Pod: evidence.Pod{Spec: spec}},
			Missing: map[evidence.Section]string{evidence.SectionSlow: "hunter2"}}},
		Missing: map[evidence.Section]string{evidence.SectionHealth: "hunter2"},
		Steps:   []evidence.Step{{Error: "hunter2"}},
	}
	c := contract.Contract{HTTP: contract.HTTP{Header: map[string]string{"Authorization": "Bearer hunter2"}}}
	for _, v := range []any{redacted(r, e), redacted(r, c)} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "value of secret/api:KEY") {
			t.Errorf("written down: %s", text)
		}
	}
	if e.Startup.Pods[0].Spec.Containers[0].Args[0] != "--key=hunter2" {
		t.Error("what the steps still work with was changed")
	}
}

// What a script ends with is kept by words of its own, which may be secrets.
func TestWordsOfScriptsAreMasked(t *testing.T) {
	const secret = "hunter2-4711"
	e := evidence.Evidence{Image: &evidence.Image{Entry: []evidence.EntryFile{{
		Ends:    []evidence.ScriptEnd{{Words: []string{"serve", "--password", secret}, Text: "exec serve --password " + secret}},
		Scripts: map[string]string{"start": "DB_PASSWORD=" + secret + " node x"},
	}}}}
	b, err := json.Marshal(mask(e))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), secret) || !strings.Contains(string(b), "serve") {
		t.Errorf("kept: %s", b)
	}
	if e.Image.Entry[0].Ends[0].Words[2] != secret {
		t.Error("the original was changed")
	}
}
