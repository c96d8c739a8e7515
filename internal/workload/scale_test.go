package workload

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manyScaled = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {selector: {matchLabels: {a: b}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {replicas: 0, selector: {matchLabels: {a: b}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: many}, spec: {replicas: 5, selector: {matchLabels: {a: b}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: idle}, spec: {replicas: 0, selector: {matchLabels: {a: b}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: logs}, spec: {selector: {matchLabels: {a: b}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone}, spec: {containers: []}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, spec: {maxReplicas: 9, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: api}}}
---
{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: b}, spec: {maxReplicas: 9, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: many}}}
---
{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: c}, spec: {minReplicaCount: 3, scaleTargetRef: {kind: StatefulSet, name: db}}}
---
{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: d}, spec: {scaleTargetRef: {name: idle}}}
`

func counted(t *testing.T, objects []Object) []string {
	t.Helper()
	rs, err := Controllers(objects)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rs {
		declared := "-"
		if r.Declared != nil {
			declared = fmt.Sprint(*r.Declared)
		}
		out = append(out, fmt.Sprintf("%s %d %s", r, r.Replicas, declared))
	}
	return out
}

func TestAutoscaledRunsAsManyAsTheScalerKeepsAtLeast(t *testing.T) {
	want := []string{"deployment/api 2 2", "statefulset/db 3 3", "deployment/many 5 5", "deployment/idle 0 0", "daemonset/logs 1 -", "pod/lone 1 -"}
	if diff := cmp.Diff(want, counted(t, Autoscaled(parse(t, manyScaled)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStartedRunsOneOfWhatHasNone(t *testing.T) {
	objects := parse(t, manyScaled)
	got := counted(t, Started(objects, "statefulset/db", "deployment/many", "daemonset/logs", "pod/lone"))
	want := []string{"deployment/api 1 -", "statefulset/db 1 1", "deployment/many 5 5", "deployment/idle 0 0", "daemonset/logs 1 -", "pod/lone 1 -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestScaledWritesNoReplicasWhereAKindHasNone(t *testing.T) {
	for _, o := range parse(t, manyScaled)[4:6] {
		if err := strict(Scaled(o, 1)); err != nil {
			t.Errorf("%s: %v", o, err)
		}
	}
}
