package check

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// podEvents gives the first pod events.
func podEvents(events ...evidence.Event) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Startup.Pods[0].Events = events })
}

// readyAt moves the moment at which the pods were Ready.
func readyAt(e evidence.Evidence, s float64) evidence.Evidence {
	for i := range e.Startup.Pods {
		e.Startup.Pods[i].Status.Conditions[1].LastTransitionTime = metav1.NewTime(at(s))
	}
	return e
}

// workerContract is that of a workload that nobody asks.
var workerContract = contractWith(func(c *contract.Contract) { c.HTTP = contract.HTTP{} })

// busyAt adds pressure figures of a node that was short of CPU for two seconds.
func busyAt(s float64, e evidence.Evidence) evidence.Evidence {
	for i := range 100 {
		p := evidence.Pressure{At: at(float64(i)), Waiting: 0.1, Others: 0.1}
		if d := float64(i) - s; d >= -1 && d <= 1 {
			p.Waiting, p.Others = 0.7, 0.5
		}
		e.Pressure = append(e.Pressure, p)
	}
	return e
}

var probesDeclaredExamples = []example{
	{name: "all three", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Probes OK (startup, readiness, liveness)"}},
	{name: "no startup probe, quick start", c: goodContract(), e: container(func(c *corev1.Container) { c.StartupProbe = nil }), want: Pass,
		says: []string{"Probes OK (readiness, liveness)", "leaves a start 30 s"}},
	{name: "no startup probe, slow start", c: goodContract(), want: Fail, says: []string{"took 39 s", "after 30 s"},
		e: readyAt(container(func(c *corev1.Container) { c.StartupProbe = nil }), 40)},
	{name: "no startup probe, slow start, patient liveness", c: goodContract(), want: Pass,
		e: readyAt(container(func(c *corev1.Container) { c.StartupProbe, c.LivenessProbe.InitialDelaySeconds = nil, 20 }), 40)},
	{name: "slower than its timeout", c: goodContract(), want: Fail, says: []string{"livenessProbe gives up after 1 s, and /health was answered after 1.5 s", "Raise timeoutSeconds of the startupProbe above 1.5 s"},
		e: with(func(e *evidence.Evidence) {
			e.Responses = []evidence.Response{{Name: "health", Method: "GET", Path: "/health", Request: evidence.Request{Status: 200, End: 1.5}}}
		})},
	{name: "liveness asks what readiness asks", c: goodContract(), want: Pass, says: []string{"probes/liveness-survives-outage"},
		e: container(func(c *corev1.Container) { c.LivenessProbe.HTTPGet.Path = "/ready" })},
	{name: "a start near the startup probe's end", c: goodContract(), want: Pass, says: []string{"a start took 29 s, and its startupProbe allows 30s"},
		e: readyAt(goodEvidence(), 30)},
	{name: "preStop takes all of the grace period", c: goodContract(), want: Fail, says: []string{"sleeps 30 s of a grace period of 30 s"},
		e: container(func(c *corev1.Container) {
			c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 30}}}
		})},
	{name: "no readiness", c: goodContract(), e: container(func(c *corev1.Container) { c.ReadinessProbe = nil }), want: Fail, says: []string{"no readinessProbe"}},
	{name: "no liveness", c: goodContract(), e: container(func(c *corev1.Container) { c.LivenessProbe = nil }), want: Fail, says: []string{"no livenessProbe"}},
	{name: "exec", c: goodContract(), want: Pass, e: container(func(c *corev1.Container) {
		c.LivenessProbe.ProbeHandler = corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/shop", "healthy"}}}
	})},
	{name: "unknown port name", c: goodContract(), want: Fail, says: []string{`port "web"`, "8000 http"},
		e: container(func(c *corev1.Container) { c.ReadinessProbe.HTTPGet.Port = intstr.FromString("web") })},
	{name: "another port", c: goodContract(), want: Fail, says: []string{"port 8080", "listens on 8000"}, e: func() evidence.Evidence {
		e := pods(func(*evidence.Pod) {})
		e.Workload.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Port = intstr.FromInt32(8080)
		return e
	}()},
	{name: "a port that nobody declares, and that answers", c: goodContract(), want: Pass, says: []string{"port 8080", "answered all the same"},
		e: container(func(c *corev1.Container) { c.ReadinessProbe.HTTPGet.Port = intstr.FromInt32(8080) })},
	{name: "the contract's port", c: contractWith(func(c *contract.Contract) { c.HTTP.Port = 9000 }), want: Pass,
		e: container(func(c *corev1.Container) { c.ReadinessProbe.HTTPGet.Port = intstr.FromInt32(9000) })},
	{name: "another host", c: goodContract(), want: Fail, says: []string{"asks host 127.0.0.1"},
		e: container(func(c *corev1.Container) { c.LivenessProbe.HTTPGet.Host = "127.0.0.1" })},
	{name: "readiness failed before Ready", c: goodContract(), want: Pass,
		e: podEvents(event(2, "Warning", "Unhealthy", "Readiness probe failed: connect: connection refused"))},
	{name: "failed in the second of getting Ready", c: goodContract(), want: Pass,
		e: podEvents(event(4.9, "Warning", "Unhealthy", "Readiness probe failed: connect: connection refused"))},
	{name: "failed while the pod ended", c: goodContract(), want: Pass, e: podEvents(
		event(20, "Normal", "Killing", "Stopping container api"), event(21, "Warning", "Unhealthy", "Readiness probe failed: connect: connection refused"))},
	{name: "another container's probe", c: goodContract(), want: Pass, e: podEvents(
		evidence.Event{At: at(9), Type: "Warning", Reason: "Unhealthy", Message: "Readiness probe failed", FieldPath: "spec.containers{proxy}"})},
	{name: "readiness failed after Ready", c: goodContract(), want: Fail, says: []string{"after it was Ready", "statuscode: 500"},
		e: podEvents(event(9, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500"))},
	{name: "no answer in time on a busy node", c: goodContract(), want: Inconclusive, says: []string{"no answer within its timeout", "short of CPU"},
		e: pressed(podEvents(event(9, "Warning", "Unhealthy", "Readiness probe failed: context deadline exceeded")), 0.95, 0.8)},
	{name: "said no on a busy node", c: goodContract(), want: Fail, says: []string{"statuscode: 500"},
		e: pressed(podEvents(event(9, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")), 0.95, 0.8)},
	{name: "liveness restarted it", c: goodContract(), want: Fail, says: []string{"restarted it", "statuscode: 404"}, e: podEvents(
		event(3, "Warning", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404"),
		event(3, "Normal", "Killing", "Container api failed liveness probe, will be restarted"))},
	{name: "no longer Ready", c: goodContract(), want: Fail, says: []string{"stopped being Ready at"},
		e: with(func(e *evidence.Evidence) { notReady(&e.Startup.Pods[0]) })},
	{name: "liveness asks what said 503", c: goodContract(), want: Pass, says: []string{"restarts pods that are well"}, e: func() evidence.Evidence {
		e := podEvents(event(2, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"))
		e.Workload.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path = "/health"
		return e
	}()},
	{name: "a program that is not there", c: goodContract(), want: Fail, says: []string{"runs curl, which is not in the image"}, e: pods(func(p *evidence.Pod) {
		p.Events = []evidence.Event{event(5, "Warning", "Unhealthy", `Readiness probe errored: exec: "curl": executable file not found in $PATH`)}
	})},
	{name: "no pod", c: goodContract(), want: Inconclusive, says: []string{"no pod became Ready"}, e: with(func(e *evidence.Evidence) { e.Startup.Pods = nil })},
	{name: "a worker with a liveness probe", c: workerContract, want: Pass, says: []string{"Probes OK (liveness)"}, e: container(func(c *corev1.Container) {
		c.StartupProbe, c.ReadinessProbe = nil, nil
		c.LivenessProbe.ProbeHandler = corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/worker", "ping"}}}
	})},
	{name: "a worker without probes", c: workerContract, want: Skipped, says: []string{"serves nobody", "exec probe"},
		e: container(func(c *corev1.Container) { c.StartupProbe, c.ReadinessProbe, c.LivenessProbe = nil, nil, nil })},
	{name: "one answer late, and the node busy for a moment", c: goodContract(), want: Inconclusive, says: []string{"short of CPU about then"}, e: busyAt(9,
		podEvents(event(9, "Warning", "Unhealthy", "Readiness probe failed: context deadline exceeded")))},
	{name: "one that says no then", c: goodContract(), want: Fail, e: busyAt(9, podEvents(event(9, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")))},
	{name: "one answer late, long after", c: goodContract(), want: Fail, e: busyAt(9, podEvents(event(60, "Warning", "Unhealthy", "Readiness probe failed: context deadline exceeded")))},
	{name: "slower than its timeout on another port", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Responses = []evidence.Response{{Name: "health", Method: "GET", Port: 9090, Path: "/health", Request: evidence.Request{Status: 200, End: 1.5}}}
	})},
	{name: "slower than its timeout while the node was busy", c: goodContract(), want: Pass, says: []string{"short of CPU about then"}, e: busyAt(9, with(func(e *evidence.Evidence) {
		e.Responses = []evidence.Response{{Name: "health", Method: "GET", Path: "/health", Request: evidence.Request{Start: at(8), Status: 200, End: 2.8}}}
	}))},
	{name: "never Ready", c: goodContract(), want: Inconclusive, says: []string{"no pod became Ready", "startup/ready"}, e: pods(func(p *evidence.Pod) {
		p.Events = []evidence.Event{event(20, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")}
	})},
	{name: "start not observed", c: goodContract(), e: without(evidence.SectionStartup, func(e *evidence.Evidence) { e.Startup = nil }), want: Inconclusive},
	{name: "no such container", c: goodContract(), e: with(func(e *evidence.Evidence) { e.Workload.Container = "web" }), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionWorkload, func(e *evidence.Evidence) { e.Workload = nil }), want: Inconclusive},
}
