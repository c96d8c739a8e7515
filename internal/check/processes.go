package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// processPlace names a process: "pod api-1, container api, PID 1 (reactbin)".
func processPlace(id evidence.Identity, p evidence.Process) string {
	name := p.Name
	if len(p.Command) > 0 {
		name = brief(strings.Join(redact.Arguments(p.Command), " "), 80)
	}
	return fmt.Sprintf("pod %s, container %s, PID %d (%s)", id.Pod, id.Container, p.PID, name)
}

// lookFix is what lets podproof see processes.
const lookFix = "Let the cluster take an ephemeral container that Pod Security \"restricted\" admits into podproof's own pods, with the right to `patch` pods/ephemeralcontainers; or verify in a kind cluster, whose nodes tell."

// unseen says why no process was seen, and what the pod's status says of the first, which may have
// changed its user since.
func unseen(id evidence.Identity) string {
	s := id.Unseen
	if r := id.Reported; r != nil && r.Linux != nil {
		s += fmt.Sprintf("; its status says that it was started as UID %d and GID %d, and nothing of what it does then", r.Linux.UID, r.Linux.GID)
	}
	return s
}

// uidWords says which of the IDs is which when they differ.
func uidWords(ids []int64) string {
	if ids[0] == ids[1] && ids[1] == ids[2] {
		return fmt.Sprintf("UID %d", ids[0])
	}
	return fmt.Sprintf("UID %d (real), %d (effective), %d (saved)", ids[0], ids[1], ids[2])
}
