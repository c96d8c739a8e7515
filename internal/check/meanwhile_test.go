package check

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
)

// goodFinal are a pod that a rollout has ended and one that is there.
func goodFinal() *evidence.Final {
	gone := goodPod("api-1")
	notReady(&gone)
	gone.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 143, Reason: "Error"}}
	gone.Timeline = append(gone.Timeline, watched(201, "deletion requested"), watched(202, "container api: exited with 143 (Error)"), watched(203, "pod removed"))
	return &evidence.Final{At: at(280), Pods: []evidence.Pod{gone, goodPod("api-2")}}
}

// finally changes the pod that is there when the run ends.
func finally(change func(*evidence.Pod)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.Final.Pods[1]) })
}

// endsBy lets the pod's container end 40 s after its start, and be started again.
func endsBy(t corev1.ContainerStateTerminated, events ...evidence.Event) func(*evidence.Pod) {
	return func(p *evidence.Pod) {
		t.StartedAt, t.FinishedAt = metav1.NewTime(at(1)), metav1.NewTime(at(41))
		s := &p.Status.ContainerStatuses[0]
		s.RestartCount, s.LastTerminationState.Terminated = 1, &t
		p.Log = []evidence.LogLine{{At: at(40.9), Text: "panic: assignment to entry in nil map, password=" + planted}}
		p.Events = events
	}
}

var (
	crash           = corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
	outOfMemory     = corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
	killsByLiveness = []evidence.Event{event(40, "Warning", "Unhealthy", "Liveness probe failed: context deadline exceeded"),
		event(40, "Normal", "Killing", "Container api failed liveness probe, will be restarted")}
)

// noMore is a pod that stopped being Ready.
func noMore(says string) func(*evidence.Pod) {
	return func(p *evidence.Pod) {
		notReady(p)
		p.Status.Conditions[1].LastTransitionTime = metav1.NewTime(at(260))
		p.Events = []evidence.Event{event(259, "Warning", "Unhealthy", says)}
	}
}

// takenAway is a pod that the cluster took away at a second of the run.
func takenAway(p *evidence.Pod, second float64) {
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "DeletionByTaintManager", LastTransitionTime: metav1.NewTime(at(second))})
}

// meanwhileExamples are pods that were Ready in time, and what became of them.
var meanwhileExamples = []example{
	{name: "crashed meanwhile", c: goodContract(), want: Fail, e: finally(endsBy(crash)),
		says: []string{"2 pods Ready after 4.2 s", "container api of pod api-2 ended 40.0 s after its start, while nobody had asked it to, with exit code 1", "panic"}},
	{name: "crashed, and was replaced before it was started again", c: goodContract(), want: Fail, says: []string{"pod api-1 ended 40.0 s after its start"},
		e: with(func(e *evidence.Evidence) {
			p := &e.Final.Pods[0]
			*p = goodPod("api-1")
			t := crash
			t.StartedAt, t.FinishedAt = metav1.NewTime(at(1)), metav1.NewTime(at(41))
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &t}
			p.Timeline = append(p.Timeline, watched(41, "container api: exited with 1 (Error)"), watched(42, "deletion requested"))
		})},
	{name: "ended by the drain of its node", c: goodContract(), want: Inconclusive, says: []string{"taken away by the cluster (DeletionByTaintManager"}, e: finally(func(p *evidence.Pod) {
		endsBy(crash)(p)
		takenAway(p, 40)
	})},
	{name: "crashed, and was evicted later", c: goodContract(), want: Fail, says: []string{"with exit code 1"}, e: finally(func(p *evidence.Pod) {
		endsBy(crash)(p)
		takenAway(p, 90)
	})},
	{name: "on a node that is away", c: goodContract(), want: Inconclusive, says: []string{"node that stopped being Ready", "the cluster's doing"}, e: finally(func(p *evidence.Pod) {
		noMore("")(p)
		p.Events = []evidence.Event{event(259, "Warning", "NodeNotReady", "Node is not ready")}
	})},
	{name: "a sidecar that ended", c: goodContract(), want: Fail, says: []string{"container proxy of pod api-2"}, e: finally(func(p *evidence.Pod) {
		endsBy(crash)(p)
		p.Status.ContainerStatuses[0].Name = "proxy"
	})},
	{name: "out of memory while that was measured", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		endsBy(outOfMemory)(&e.Final.Pods[1])
		e.Resources.Pod, e.Resources.Ended = "api-2", &outOfMemory
	})},
	{name: "out of memory, unmeasured", c: goodContract(), want: Fail, says: []string{"OOMKilled"}, e: finally(endsBy(outOfMemory))},
	{name: "restarted by its liveness probe", c: goodContract(), want: Fail, says: []string{"its liveness probe restarted it", "timeoutSeconds"},
		e: finally(endsBy(corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error"}, killsByLiveness...))},
	{name: "restarted so on a busy node", c: goodContract(), want: Inconclusive, says: []string{"short of CPU"},
		e: pressed(finally(endsBy(corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error"}, killsByLiveness...)), 0.7, 0.5)},
	{name: "crashed on a busy node", c: goodContract(), want: Fail, e: pressed(finally(endsBy(crash)), 0.95, 0.8)},
	{name: "not Ready any more", c: goodContract(), want: Fail, says: []string{"pod api-2 stopped being Ready at 12:04:20", "statuscode: 500"},
		e: finally(noMore("Readiness probe failed: HTTP probe failed with statuscode: 500"))},
	{name: "says no on a busy node", c: goodContract(), want: Fail, e: pressed(finally(noMore("Readiness probe failed: HTTP probe failed with statuscode: 500")), 0.95, 0.8)},
	{name: "no answer on a busy node", c: goodContract(), want: Inconclusive, says: []string{"short of CPU"},
		e: pressed(finally(noMore("Readiness probe failed: context deadline exceeded")), 0.95, 0.8)},
	{name: "no last look", c: goodContract(), want: Pass, says: []string{"is not known: the run took too long"}, e: with(func(e *evidence.Evidence) {
		e.Final, e.Missing = nil, map[evidence.Section]string{evidence.SectionFinal: "the run took too long"}
	})},
	{name: "evidence without a last look", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) { e.Final = nil })},
}
