package workload

import "testing"

const patient = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: api:1
          readinessProbe: {httpGet: {path: /ready, port: 8000}, initialDelaySeconds: 30}
          livenessProbe: {httpGet: {path: /live, port: 8000}, initialDelaySeconds: 60, failureThreshold: 2, timeoutSeconds: 4}
        - name: proxy
          image: proxy:1
          startupProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 5, failureThreshold: 12, periodSeconds: 5}
          livenessProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 600}
`

func TestLivenessAsksFromTheStartOn(t *testing.T) {
	controllers, err := Controllers([]Object{Impatient(parse(t, patient)[0])})
	if err != nil {
		t.Fatal(err)
	}
	api, proxy := controllers[0].Template.Spec.Containers[0], controllers[0].Template.Spec.Containers[1]
	if r, l := api.ReadinessProbe, api.LivenessProbe; r.InitialDelaySeconds != 0 || l.InitialDelaySeconds != 0 || l.FailureThreshold != 2 || l.TimeoutSeconds != 4 {
		t.Errorf("readiness %+v, liveness %+v", r, l)
	}
	// The start still has the 60 s of the delay, and the 20 s after which the probe gives up.
	if s := api.StartupProbe; s == nil || s.HTTPGet.Path != "/live" || s.InitialDelaySeconds != 0 || s.FailureThreshold != 80 || s.PeriodSeconds != 1 {
		t.Errorf("startup %+v", s)
	}
	if s, l := proxy.StartupProbe, proxy.LivenessProbe; s.FailureThreshold != 65 || s.PeriodSeconds != 1 || s.InitialDelaySeconds != 0 || l.InitialDelaySeconds != 0 {
		t.Errorf("startup %+v, liveness %+v", s, l)
	}
}
