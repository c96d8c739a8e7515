package admission

import (
	"context"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Which requests the API server asks the webhook about.
func TestWhatTheWebhookIsAskedAbout(t *testing.T) {
	config := read[admissionregistrationv1.ValidatingWebhookConfiguration](t, "../../manifests/gate/webhook.yaml")
	asked := func(name string, o, old runtime.Object, resource string) bool {
		t.Helper()
		for i := range config.Webhooks {
			w := &config.Webhooks[i]
			if w.Name != name+".gate.podproof.dev" {
				continue
			}
			m := webhook.NewValidatingWebhookAccessor(w.Name, config.Name, w).GetCompiledMatcher(cel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())))
			r := m.Match(context.Background(), attributes(t, o, old, resource), nil, nil)
			if r.Error != nil {
				t.Fatal(r.Error)
			}
			return r.Matches
		}
		t.Fatalf("there is no webhook %s", name)
		return false
	}
	labelled := pod("a")
	labelled.Labels, labelled.Finalizers = map[string]string{"a": "b"}, []string{"batch.kubernetes.io/job-tracking"}
	is := true
	deployment := func(image string, replicas int32) *appsv1.Deployment {
		return &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: corev1.PodTemplateSpec{Spec: pod(image).Spec}}}
	}
	annotated := deployment("a", 1)
	annotated.Annotations = map[string]string{"deployment.kubernetes.io/revision": "2"}
	set := &appsv1.ReplicaSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"}}
	owned, referred := set.DeepCopy(), set.DeepCopy()
	owned.OwnerReferences = []metav1.OwnerReference{{Kind: "Deployment", Controller: &is}}
	referred.OwnerReferences = []metav1.OwnerReference{{Kind: "ConfigMap"}}
	job := &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}}
	owned2 := job.DeepCopy()
	owned2.OwnerReferences = []metav1.OwnerReference{{Kind: "CronJob", Controller: &is}}
	for _, c := range []struct {
		name, webhook string
		o, old        runtime.Object
		resource      string
		want          bool
	}{
		{"a new pod", "pods", pod("a"), nil, "pods", true},
		{"another image", "pods", pod("b"), pod("a"), "pods", true},
		{"a label and a finalizer of a pod", "pods", labelled, pod("a"), "pods", false},
		{"a new Deployment", "workloads", deployment("a", 1), nil, "deployments", true},
		{"a Deployment's image", "workloads", deployment("b", 1), deployment("a", 1), "deployments", true},
		{"a Deployment's annotation", "workloads", annotated, deployment("a", 1), "deployments", false},
		{"a ReplicaSet of nobody's", "workloads", set, nil, "replicasets", true},
		{"a ReplicaSet that only refers to something", "workloads", referred, nil, "replicasets", true},
		{"a Deployment's ReplicaSet", "workloads", owned, nil, "replicasets", false},
		{"a Job", "workloads", job, nil, "jobs", true},
		{"a CronJob's Job", "workloads", owned2, nil, "jobs", false},
	} {
		if got := asked(c.webhook, c.o, c.old, c.resource); got != c.want {
			t.Errorf("%s: asked is %v", c.name, got)
		}
	}
}
