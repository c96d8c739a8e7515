package workload

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLeaveOut(t *testing.T) {
	body := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: tried, annotations: {helm.sh/hook: test}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: for-tests, annotations: {helm.sh/hook: test}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: made-before, annotations: {helm.sh/hook: pre-install}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: seed}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: db}}
---
{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: api}}
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api}, spec: {maxReplicas: 5, minReplicas: 3, scaleTargetRef: {kind: Deployment, name: api}}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: api}}
---
{apiVersion: shop.example/v1, kind: Widget, metadata: {name: w}}
---
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.shop.example}, spec: {group: shop.example, scope: Namespaced, versions: [], names: {kind: Widget, plural: widgets}}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: api}}
`
	always := []string{
		"Left out pod/tried (m.yaml:3), configmap/for-tests (m.yaml:5): a Helm hook (test), which Helm runs, not the cluster",
		"Left out job/migrate (m.yaml:7): a Helm hook (pre-install,pre-upgrade), which Helm runs, not the cluster",
		"Left out cronjob/nightly (m.yaml:13): it would fire in the middle of a trial",
		"Left out networkpolicy/db (m.yaml:15), ciliumnetworkpolicy/api (m.yaml:17): network policies would block podproof's own pods",
		"Left out horizontalpodautoscaler/api (m.yaml:19): it would undo podproof's scale-down; deployment/api runs with replicas: 3",
	}
	own := append(slices.Clone(always), "Left out servicemonitor/api (m.yaml:21): no manifest defines the kind (CustomResourceDefinition), so this cluster would not have it")
	for _, c := range []struct {
		name       string
		own        bool
		left, kept []string
	}{
		{"in a cluster of our own", true, own, []string{"deployment/api", "secret/made-before", "job/seed", "widget/w", "customresourcedefinition/widgets.shop.example", "poddisruptionbudget/api"}},
		{"in another's", false, always, []string{"deployment/api", "secret/made-before", "job/seed", "servicemonitor/api", "widget/w", "customresourcedefinition/widgets.shop.example", "poddisruptionbudget/api"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, left := LeaveOut(Autoscaled(parse(t, body)), c.own)
			var said, names []string
			for _, l := range left {
				said = append(said, l.String())
			}
			for _, o := range kept {
				names = append(names, o.String())
			}
			if diff := cmp.Diff(c.left, said); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.kept, names); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForeignNamesWhatRunsPodsInAnotherWay(t *testing.T) {
	const rollout = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api}, spec: {template: {spec: {containers: [{name: a, image: 'app:1'}]}}}}\n"
	const set = "---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs}, spec: {template: {spec: {containers: [{name: a, image: 'other:1'}]}}}}\n"
	kept, left := LeaveOut(parse(t, rollout+set+"---\n"+deployment), true)
	for image, want := range map[string][]string{
		"": {"m.yaml:3: replicaset/rs: podproof runs a Deployment, StatefulSet, DaemonSet or Pod, and no ReplicaSet of apps/v1",
			"m.yaml:1: rollout/api: podproof runs a Deployment, StatefulSet, DaemonSet or Pod, and no Rollout of argoproj.io/v1alpha1"},
		"docker.io/library/app:1": {"m.yaml:1: rollout/api: "},
		"none":                    nil,
	} {
		got := Foreign(kept, left, image)
		if len(got) != len(want) {
			t.Errorf("%q: %q, want %q", image, got, want)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%q: %q, want %q at its beginning", image, got[i], want[i])
			}
		}
	}
}
