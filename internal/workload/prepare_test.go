package workload

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestPlace(t *testing.T) {
	p := Rewrite{Run: "r1", Namespace: "podproof-r1", Images: map[string]string{"app:1": "podproof.local/app:run-r1"}}
	for _, c := range []struct {
		name, given, want string
	}{
		{"a namespace", "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}", ""},
		{"a network policy", "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db}, spec: {podSelector: {}}}", ""},
		{"an object of a namespace",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop, labels: {app: api}}}",
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: podproof-r1, labels: {app: api, podproof.dev/run: r1}}}"},
		{"a pod: the image by any of its names, and no other",
			`{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {
				initContainers: [{name: i, image: "docker.io/library/app:1", imagePullPolicy: Always}],
				containers: [{name: a, image: "app:1"}, {name: b, image: "app:2", imagePullPolicy: Always}]}}`,
			`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: podproof-r1, labels: {podproof.dev/run: r1}}, spec: {
				initContainers: [{name: i, image: "podproof.local/app:run-r1", imagePullPolicy: Never}],
				containers: [{name: a, image: "podproof.local/app:run-r1", imagePullPolicy: Never}, {name: b, image: "app:2", imagePullPolicy: Always}]}}`},
		{"a pod template: its labels stay, by which a selector finds them",
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {app: d}},
				template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, image: "app:1"}]}}}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: podproof-r1, labels: {podproof.dev/run: r1}}, spec: {selector: {matchLabels: {app: d}},
				template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, image: "podproof.local/app:run-r1", imagePullPolicy: Never}]}}}}`},
		{"a cron job's",
			`{apiVersion: batch/v1, kind: CronJob, metadata: {name: j}, spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {
				restartPolicy: Never, containers: [{name: a, image: "app:1"}]}}}}}}`,
			`{apiVersion: batch/v1, kind: CronJob, metadata: {name: j, namespace: podproof-r1, labels: {podproof.dev/run: r1}}, spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: {spec: {
				restartPolicy: Never, containers: [{name: a, image: "podproof.local/app:run-r1", imagePullPolicy: Never}]}}}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := parse(t, c.given)
			before := given[0].DeepCopy()
			var got []any
			for _, o := range Rewritten(given, p) {
				got = append(got, o.Object)
			}
			var want []any
			if c.want != "" {
				want = []any{parse(t, c.want)[0].Object}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before.Object, given[0].Object); diff != "" {
				t.Errorf("the manifest itself was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// In a namespace that stays, what controllers make is known for the run's and goes with them, and
// where the nodes pull the images, the manifests say how.
func TestPlaceInANamespaceThatStays(t *testing.T) {
	given := parse(t, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {selector: {matchLabels: {app: d}},
		template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, image: "app:1", imagePullPolicy: Always}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: "app:1"}]}}
`)
	want := parse(t, `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d, namespace: mine, labels: {podproof.dev/run: r1}}, spec: {selector: {matchLabels: {app: d}},
		persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete},
		template: {metadata: {labels: {app: d, podproof.dev/run: r1}}, spec: {containers: [{name: a, image: "shop.example/app@sha256:1", imagePullPolicy: Always}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: mine, labels: {podproof.dev/run: r1}}, spec: {containers: [{name: a, image: "shop.example/app@sha256:1"}]}}
`)
	for i, o := range Rewritten(given, Rewrite{Run: "r1", Namespace: "mine", Images: map[string]string{"app:1": "shop.example/app@sha256:1"}, Pulled: true, Stays: true}) {
		if diff := cmp.Diff(want[i].Object, o.Object); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestNamespaceOf(t *testing.T) {
	in := func(namespaces ...string) string {
		var docs string
		for i, ns := range namespaces {
			b, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
				"metadata": map[string]any{"name": fmt.Sprintf("c%d", i), "namespace": ns}})
			if err != nil {
				t.Fatal(err)
			}
			docs += "---\n" + string(b)
		}
		return docs
	}
	for _, c := range []struct {
		name, given, want string
	}{
		{"none", in("", ""), ""},
		{"one", in("shop", "", "shop"), "shop"},
		{"two", in("shop", "data"), ""},
		{"no objects", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := NamespaceOf(parse(t, c.given)); got != c.want {
				t.Errorf("namespace %q, want %q", got, c.want)
			}
		})
	}
}

func TestSubstitute(t *testing.T) {
	images := map[string]string{"postgres:16": "podproof.local/postgres:1"}
	for image, want := range map[string]string{
		"postgres:16":                   "podproof.local/postgres:1",
		"docker.io/library/postgres:16": "podproof.local/postgres:1",
		"postgres:17":                   "",
		"postgres":                      "",
		"example.com/postgres:16":       "",
		"":                              "",
	} {
		if got, ok := Substitute(images, image); got != want || ok != (want != "") {
			t.Errorf("%q gives %q (%t), want %q", image, got, ok, want)
		}
	}
}

func TestParseSetImage(t *testing.T) {
	got, err := ParseSetImage([]string{"postgres:16=podproof.local/postgres:1", "a=b@sha256:c"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"postgres:16": "podproof.local/postgres:1", "a": "b@sha256:c"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, wrong := range []string{"postgres:16", "=new", "old=", ""} {
		if got, err := ParseSetImage([]string{wrong}); err == nil {
			t.Errorf("%q gives %v, want an error", wrong, got)
		}
	}
}
