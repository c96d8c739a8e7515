package workload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/contract"
)

func TestFacts(t *testing.T) {
	number := func(n int64) *int64 { return &n }
	all := parse(t, `apiVersion: apps/v1
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
          readinessProbe: {httpGet: {port: 8000, scheme: HTTPS, httpHeaders: [{name: Host, value: shop.example}]}}
          startupProbe: {tcpSocket: {port: 8000}, initialDelaySeconds: 5, failureThreshold: 20}
        - name: proxy
          image: proxy:1
          livenessProbe: {grpc: {port: 9901, service: live}}
          readinessProbe: {exec: {command: [cat, /tmp/ready]}}
          securityContext: {runAsUser: 0}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {containers: [{name: bare, image: "bare:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{name: web, port: 80, targetPort: http, appProtocol: http}, {port: 9000}, {port: 53, protocol: UDP}]}
`)
	rs, err := Controllers(all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Facts(all, rs)
	if err != nil {
		t.Fatal(err)
	}
	want := []contract.WorkloadFacts{
		{Object: contract.Object{Kind: "deployment", Name: "api"}, GraceSeconds: number(40), Containers: []contract.ContainerFacts{
			{Name: "api", Image: "app:1", Ports: []contract.PortFact{{Name: "http", Number: 8000}, {Number: 9000}},
				Liveness:      &contract.ProbeFact{Protocol: "http", Path: "/health", Port: "http"},
				Readiness:     &contract.ProbeFact{Protocol: "https", Path: "/", Port: "8000", Header: map[string]string{"Host": "shop.example"}},
				Startup:       &contract.ProbeFact{Protocol: "tcp", Port: "8000"},
				StartupBudget: 205 * time.Second,
				RunAsUser:     number(1001), RunAsGroup: number(1001)},
			{Name: "proxy", Image: "proxy:1", RunAsUser: number(0), RunAsGroup: number(1001), // its own user, the pod's group
				Liveness: &contract.ProbeFact{Protocol: "grpc", Port: "9901", Service: "live"}, Readiness: &contract.ProbeFact{}},
		}, Services: []contract.ServicePortFact{{Service: "api", Name: "web", Number: 80, Target: "http", AppProtocol: "http"}, {Service: "api", Number: 9000, Target: "9000"}}},
		{Object: contract.Object{Kind: "pod", Name: "bare"}, Containers: []contract.ContainerFacts{{Name: "bare", Image: "bare:1"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
