package check

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var startupReadyExamples = []example{
	{name: "in time", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Ready with its dependencies OK (2 pods)", "2 pods Ready after 4.2 s"}},
	{name: "without dependencies", c: contractWith(func(c *contract.Contract) { c.Dependencies = nil }), e: goodEvidence(), want: Pass, says: []string{"Ready OK"}},
	{name: "too slow", c: contractWith(func(c *contract.Contract) { c.Startup.Within = contract.Duration(4 * time.Second) }), e: goodEvidence(), want: Fail,
		says: []string{"Ready after 4.2 s", "within 4s"}},
	{name: "default of 30 s", c: contract.Contract{}, e: with(func(e *evidence.Evidence) { e.Startup.Seconds = 31 }), want: Fail, says: []string{"within 30s"}},
	{name: "with restarts", c: goodContract(), want: Fail, says: []string{"1 restart", "exit code 1", "Back-off", "[masked:"},
		e: with(func(e *evidence.Evidence) {
			p := &e.Startup.Pods[1]
			p.Status.ContainerStatuses[0].RestartCount = 1
			p.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
			p.Events = []evidence.Event{event(2, "Warning", "Killing", "Back-off restarting failed container")}
			p.Log = append(p.Log, evidence.LogLine{Text: "connecting to postgres://shop:" + planted + "@db/shop"})
		})},
	{name: "init container that retried", c: goodContract(), want: Pass, says: []string{"started again 2 times"},
		e: with(func(e *evidence.Evidence) {
			e.Startup.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", RestartCount: 2,
				State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}
		})},
	{name: "a kubelet that is too busy", c: goodContract(), want: Inconclusive, says: []string{"too busy"},
		e: pods(waits("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition"))},
	{name: "named user under runAsNonRoot", c: goodContract(), want: Fail, says: []string{"CreateContainerConfigError", "USER 1001"},
		e: pods(waits("CreateContainerConfigError", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root"))},
	{name: "root under runAsNonRoot", c: goodContract(), want: Fail, says: []string{"end with USER 1001"},
		e: pods(waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"))},
	{name: "missing secret", c: goodContract(), want: Fail, says: []string{`secret "api" not found`, "Add the Secret"},
		e: pods(waits("CreateContainerConfigError", `secret "api" not found`))},
	{name: "no such program", c: goodContract(), want: Fail, says: []string{"not in the image"},
		e: pods(waits("CreateContainerError", `exec: "shop": executable file not found in $PATH, args --token=`+planted))},
	{name: "crash loop", c: goodContract(), want: Fail, says: []string{"CrashLoopBackOff", "exit code 1", "started 3 times", "FATAL", "[masked:15]"},
		e: pods(crashes(corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}))},
	{name: "cannot start", c: goodContract(), want: Fail, says: []string{"StartError", "another architecture"},
		e: pods(crashes(corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: "exec /shop: exec format error"}))},
	{name: "not found by the shell", c: goodContract(), want: Fail, says: []string{"127", "full path"},
		e: pods(crashes(corev1.ContainerStateTerminated{ExitCode: 127, Reason: "Error"}))},
	{name: "out of memory", c: goodContract(), want: Fail, says: []string{"OOMKilled", "it is 64Mi"},
		e: pods(func(p *evidence.Pod) {
			crashes(corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"})(p)
			p.Spec.Containers = []corev1.Container{{Name: "api", Resources: corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}}}}
		})},
	{name: "ended by itself", c: goodContract(), want: Fail, says: []string{"exit code 0", "foreground"},
		e: pods(func(p *evidence.Pod) {
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 0, Reason: "Completed"}}
		})},
	{name: "readiness never succeeds", c: goodContract(), want: Fail, says: []string{"statuscode: 503", "not Ready after 30.0 s"},
		e: pods(func(p *evidence.Pod) {
			p.Events = []evidence.Event{event(20, "Warning", "Failed", "password="+planted),
				event(25, "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503, password="+planted)}
		})},
	{name: "listens on localhost", c: goodContract(), want: Fail, says: []string{"0.0.0.0"},
		e: pods(func(p *evidence.Pod) {
			p.Events = []evidence.Event{event(25, "Warning", "Unhealthy", `Readiness probe failed: Get "http://10.0.0.5:8000/ready": dial tcp 10.0.0.5:8000: connect: connection refused`)}
		})},
	{name: "volume of a missing secret", c: goodContract(), want: Fail, says: []string{"FailedMount", "Add the Secret"},
		e: pods(func(p *evidence.Pod) {
			waits("ContainerCreating", "")(p)
			p.Events = []evidence.Event{event(3, "Warning", "FailedMount", `MountVolume.SetUp failed for volume "tls" : secret "tls" not found`)}
		})},
	{name: "init container fails", c: goodContract(), want: Fail, says: []string{"container migrate", "exit code 3"},
		e: pods(func(p *evidence.Pod) {
			waits("PodInitializing", "")(p)
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}}}}
		})},
	{name: "image is not on the node", c: goodContract(), want: Inconclusive, says: []string{"ErrImageNeverPull", "Image shop-api:latest is not on the node", "--set-image shop-api:latest=OTHER"},
		e: pods(waits("ErrImageNeverPull", `Container image "shop-api:v2" is not present with pull policy of Never`))},
	{name: "no room on the node", c: goodContract(), want: Inconclusive, says: []string{"Insufficient cpu"},
		e: pods(func(p *evidence.Pod) {
			p.Status.ContainerStatuses = nil
			p.Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available: 1 Insufficient cpu."}
		})},
	{name: "the port is taken by the pod before it", c: goodContract(), want: Inconclusive, says: []string{"free ports"},
		e: with(func(e *evidence.Evidence) {
			first, second := goodPod("api-1"), goodPod("api-2")
			notReady(&first)
			waits("ContainerCreating", "")(&first)
			second.Status.ContainerStatuses = nil
			second.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "1 node(s) didn't have free ports"}}
			e.Startup = &evidence.Startup{Seconds: 1, Impossible: "pod api-2 cannot be scheduled", Pods: []evidence.Pod{first, second}}
		})},
	{name: "observation broken off", c: goodContract(), want: Inconclusive, says: []string{"before the 30s were over"},
		e: with(func(e *evidence.Evidence) {
			p := goodPod("api-1")
			notReady(&p)
			e.Startup = &evidence.Startup{Seconds: 7, Pods: []evidence.Pod{p}}
		})},
	{name: "not observed", c: goodContract(), want: Inconclusive, says: []string{"did not start"},
		e: without(evidence.SectionStartup, func(e *evidence.Evidence) { e.Startup = nil })},
}

// What the wait and the pod both say is told once, as the pod says it.
func TestReasonIsToldOnce(t *testing.T) {
	p := goodPod("api-1")
	notReady(&p)
	crashes(corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"})(&p)
	e := with(func(e *evidence.Evidence) {
		e.Startup = &evidence.Startup{Applied: at(0), Seconds: 12, Impossible: "pod api-1, container api: the process ends again and again (CrashLoopBackOff): back-off 10s", Pods: []evidence.Pod{p}}
	})
	j := startupReady.Judge(goodContract(), e)
	if j.Status != Fail || strings.Count(j.Seen, "CrashLoopBackOff") != 1 || strings.Contains(j.Seen, "again and again") || !strings.Contains(j.Seen, "not going to be") {
		t.Errorf("%s: %s", j.Status, j.Seen)
	}
}
