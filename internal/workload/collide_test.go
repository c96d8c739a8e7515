package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerged(t *testing.T) {
	deployment := func(ns string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: " + ns + "}}\n---\n"
	}
	config := func(ns, value string) string {
		return "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: " + ns + "}, data: {A: " + value + "}}\n---\n"
	}
	for _, c := range []struct {
		name, given string
		want        []string
	}{
		{"one of each", config("a", "x") + deployment("a"), []string{"m.yaml:1 configmap/c", "m.yaml:3 deployment/api"}},
		{"one that is the same in two namespaces", config("a", "x") + config("b", "x"), []string{"m.yaml:1 configmap/c"}},
		{"one that differs in two namespaces", config("a", "x") + config("b", "z"), []string{"m.yaml:1 configmap/c", "m.yaml:3 configmap/c"}},
		{"two that run pods", deployment("a") + deployment("b"), []string{"m.yaml:1 deployment/api", "m.yaml:3 deployment/api"}},
		{"one that runs pods, twice", deployment("a") + deployment("a"), []string{"m.yaml:1 deployment/api"}},
		{"two of one name in one namespace", config("a", "x") + config("a", "z"), []string{"m.yaml:1 configmap/c", "m.yaml:3 configmap/c"}},
		{"two groups", "{apiVersion: v1, kind: Event, metadata: {name: e}}\n---\n{apiVersion: x.example/v1, kind: Event, metadata: {name: e}}\n",
			[]string{"m.yaml:1 event/e", "m.yaml:3 event/e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, names(Merged(parse(t, c.given)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
