package check

import (
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// end changes the trial.
func end(change func(*evidence.Termination)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Termination) })
}

var terminationExamples = []example{
	{name: "exit 0", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Graceful shutdown OK (exit 0)", "5.4 s after"}},
	{name: "143 where the contract takes it", c: contractWith(func(c *contract.Contract) { c.Termination.ExitCodes = []int32{0, 143} }), e: ended(143, 1, "/tini", "--", "/shop"), want: Pass,
		says: []string{"exit 143"}},
	{name: "the pod's own grace by default", c: contract.Contract{}, e: ended(0, 40, "/shop"), want: Pass, says: []string{"within 45s"}},
	{name: "too late", c: goodContract(), e: ended(0, 35, "/shop"), want: Fail, says: []string{"only 35.0 s after"}},
	{name: "shell form", c: goodContract(), e: ended(137, 45.2, "/bin/sh", "-c", "uvicorn app:app --proxy-password "+planted), want: Fail,
		says: []string{"SIGKILL at the end of the grace period of 45 s", "does not forward SIGTERM", "exec uvicorn app:app"}},
	{name: "shell script", c: goodContract(), e: ended(137, 45.2, "/bin/bash", "/entrypoint.sh", "uvicorn"), want: Fail, says: []string{"runs the script /entrypoint.sh", "exec \"$@\""}},
	{name: "busybox", c: goodContract(), e: ended(137, 45.2, "/bin/busybox", "sh", "-ec", "sleep 1; app"), want: Fail, says: []string{"`sh -c` does not forward", "exec app."}},
	{name: "shell with more to do", c: goodContract(), e: ended(137, 45.2, "/bin/sh", "-c", "migrate && python -m app; exit $?"), want: Fail, says: []string{"exec python -m app."}},
	{name: "npm", c: goodContract(), e: ended(137, 45.2, "node", "/usr/local/bin/npm", "start"), want: Fail, says: []string{"npm stands between"}},
	{name: "deaf PID 1", c: goodContract(), e: ended(137, 45.2, "python", "-m", "app"), want: Fail, says: []string{"did not end on SIGTERM"}, hides: []string{"forward"}},
	{name: "killed early", c: goodContract(), e: ended(137, 3, "/shop"), want: Fail, says: []string{"not by the kubelet's clock"}},
	{name: "out of memory", c: goodContract(), want: Fail, says: []string{"the memory limit ended it"}, hides: []string{"grace period of"},
		e: end(func(t *evidence.Termination) {
			t.Last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
			t.Seconds = 45
		})},
	{name: "out of memory is never graceful", c: contractWith(func(c *contract.Contract) { c.Termination.ExitCodes = []int32{0, 137} }), want: Fail,
		e: end(func(t *evidence.Termination) {
			t.Last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
		})},
	{name: "143", c: goodContract(), e: ended(143, 1, "/tini", "--", "/shop"), want: Fail, says: []string{"128 + 15", "exitCodes [0, 143]"}},
	{name: "Go without a handler", c: goodContract(), e: ended(2, 0.3, "/shop"), want: Fail, says: []string{"a Go program that does not handle SIGTERM", "signal.NotifyContext"}},
	{name: "2 of another program", c: goodContract(), e: ended(2, 0.3, "/opt/python", "app.py"), want: Fail, hides: []string{"Go program"}},
	{name: "1", c: goodContract(), e: ended(1, 2, "/shop"), want: Fail, says: []string{"heard SIGTERM and gave up"}},
	{name: "127", c: goodContract(), e: ended(127, 2, "/bin/sh", "/entrypoint.sh"), want: Fail, says: []string{"could not be run"}},
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
	{name: "not observed", c: goodContract(), e: without(evidence.SectionTermination, func(e *evidence.Evidence) { e.Termination = nil }), want: Inconclusive},
}
