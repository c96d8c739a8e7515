package check

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// capabilityNames are in the order of their bits (linux/capability.h, as of Linux 5.9,
// which added the last one).
var capabilityNames = strings.Fields(`
	CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
	SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
	SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
	WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

// capabilitySet is a mask of capabilities, as /proc/PID/status has it.
type capabilitySet uint64

// allCapabilities are those that have a name here; everyCapability also those of a later kernel.
var (
	allCapabilities = capabilitySet(1)<<len(capabilityNames) - 1
	everyCapability = ^capabilitySet(0)
)

// parseCapabilities reads a mask as the kernel prints it, in hexadecimal.
func parseCapabilities(hex string) (capabilitySet, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
	return capabilitySet(n), err
}

// capabilitiesOf is the mask of names; "ALL" is every one, the prefix CAP_ may be there.
func capabilitiesOf(names []corev1.Capability) (set capabilitySet, unknown []string) {
next:
	for _, name := range names {
		n := strings.TrimPrefix(strings.ToUpper(string(name)), "CAP_")
		if n == "ALL" {
			set = everyCapability
			continue
		}
		for bit, known := range capabilityNames {
			if known == n {
				set |= 1 << bit
				continue next
			}
		}
		unknown = append(unknown, string(name))
	}
	return set, unknown
}

// String lists the names: "NET_BIND_SERVICE, NET_RAW", "none", "all".
func (s capabilitySet) String() string {
	switch {
	case s == 0:
		return "none"
	case s&allCapabilities == allCapabilities:
		return "all"
	}
	var names []string
	for s := s; s != 0; s &= s - 1 {
		if bit := bits.TrailingZeros64(uint64(s)); bit < len(capabilityNames) {
			names = append(names, capabilityNames[bit])
		} else {
			names = append(names, fmt.Sprintf("bit %d", bit))
		}
	}
	return strings.Join(names, ", ")
}
