package workload

import (
	"fmt"
	"strings"
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

// A kind of another group is not KEDA's, and what starts pods by itself is left out wherever it would run.
func TestAutoscalersAreLeftOutAndBoundTheScale(t *testing.T) {
	objects := parse(t, manyScaled+`---
{apiVersion: example.com/v1, kind: ScaledObject, metadata: {name: other}, spec: {minReplicaCount: 7, scaleTargetRef: {name: api}}}
---
{apiVersion: keda.sh/v1alpha1, kind: ScaledJob, metadata: {name: jobs}, spec: {jobTargetRef: {}}}
---
{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, metadata: {name: vpa}, spec: {targetRef: {kind: Deployment, name: api}}}
`)
	kept, left := LeaveOut(Autoscaled(objects), false)
	var names []string
	for _, l := range left {
		for _, o := range l.Objects {
			names = append(names, o.String())
		}
	}
	want := []string{"horizontalpodautoscaler/a", "horizontalpodautoscaler/b", "scaledobject/c", "scaledobject/d", "scaledjob/jobs", "verticalpodautoscaler/vpa"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	for _, o := range kept {
		want := map[string]int32{"deployment/api": 2, "deployment/many": 2, "statefulset/db": 3}[o.String()]
		if got := Least(left, o); got != want {
			t.Errorf("of %s at least %d are kept, and should be %d", o, got, want)
		}
	}
}

func TestABudgetThatAnAutoscalerMakesFull(t *testing.T) {
	for rule, want := range map[string]string{
		"minAvailable: 2": "minAvailable is 2, and an autoscaler keeps 2 of deployment/many at least", "minAvailable: 1": "", "minAvailable: 60%": "minAvailable is 60%",
		"minAvailable: 50%": "", "maxUnavailable: 0": "maxUnavailable is 0", "maxUnavailable: 1": "", "maxUnavailable: 10%": "",
	} {
		objects := parse(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: many}, spec: {replicas: 5, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: b}, spec: {maxReplicas: 9, minReplicas: 2, scaleTargetRef: {kind: Deployment, name: many}}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {selector: {matchLabels: {a: b}}, `+rule+`}}
`)
		kept, left := LeaveOut(objects, true)
		controllers, err := Controllers(kept)
		if err != nil {
			t.Fatal(err)
		}
		f := Preflight{Objects: kept, Left: left, Controllers: controllers}.Look()
		if len(f.Problems) > 0 || (want == "") != (len(f.Notes) == 0) || want != "" && !strings.Contains(f.Notes[0], want) {
			t.Errorf("%s: got %+v", rule, f)
		}
	}
}
