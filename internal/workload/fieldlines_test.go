package workload

import (
	"maps"
	"testing"
)

func TestLinesOfFields(t *testing.T) {
	const text = `apiVersion: v1
kind: Pod
metadata: {name: first}
---
apiVersion: v1
kind: Pod
metadata:
  name: api
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - image: shop/api:1.0
      name: api
      args:
        - -v
      readinessProbe: &probe
        httpGet: {path: /ready, port: 8000}
    - name: side
      readinessProbe:
        <<: *probe
        periodSeconds: 2
`
	objects, err := readText(Path{Written: "api.yaml"}, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := objects[1].Source.Lines()
	want := map[string]int{
		"apiVersion": 5, "kind": 6, "metadata": 7, "metadata.name": 8, "spec": 9,
		"spec.terminationGracePeriodSeconds": 10, "spec.containers": 11,
		"spec.containers[api]": 12, "spec.containers[api].image": 12, "spec.containers[api].name": 13, "spec.containers[api].args": 14,
		"spec.containers[api].readinessProbe": 16, "spec.containers[api].readinessProbe.httpGet": 17,
		"spec.containers[api].readinessProbe.httpGet.path": 17, "spec.containers[api].readinessProbe.httpGet.port": 17,
		"spec.containers[side]": 18, "spec.containers[side].name": 18, "spec.containers[side].readinessProbe": 19,
		"spec.containers[side].readinessProbe.httpGet": 17, "spec.containers[side].readinessProbe.httpGet.path": 17,
		"spec.containers[side].readinessProbe.httpGet.port": 17, "spec.containers[side].readinessProbe.periodSeconds": 21,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if (Source{File: "kustomization.yaml"}).Lines() != nil {
		t.Error("lines of what kustomize made")
	}
}
