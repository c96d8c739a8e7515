package trial

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func postgresService() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "post-gres", Namespace: "shop"},
		Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.7", Ports: []corev1.ServicePort{{Name: "db", Port: 5432, Protocol: corev1.ProtocolTCP}}}}
}

func TestServiceLinks(t *testing.T) {
	headless := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "pods", Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: "None", Ports: []corev1.ServicePort{{Port: 80}}}}
	elsewhere := postgresService()
	elsewhere.Namespace, elsewhere.Name = "other", "redis"
	b := bench(corev1.PodTemplateSpec{}, postgresService(), headless, elsewhere)
	got, err := b.serviceLinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"POST_GRES_SERVICE_HOST": "10.96.0.7", "POST_GRES_SERVICE_PORT": "5432", "POST_GRES_SERVICE_PORT_DB": "5432",
		"POST_GRES_PORT": "tcp://10.96.0.7:5432", "POST_GRES_PORT_5432_TCP": "tcp://10.96.0.7:5432",
		"POST_GRES_PORT_5432_TCP_PROTO": "tcp", "POST_GRES_PORT_5432_TCP_PORT": "5432", "POST_GRES_PORT_5432_TCP_ADDR": "10.96.0.7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Subject.Template.Spec.EnableServiceLinks = new(bool)
	if got, err := b.serviceLinks(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("switched off, there are %v (%v)", got, err)
	}
}

// The kubelet would give the variable a value that a trial leaves out.
func TestTrialIsWithoutTheVariableThatKubernetesSets(t *testing.T) {
	value := func(name string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: "v"} }
	links := map[string]string{"DB_PORT": "tcp://10.96.0.7:5432", "DB_SERVICE_HOST": "10.96.0.7"}
	whole := []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{}}}
	p := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "migrate", Env: []corev1.EnvVar{value("A")}}, {Name: "seed", EnvFrom: whole}},
		Containers:     []corev1.Container{{Name: "api", Env: []corev1.EnvVar{value("B"), value("DB_SERVICE_HOST")}}},
	}}
	bench(corev1.PodTemplateSpec{}).link(p, links, "DB_PORT")
	if on := p.Spec.EnableServiceLinks; on == nil || *on {
		t.Error("the kubelet still sets them")
	}
	want := []corev1.Container{
		{Name: "migrate", Env: []corev1.EnvVar{{Name: "DB_PORT", Value: links["DB_PORT"]}, {Name: "DB_SERVICE_HOST", Value: "10.96.0.7"}, value("A")}},
		{Name: "seed", EnvFrom: whole},
	}
	if diff := cmp.Diff(want, p.Spec.InitContainers); diff != "" {
		t.Errorf("init containers get what they need (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]corev1.EnvVar{value("B"), value("DB_SERVICE_HOST")}, p.Spec.Containers[0].Env); diff != "" {
		t.Errorf("the container under test (-want +got):\n%s", diff)
	}
}

func TestTrialPodKnowsTheTemplatesLabels(t *testing.T) {
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	env := []corev1.EnvVar{field("VERSION", "metadata.labels['app.kubernetes.io/version']"), field("NONE", "metadata.labels['none']"),
		field("NOTE", "metadata.annotations['note']"), field("NAME", "metadata.name"), {Name: "A", Value: "a"}}
	b := bench(corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/version": "1.2"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "api", Env: env}}}})
	want := []corev1.EnvVar{{Name: "VERSION", Value: "1.2"}, {Name: "NONE"}, env[2], env[3], env[4]}
	if diff := cmp.Diff(want, b.trial("x").Spec.Containers[0].Env); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.Subject.Template.Spec.Containers[0].Env[0].ValueFrom == nil {
		t.Error("the subject's own template was changed")
	}
}

func TestFailedInit(t *testing.T) {
	ended := func(name string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}
	}
	done := []corev1.PodCondition{{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}}
	for _, c := range []struct {
		name   string
		status corev1.PodStatus
		want   string
	}{
		{name: "none"},
		{name: "it ended well", status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{ended("migrate", 0)}}},
		{name: "it failed", status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{ended("wait", 0), ended("migrate", 1)}}, want: "migrate"},
		{name: "what ran while another condition was met", want: "migrate", status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{ended("migrate", 1)},
			Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodInitialized, Status: corev1.ConditionFalse}}}},
		{name: "a sidecar that ended later", status: corev1.PodStatus{Conditions: done, InitContainerStatuses: []corev1.ContainerStatus{ended("proxy", 137)}}},
	} {
		got := ""
		if s := failedInit(&corev1.Pod{Status: c.status}); s != nil {
			got = s.Name
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
