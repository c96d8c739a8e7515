package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
)

func TestFacts(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	got := Facts(runners(t, `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      terminationGracePeriodSeconds: 40
      securityContext: {runAsUser: 1001, runAsGroup: 1001}
      containers:
        - name: api
          image: app:1
          ports: [{name: http, containerPort: 8000}, {containerPort: 9000}]
          livenessProbe: {httpGet: {path: /health, port: http}}
          readinessProbe: {httpGet: {path: /ready, port: 8000}}
          startupProbe: {tcpSocket: {port: 8000}}
        - name: proxy
          image: proxy:1
          securityContext: {runAsUser: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: bare, image: "bare:1"}]}
`))
	want := []contract.WorkloadFacts{
		{Object: contract.Object{Kind: "deployment", Name: "api"}, GraceSeconds: number(40), Containers: []contract.ContainerFacts{
			{Name: "api", Image: "app:1", Ports: []contract.PortFact{{Name: "http", Number: 8000}, {Number: 9000}},
				Liveness:  &contract.ProbeFact{Path: "/health", Port: "http"},
				Readiness: &contract.ProbeFact{Path: "/ready", Port: "8000"},
				RunAsUser: number(1001), RunAsGroup: number(1001)},
			{Name: "proxy", Image: "proxy:1", RunAsUser: number(0), RunAsGroup: number(1001)}, // its own user, the pod's group
		}},
		{Object: contract.Object{Kind: "pod", Name: "bare"}, Containers: []contract.ContainerFacts{{Name: "bare", Image: "bare:1"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
