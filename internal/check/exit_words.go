package check

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// signals are those that end processes in practice; numbers as on Linux.
var signals = map[int32]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
	9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 31: "SIGSYS",
}

// exitWords says how a container ended: "exit code 137 (SIGKILL)".
func exitWords(t corev1.ContainerStateTerminated) string {
	code := fmt.Sprintf("exit code %d", t.ExitCode)
	switch {
	case t.Reason == "OOMKilled":
		return code + " (OOMKilled: it went over its memory limit)"
	case t.Reason == "StartError" || t.Reason == "ContainerCannotRun":
		return fmt.Sprintf("%s (%s: %s)", code, t.Reason, said(t.Message, 300))
	case t.ExitCode == 126:
		return code + " (the program was found and cannot be executed)"
	case t.ExitCode == 127:
		return code + " (the program, or a library that it needs, was not found)"
	case t.ExitCode > 128 && signals[t.ExitCode-128] != "":
		return fmt.Sprintf("%s (%s)", code, signals[t.ExitCode-128])
	case t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed":
		return fmt.Sprintf("%s (%s)", code, t.Reason)
	}
	return code
}

// exitFix says what to change about a container that ended while it should have run.
func exitFix(p evidence.Pod, container string, t corev1.ContainerStateTerminated) string {
	if line := execFailure(p); line != "" && t.ExitCode != 0 {
		return startErrorFix(line)
	}
	switch {
	case t.Reason == "OOMKilled":
		return fmt.Sprintf("Raise resources.limits.memory%s, or find out what takes the memory.", limitWords(p, container))
	case t.Reason == "StartError" || t.Reason == "ContainerCannotRun":
		if fix := startErrorFix(t.Message); fix != "" {
			return fix
		}
		return "The container's process could not be started: correct CMD or ENTRYPOINT."
	case t.ExitCode == 126, t.ExitCode == 127:
		return "Give CMD or ENTRYPOINT the full path of a program that is in the image's last stage and executable."
	case t.ExitCode == 0:
		return "The process ended by itself: CMD must stay in the foreground and serve."
	case t.ExitCode == 128+11, t.ExitCode == 128+4:
		return "The program crashed: a native library for another CPU or another libc is the usual reason."
	}
	return "The last lines of its log say why it gave up."
}

func limitWords(p evidence.Pod, container string) string {
	if c := specContainer(p, container); c != nil {
		if m, ok := c.Resources.Limits[corev1.ResourceMemory]; ok {
			return " (it is " + m.String() + ")"
		}
	}
	return ""
}

// specContainer is a container of the pod's specification by name, nil if it has none.
func specContainer(p evidence.Pod, name string) *corev1.Container {
	for i := range p.Spec.Containers {
		if p.Spec.Containers[i].Name == name {
			return &p.Spec.Containers[i]
		}
	}
	return nil
}
