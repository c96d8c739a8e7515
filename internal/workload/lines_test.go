package workload

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestLineOf(t *testing.T) {
	var doc yaml.Node
	err := yaml.Unmarshal([]byte(`# words
kind: Pod
spec:
  containers:
    - name: a
      env:
        - name: X
          value: "1"
        - name: Y
          value: 1
        - name: Z
          value: off
    - {name: b, image: [c]}
  volumes: {}
`), &doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, got string
		want      int
	}{
		{"", "", 2},
		{"kind", "", 2},
		{"spec", "", 3},
		{"spec.containers[0].name", "", 5},
		{"spec.containers[0].env[0].value", "", 8},
		{"spec.containers[1].image", "", 13},
		{"spec.volumes", "", 14},
		// Where the path ends early it is the nearest parent.
		{"spec.containers[0].env[0].missing", "", 7},
		{"spec.containers[7].name", "", 4},
		{"spec.volumes[0].none", "", 14},
		{"metadata.none", "", 2},
		// A wrong type, without indices: the first value that has it.
		{"spec.containers.env.value", "number", 10},
		{"spec.containers.env.value", "bool", 12},
		{"spec.containers.env.value", "string", 8},
		{"spec.containers.env.value", "object", 8}, // none has it
		{"spec.containers.image", "array", 13},
		{"spec.volumes", "object", 14},
	} {
		if got := lineOf(&doc, field{path: c.path, got: c.got}); got != c.want {
			t.Errorf("%q (%s) is on line %d, want %d", c.path, c.got, got, c.want)
		}
	}
}

func TestSourceSaysWhereAFieldStands(t *testing.T) {
	o := parse(t, secret+"---\n"+deployment)[1]
	for path, want := range map[string]string{
		"spec.template.spec.containers[0].image": "m.yaml:17", "spec.template.spec.nodeName": "m.yaml:14", "": "m.yaml:6",
	} {
		if got := o.Source.At(path); got != want {
			t.Errorf("%q is at %s, want %s", path, got, want)
		}
	}
	if got := (Source{File: "k"}).At("spec"); got != "k" {
		t.Errorf("what a kustomization made is at %s", got)
	}
}
