package check

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// end changes the trial.
func end(change func(*evidence.Termination)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Termination) })
}

func changed(e evidence.Evidence, how func(*evidence.Evidence)) evidence.Evidence {
	how(&e)
	return e
}

// endedInRollout has a pod that ended so in the restart, as the watch showed it.
func endedInRollout(code int32, after float64) evidence.Evidence {
	p := goodPod("api-old")
	p.Spec.TerminationGracePeriodSeconds = ptr(int64(45))
	p.Status.ContainerStatuses[0].State = terminated(code, 200+after)
	p.Timeline = []evidence.Mark{watched(200, "deletion requested"), watched(200+after, "container api: exited with 0 (x)")}
	return rollouts(func(os []evidence.Rollout) { os[0].Ended = []evidence.Pod{p} })
}

func terminated(code int32, finished float64) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", FinishedAt: metav1.NewTime(at(finished))}}
}

// beside gives the pod a second container, which ended so.
func beside(t *evidence.Termination, proxy corev1.ContainerState) {
	t.Last.FinishedAt = metav1.NewTime(at(25))
	t.Pod.Status.ContainerStatuses = append(t.Pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: "proxy", State: proxy})
}

// saying gives the pod that was stopped last lines of log.
func saying(e evidence.Evidence, lines ...string) evidence.Evidence {
	for _, l := range lines {
		e.Termination.Pod.Log = append(e.Termination.Pod.Log, evidence.LogLine{At: at(21), Stream: "stdout", Text: l})
	}
	return e
}

var terminationExamples = []example{
	{name: "exit 0", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Graceful shutdown OK (exit 0)", "5.4 s after"}},
	{name: "143 where the contract takes it", c: contractWith(func(c *contract.Contract) { c.Termination.ExitCodes = []int32{0, 143} }), e: ended(143, 1, "/tini", "--", "/shop"), want: Pass,
		says: []string{"exit 143"}},
	{name: "the pod's own grace by default", c: contract.Contract{}, e: ended(0, 40, "/shop"), want: Pass, says: []string{"within 45s"}},
	{name: "too late", c: goodContract(), e: saying(ended(0, 35, "/shop"), "draining 14 requests"), want: Fail, says: []string{"only 35.0 s after", "draining 14 requests"}},
	{name: "a kubelet that begins late", c: goodContract(), e: begunAt(44, ended(0, 35, "/shop")), want: Inconclusive, says: []string{"only 35.0 s after", "kubelet began to stop it only about 24 s after"}},
	{name: "late, whenever the kubelet began", c: goodContract(), e: begunAt(23, ended(0, 35, "/shop")), want: Fail, hides: []string{"kubelet began"}},
	{name: "a kubelet that began at once", c: goodContract(), e: begunAt(20, ended(0, 35, "/shop")), want: Fail, hides: []string{"kubelet began"}},
	{name: "shell form", c: goodContract(), e: ended(137, 45.2, "/bin/sh", "-c", "uvicorn app:app --proxy-password "+planted), want: Fail,
		says: []string{"SIGKILL at the end of the grace period of 45 s", "does not forward SIGTERM", "exec uvicorn app:app"}},
	{name: "shell script", c: goodContract(), e: ended(137, 45.2, "/bin/bash", "/entrypoint.sh", "uvicorn"), want: Fail, says: []string{"runs the script /entrypoint.sh", "exec \"$@\""}},
	{name: "busybox", c: goodContract(), e: ended(137, 45.2, "/bin/busybox", "sh", "-ec", "sleep 1; app"), want: Fail, says: []string{"`sh -c` does not forward", "exec app."}},
	{name: "shell with more to do", c: goodContract(), e: ended(137, 45.2, "/bin/sh", "-c", "migrate && python -m app; exit $?"), want: Fail, says: []string{"exec python -m app."}},
	{name: "time", c: goodContract(), e: ended(137, 45.2, "time", "/shop"), want: Fail, says: []string{"time stands between", "not through time"}},
	{name: "an init", c: goodContract(), e: ended(137, 45.2, "tini", "/shop"), want: Fail, says: []string{"as PID 1 it is not ended by a signal"}},
	{name: "npm", c: goodContract(), e: ended(137, 45.2, "node", "/usr/local/bin/npm", "start"), want: Fail, says: []string{"npm stands between"}},
	{name: "deaf PID 1", c: goodContract(), e: ended(137, 45.2, "python", "-m", "app"), want: Fail, says: []string{"did not end on SIGTERM"}, hides: []string{"forward"}},
	{name: "killed early", c: goodContract(), e: ended(137, 3, "/shop"), want: Fail, says: []string{"SIGKILL before the grace period of 45 s was over, so not from the kubelet"}},
	{name: "out of memory", c: goodContract(), want: Fail, says: []string{"the memory limit ended it"}, hides: []string{"grace period of"},
		e: end(func(t *evidence.Termination) {
			t.Last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
			t.Seconds = 45
		})},
	{name: "out of memory is never graceful", c: contractWith(func(c *contract.Contract) { c.Termination.ExitCodes = []int32{0, 137} }), want: Fail,
		e: end(func(t *evidence.Termination) {
			t.Last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
		})},
	{name: "143", c: goodContract(), e: ended(143, 1, "/tini", "--", "/shop"), want: Fail, says: []string{"128 + 15", "exitCodes: [0, 143]", "tini -e 143"}, hides: []string{"nothing was finished"}},
	{name: "Go without a handler", c: goodContract(), e: ended(2, 0.3, "/shop"), want: Fail, says: []string{"a Go program that does not handle SIGTERM", "signal.NotifyContext"}},
	{name: "2 of another program", c: goodContract(), e: ended(2, 0.3, "/opt/python", "app.py"), want: Fail, hides: []string{"Go program"}},
	{name: "1", c: goodContract(), e: ended(1, 2, "/shop"), want: Fail, says: []string{"heard SIGTERM and gave up"}},
	{name: "127", c: goodContract(), e: ended(127, 2, "/bin/sh", "/entrypoint.sh"), want: Fail, says: []string{"could not be run", "calls a program that is not there"}},
	{name: "crash", c: goodContract(), e: ended(139, 2, "/shop"), want: Fail, says: []string{"crashed with SIGSEGV"}},
	{name: "PID 1 not read, but declared", c: goodContract(), want: Fail, says: []string{"gunicorn app:app"}, e: with(func(e *evidence.Evidence) {
		e.Termination.PID1, e.Termination.Seconds = nil, 45
		e.Termination.Last = &corev1.ContainerStateTerminated{ExitCode: 137}
		e.Image.Config.Cmd = []string{"/bin/sh", "-c", "gunicorn app:app"}
	})},
	{name: "not yet Ready, other signal", c: goodContract(), want: Pass, says: []string{"not Ready yet", "SIGQUIT"},
		e: end(func(t *evidence.Termination) { t.WasReady, t.StopSignal = false, "SIGQUIT" })},
	{name: "not running", c: goodContract(), want: Inconclusive, says: []string{"waiting (CrashLoopBackOff)"}, e: end(func(t *evidence.Termination) {
		t.WasRunning = false
		waits("CrashLoopBackOff", "")(&t.Pod)
	})},
	{name: "code lost", c: goodContract(), want: Inconclusive, says: []string{"lost the container's exit code"}, e: end(func(t *evidence.Termination) {
		t.Last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"}
	})},
	{name: "no exit seen", c: goodContract(), want: Inconclusive, e: end(func(t *evidence.Termination) { t.Exited, t.Last = false, nil })},
	{name: "killed in a rollout, waiting for its clients", c: goodContract(), e: endedInRollout(137, 45), want: Fail,
		says: []string{"idle it ends with 0 after 5.4 s; in the restart, with kept connections open, it was killed after 45.0 s", "server.closeIdleConnections", "! pod api-old"}},
	{name: "a little late in a rollout, by the watch", c: goodContract(), e: endedInRollout(0, 31), want: Pass, says: []string{"alike in 2 other ends"}},
	{name: "late in a rollout", c: goodContract(), e: endedInRollout(0, 40), want: Fail, says: []string{"in the restart, with kept connections open: exit code 0, 40.0 s after"}},
	{name: "late in a rollout on a busy node", c: goodContract(), e: pressed(endedInRollout(0, 40), 0.95, 0.8), want: Inconclusive, says: []string{"short of CPU"}},
	{name: "killed in a rollout on a busy node", c: goodContract(), e: pressed(endedInRollout(137, 45), 0.95, 0.8), want: Fail},
	{name: "another code in a rollout", c: goodContract(), e: endedInRollout(1, 3), want: Fail, says: []string{"exit code 1, 3.0 s after", "gave up with an error"}},
	{name: "killed in a rollout with a sleep of podproof's", c: goodContract(), want: Pass, e: changed(endedInRollout(137, 45), func(e *evidence.Evidence) { e.Rollouts[0].PreStopSleep = 5 })},
	{name: "removed by its node", c: goodContract(), want: Pass, e: changed(endedInRollout(137, 45), func(e *evidence.Evidence) { e.Rollouts[0].Ended[0].Status.Reason = "Evicted" })},
	{name: "nobody asked for its end", c: goodContract(), want: Pass, e: changed(endedInRollout(137, 45), func(e *evidence.Evidence) {
		e.Rollouts[0].Ended[0].Timeline = e.Rollouts[0].Ended[0].Timeline[1:]
	})},
	{name: "late for its sidecar", c: goodContract(), want: Pass, e: changed(endedInRollout(0, 45), func(e *evidence.Evidence) {
		s := &e.Rollouts[0].Ended[0].Status
		s.ContainerStatuses[0].State.Terminated.FinishedAt = metav1.NewTime(at(203))
		s.ContainerStatuses = append(s.ContainerStatuses, corev1.ContainerStatus{Name: "proxy", State: terminated(137, 245)})
	})},
	{name: "killed with requests under way", c: goodContract(), want: Fail, says: []string{"with requests under way, it was killed after 45.2 s"}, e: inFlight(func(t *evidence.Termination) {
		t.Last, t.Seconds = &corev1.ContainerStateTerminated{ExitCode: 137}, 45.2
	})},
	{name: "143 with requests under way, after an orderly end", c: goodContract(), want: Pass, says: []string{"with requests under way: exit code 143", "“Server closed”"}, e: inFlight(func(t *evidence.Termination) {
		t.Last, t.Pod.Log = &corev1.ContainerStateTerminated{ExitCode: 143}, []evidence.LogLine{{At: at(25), Text: "Server closed"}}
	})},
	{name: "143 with requests under way", c: goodContract(), want: Fail, says: []string{"with requests under way: exit code 143"}, e: inFlight(func(t *evidence.Termination) {
		t.Last = &corev1.ContainerStateTerminated{ExitCode: 143}
	})},
	{name: "killed over a request that podproof held back", c: goodContract(), want: Pass, e: inFlight(func(t *evidence.Termination) {
		t.Last, t.Seconds, t.HeldFor = &corev1.ContainerStateTerminated{ExitCode: 137}, 45, 7.5
		t.Requests[0] = failed("slow", 19.5, 45.5, "closed")
	})},
	{name: "killed in a rollout, the idle one not observed", c: goodContract(), want: Fail, says: []string{"how it ends while it is idle is not known"}, e: changed(endedInRollout(137, 45), func(e *evidence.Evidence) { e.Termination = nil })},
	{name: "a sidecar that ignores SIGTERM", c: goodContract(), want: Pass, says: []string{"container proxy: it was killed after 45 s", "every rollout, drain and scale-down waits for it"}, e: end(func(t *evidence.Termination) {
		beside(t, terminated(137, 64.6))
	})},
	{name: "a sidecar that was killed early", c: goodContract(), want: Pass, says: []string{"container proxy: it ended with exit code 137 (SIGKILL), 7 s after"}, e: end(func(t *evidence.Termination) {
		beside(t, terminated(137, 26.6))
	})},
	{name: "a sidecar that ends well", c: goodContract(), want: Pass, hides: []string{"container proxy"}, e: end(func(t *evidence.Termination) {
		beside(t, terminated(0, 25))
	})},
	{name: "a native sidecar that ignores SIGTERM", c: goodContract(), want: Pass, says: []string{"container proxy: it was killed after 45 s"}, hides: []string{"container migrate"}, e: end(func(t *evidence.Termination) {
		beside(t, terminated(137, 64.6))
		always := corev1.ContainerRestartPolicyAlways
		t.Pod.Spec.InitContainers = []corev1.Container{{Name: "migrate"}, {Name: "proxy", RestartPolicy: &always}}
		t.Pod.Status.InitContainerStatuses = append([]corev1.ContainerStatus{{Name: "migrate", State: terminated(1, 3)}}, t.Pod.Status.ContainerStatuses[1])
		t.Pod.Status.ContainerStatuses = t.Pod.Status.ContainerStatuses[:1]
	})},
	{name: "a hook without its program", c: goodContract(), want: Fail, says: []string{"its preStop hook `sleep 5` failed", "PreStopHook failed", "lifecycle.preStop.sleep"}, e: end(func(t *evidence.Termination) {
		t.Pod.Spec.Containers = []corev1.Container{{Name: "api", Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sleep", "5"}}}}}}
		t.Pod.Events = []evidence.Event{event(20, "Warning", "FailedPreStopHook", "PreStopHook failed")}
	})},
	{name: "a sidecar's hook", c: goodContract(), want: Pass, e: end(func(t *evidence.Termination) {
		ev := event(20, "Warning", "FailedPreStopHook", "PreStopHook failed")
		ev.FieldPath = "spec.containers{proxy}"
		t.Pod.Events = []evidence.Event{ev}
	})},
	{name: "143 after an orderly end", c: goodContract(), want: Fail, says: []string{"its log tells of an orderly end (“Graceful shutdown complete” and “HikariPool-1 - Shutdown completed.”)", "JVM", "exitCodes: [0, 143]"}, hides: []string{"nothing was finished"},
		e: saying(ended(143, 3.2, "java", "-jar", "/app/app.jar"), "Graceful shutdown complete", "HikariPool-1 - Shutdown completed.")},
	{name: "143 of npm", c: goodContract(), want: Fail, says: []string{"does not tell of an orderly end", "not through npm"}, e: saying(ended(143, 0.3, "npm", "start"), "npm ERR! signal SIGTERM")},
	{name: "143 of .NET", c: goodContract(), want: Fail, says: []string{"Environment.ExitCode"}, e: saying(ended(143, 0.3, "dotnet", "Shop.dll"), "Application is shutting down...")},
	{name: "1 after an orderly end", c: goodContract(), want: Fail, says: []string{"ended in an orderly way (“server closed”), and then with an error", "Error: Connection closed unexpectedly"}, e: saying(ended(1, 1, "/node", "server.js"), "server closed", "Error: Connection closed unexpectedly")},
	{name: "1 of npm", c: goodContract(), want: Fail, says: []string{"makes an error of the signal"}, e: ended(1, 0.3, "npm", "start")},
	{name: "130 of Python", c: goodContract(), want: Fail, says: []string{"128 + 2", "an entrypoint script made that of SIGTERM", "KeyboardInterrupt"}, e: saying(ended(130, 0.4, "python", "app.py"), "KeyboardInterrupt")},
	{name: "111 of s6", c: goodContract(), want: Fail, says: []string{"s6's code"}, e: ended(111, 5, "/package/admin/s6/command/s6-svscan", "-d4", "--", "/run/service")},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionTermination, func(e *evidence.Evidence) { e.Termination = nil }), want: Inconclusive},
}

// A hook's event names its container, or none.
func TestWhoseHookFailed(t *testing.T) {
	for _, c := range []struct {
		event, container string
		told             bool
	}{
		{"", "", true}, {"", "api", true}, {"spec.containers{api}", "", true},
		{"spec.containers{api}", "api", true}, {"spec.containers{proxy}", "api", false},
	} {
		ev := event(20, "Warning", "FailedPreStopHook", "PreStopHook failed")
		ev.FieldPath = c.event
		seen, _ := hookThatFailed(evidence.Termination{Pod: evidence.Pod{Events: []evidence.Event{ev}}}, c.container)
		if (seen != "") != c.told {
			t.Errorf("event of %q, container %q: %q", c.event, c.container, seen)
		}
	}
	if seen, fix := hookThatFailed(evidence.Termination{}, "api"); seen != "" || fix != "" {
		t.Errorf("no event: %q, %q", seen, fix)
	}
}

// begunAt has the kubelet tell that it begins with the end of the pod, which was deleted at 20 s.
func begunAt(second float64, e evidence.Evidence) evidence.Evidence {
	t := *e.Termination
	t.Pod.Events = append(slices.Clone(t.Pod.Events), evidence.Event{At: at(second), Reason: "Killing", Message: "Stopping container api"})
	e.Termination = &t
	return e
}
