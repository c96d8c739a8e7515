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

// uidWords says which of the IDs is which when they differ.
func uidWords(ids []int64) string {
	if ids[0] == ids[1] && ids[1] == ids[2] {
		return fmt.Sprintf("UID %d", ids[0])
	}
	return fmt.Sprintf("UID %d (real), %d (effective), %d (saved)", ids[0], ids[1], ids[2])
}
