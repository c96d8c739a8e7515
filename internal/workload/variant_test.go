package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const variants = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api:1
          resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: 5m, memory: 2Gi}}
          env: [{name: DB, value: "postgres.shop.svc.cluster.local:5432"}, {name: SHOP, value: "my.shop is open"}]
          readinessProbe: {httpGet: {path: /ready, port: 8000}, periodSeconds: 10, failureThreshold: 2}
          livenessProbe: {httpGet: {path: /live, port: 8000}}
---
apiVersion: v1
kind: Secret
metadata: {name: api, namespace: shop}
stringData: {URL: "postgres://u:p@postgres.shop:5432/db"}
data: {HOST: cG9zdGdyZXMuc2hvcC5zdmM=}
`

func TestVariants(t *testing.T) {
	objects := parse(t, variants)
	deployment := Impatient(Scaled(objects[0], 0))
	controllers, err := Controllers([]Object{deployment})
	if err != nil {
		t.Fatal(err)
	}
	readiness, liveness := Probes(controllers[0].Template, "api")
	if controllers[0].Replicas != 0 || readiness.PeriodSeconds != 1 || readiness.FailureThreshold != 2 || liveness.PeriodSeconds != 1 {
		t.Errorf("got %d replicas, readiness %+v, liveness %+v", controllers[0].Replicas, readiness, liveness)
	}
	if n, _, _ := unstructured.NestedInt64(objects[0].Object, "spec", "replicas"); n != 2 {
		t.Error("the original changed")
	}
}

func TestFrugal(t *testing.T) {
	objects := parse(t, variants)
	objects = append(objects, Frugal(objects[0]))
	withInit := objects[0].DeepCopy()
	spec := []map[string]any{{"name": "init"}}
	if err := unstructured.SetNestedSlice(withInit.Object, []any{spec[0]}, "spec", "template", "spec", "initContainers"); err != nil {
		t.Fatal(err)
	}
	controllers, err := Controllers([]Object{objects[2], Frugal(Object{withInit, Source{File: "a.yaml"}})})
	if err != nil {
		t.Fatal(err)
	}
	r := controllers[0].Template.Spec.Containers[0].Resources
	// No request may be above its limit.
	if r.Requests.Cpu().String() != "5m" || r.Requests.Memory().String() != "16Mi" || r.Limits.Memory().String() != "2Gi" {
		t.Errorf("got %+v", r)
	}
	if i := controllers[1].Template.Spec.InitContainers[0].Resources.Requests; i.Cpu().String() != "10m" {
		t.Errorf("the init container requests %+v", i)
	}
}

func TestApartKeepsWhatIsAskedOfTheNode(t *testing.T) {
	spec := corev1.PodSpec{HostNetwork: true, NodeSelector: map[string]string{"disk": "ssd"},
		Tolerations:               []corev1.Toleration{{Key: "a"}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1}},
		Affinity:                  &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}, PodAffinity: &corev1.PodAffinity{}, PodAntiAffinity: &corev1.PodAntiAffinity{}},
		Containers:                []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}}}}
	Apart(&spec)
	want := corev1.PodSpec{NodeSelector: map[string]string{"disk": "ssd"}, Tolerations: []corev1.Toleration{{Key: "a"}},
		Affinity:   &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}},
		Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
