package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// hookThatFailed says how a preStop hook of the container under test failed, empty where it did
// not. The kubelet goes on to the stop signal at once (kuberuntime_container.go), and says little.
func hookThatFailed(t evidence.Termination, container string) (seen, fix string) {
	ev := lastEvent(t.Pod, "FailedPreStopHook")
	if ev == nil || ev.FieldPath != "" && container != "" && !strings.Contains(ev.FieldPath, "{"+container+"}") {
		return "", ""
	}
	hook := "its preStop hook"
	fix = "Let lifecycle.preStop ask what the container answers, or use lifecycle.preStop.sleep (Kubernetes 1.30 and later)."
	if c := specContainer(t.Pod, container); c != nil && c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Exec != nil {
		command := c.Lifecycle.PreStop.Exec.Command
		hook = fmt.Sprintf("its preStop hook `%s`", brief(strings.Join(redact.Arguments(command), " "), 80))
		fix = "Use lifecycle.preStop.sleep (Kubernetes 1.30 and later), which needs no program in the image, or copy a static binary of what the hook runs into the image's last stage."
	}
	return fmt.Sprintf("%s failed, so that the stop signal came at once, before the endpoints knew: %s", hook, said(ev.Message, 300)), fix
}
