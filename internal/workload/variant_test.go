package workload

import (
	"encoding/base64"
	"testing"

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
	runners, err := Runners([]Object{deployment})
	if err != nil {
		t.Fatal(err)
	}
	readiness, liveness := Probes(runners[0].Template, "api")
	if runners[0].Replicas != 0 || readiness.PeriodSeconds != 1 || readiness.FailureThreshold != 2 || liveness.PeriodSeconds != 1 {
		t.Errorf("got %d replicas, readiness %+v, liveness %+v", runners[0].Replicas, readiness, liveness)
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
	runners, err := Runners([]Object{objects[2], Frugal(Object{withInit, "a.yaml"})})
	if err != nil {
		t.Fatal(err)
	}
	r := runners[0].Template.Spec.Containers[0].Resources
	// No request may be above its limit.
	if r.Requests.Cpu().String() != "5m" || r.Requests.Memory().String() != "16Mi" || r.Limits.Memory().String() != "2Gi" {
		t.Errorf("got %+v", r)
	}
	if i := runners[1].Template.Spec.InitContainers[0].Resources.Requests; i.Cpu().String() != "10m" {
		t.Errorf("the init container requests %+v", i)
	}
}

func TestRelocated(t *testing.T) {
	objects := Relocated(parse(t, variants), "shop", "outage")
	runners, err := Runners(objects)
	if err != nil {
		t.Fatal(err)
	}
	env := runners[0].Template.Spec.Containers[0].Env
	if env[0].Value != "postgres.outage.svc.cluster.local:5432" || env[1].Value != "my.shop is open" {
		t.Errorf("got %+v", env)
	}
	url, _, _ := unstructured.NestedString(objects[1].Object, "stringData", "URL")
	host, _, _ := unstructured.NestedString(objects[1].Object, "data", "HOST")
	plain, _ := base64.StdEncoding.DecodeString(host)
	if url != "postgres://u:p@postgres.outage:5432/db" || string(plain) != "postgres.outage.svc" {
		t.Errorf("got %s and %s", url, plain)
	}
}
