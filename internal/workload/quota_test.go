package workload

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

func TestWhatAQuotaLeaves(t *testing.T) {
	var objects []*corev1.ResourceQuota
	for name, text := range map[string]string{
		"room":   "{spec: {hard: {pods: 5, requests.cpu: 2, limits.memory: 1Gi}}, status: {used: {pods: 1, requests.cpu: 1500m}}}",
		"scoped": "{spec: {hard: {pods: 1}, scopes: [BestEffort]}}",
	} {
		q := &corev1.ResourceQuota{}
		if err := yaml.Unmarshal([]byte(text), q); err != nil {
			t.Fatal(err)
		}
		q.ObjectMeta = metav1.ObjectMeta{Name: name, Namespace: "mine"}
		objects = append(objects, q)
	}
	client := fake.NewClientset(objects[0], objects[1])
	if err := client.Tracker().Add(&corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "r", Namespace: "mine"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Min: corev1.ResourceList{"cpu": resource.MustParse("50m")}}}}}); err != nil {
		t.Fatal(err)
	}
	d, err := (&Applier{Client: client}).Demands(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	var p corev1.Pod
	if err := yaml.Unmarshal([]byte(`
spec:
  initContainers:
  - {name: migrate, resources: {requests: {cpu: 400m}}}
  - {name: mesh, restartPolicy: Always, resources: {requests: {cpu: 50m}}}
  containers: [{name: api, resources: {requests: {cpu: 100m}, limits: {memory: 512Mi}}}]
`), &p); err != nil {
		t.Fatal(err)
	}
	if got := d.Short([]Share{{p, 1}}); len(got) > 0 {
		t.Errorf("one pod does not fit: %q", got)
	}
	want := []string{"resourcequota/room leaves 4 of pods, and the run's pods take 5 at once"}
	if got := d.Short([]Share{{p, 1}, {corev1.Pod{}, 4}}); !slices.Equal(got, want) {
		t.Errorf("five: %q", got)
	}
	want = []string{"resourcequota/room leaves 1Gi of limits.memory, and the run's pods take 1536Mi at once", "resourcequota/room leaves 500m of requests.cpu, and the run's pods take 1200m at once"}
	if got := d.Short([]Share{{p, 3}}); !slices.Equal(got, want) {
		t.Errorf("three: %q", got)
	}
	says := strings.Join(d.Says(), "\n")
	for _, part := range []string{"resourcequota/room: limits.memory 0 of 1Gi used, pods 1 of 5 used, requests.cpu 1500m of 2 used", "resourcequota/scoped: pods 0 of 1 used", "limitrange, of each container: cpu min 50m"} {
		if !strings.Contains(says, part) {
			t.Errorf("it says %s", says)
		}
	}
}
