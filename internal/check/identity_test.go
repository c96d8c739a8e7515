package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var nonRootExamples = []example{
	{name: "1001", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Non-root user OK (UID 1001)"}},
	{name: "root", c: goodContract(), e: process(func(p *evidence.Process) { p.UIDs = []int64{0, 0, 0, 0} }), want: Fail, says: []string{"PID 1 (/shop)", "runs as UID 0"}},
	{name: "can become root again", c: goodContract(), e: process(func(p *evidence.Process) { p.UIDs = []int64{1001, 1001, 0, 1001} }), want: Fail, says: []string{"0 (saved)"}},
	{name: "a child is root", c: goodContract(), want: Fail, says: []string{"PID 7 (cron --password [masked:15])"}, e: with(func(e *evidence.Evidence) {
		child := goodProcess()
		child.PID, child.Command, child.UIDs = 7, []string{"cron", "--password", planted}, []int64{0, 0, 0, 0}
		e.Identity.Processes = append(e.Identity.Processes, child)
	})},
	{name: "two users", c: goodContract(), want: Pass, says: []string{"(UID 1001, 1002)", "2 processes"}, e: with(func(e *evidence.Evidence) {
		child := goodProcess()
		child.UIDs = []int64{1002, 1002, 1002, 1002}
		e.Identity.Processes = append(e.Identity.Processes, child)
	})},
	{name: "started as root, says the runtime", c: goodContract(), want: Pass, says: []string{"started as UID 0"}, e: with(func(e *evidence.Evidence) {
		e.Identity.Reported = &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 0}}
	})},
	{name: "no process seen", c: goodContract(), e: with(func(e *evidence.Evidence) { e.Identity.Processes = nil }), want: Inconclusive},
	{name: "no UIDs read", c: goodContract(), e: process(func(p *evidence.Process) { p.UIDs = nil }), want: Inconclusive},
	{name: "nobody may look", c: goodContract(), e: nobodyLooks(), want: Inconclusive, says: []string{"admission refused it", "started as UID 1001 and GID 7", "pods/ephemeralcontainers"}},
	{name: "looked at from beside", c: goodContract(), e: with(func(e *evidence.Evidence) { e.Identity.Source = evidence.SourceEphemeral }), want: Pass, says: []string{"UID 1001"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionIdentity, func(e *evidence.Evidence) { e.Identity = nil }), want: Inconclusive},
}

// nobodyLooks is a cluster that admits no container of podproof's beside another.
func nobodyLooks() evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Identity.Processes, e.Identity.Source, e.Identity.Unseen = nil, evidence.SourceStatus, "admission refused it"
		e.Identity.Reported = &corev1.ContainerUser{Linux: &corev1.LinuxContainerUser{UID: 1001, GID: 7}}
	})
}

// secured gives the container a securityContext, the pod none and the process as it is said.
func secured(s *corev1.SecurityContext, change func(*evidence.Process)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.SecurityContext = nil
		e.Workload.Template.Spec.Containers[0].SecurityContext = s
		change(&e.Identity.Processes[0])
	})
}

func caps(drop, add string) *corev1.SecurityContext {
	c := &corev1.Capabilities{}
	if drop != "" {
		c.Drop = []corev1.Capability{corev1.Capability(drop)}
	}
	if add != "" {
		c.Add = []corev1.Capability{corev1.Capability(add)}
	}
	return &corev1.SecurityContext{Capabilities: c}
}

const defaultBounding = "00000000a80425fb" // containerd's default set

var noContract contract.Contract

var asDeclaredExamples = []example{
	{name: "all", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"UID 1001, GID 1001, no capabilities, no new privileges, seccomp"}},
	{name: "nobody may look", c: goodContract(), e: nobodyLooks(), want: Inconclusive, says: []string{"admission refused it", "started as UID 1001"}},
	{name: "another user", c: goodContract(), e: process(func(p *evidence.Process) { p.UIDs = []int64{1002, 1002, 1002, 1002} }), want: Fail,
		says: []string{"contract identity.uid 1001, seen 1002", "runAsUser 1001, seen 1002"}},
	{name: "another group", c: goodContract(), e: process(func(p *evidence.Process) { p.GIDs = []int64{0, 0, 0, 0} }), want: Fail, says: []string{"runAsGroup 1001, seen 0"}},
	{name: "a group of the image's USER alone", c: goodContract(), want: Fail, says: []string{"contract identity.gid 1001, seen 0", "Set securityContext.runAsGroup: 1001. Kubernetes takes the user from the image's USER, and not the group"},
		e: secured(&corev1.SecurityContext{RunAsUser: ptr(int64(1001))}, func(p *evidence.Process) { p.GIDs = []int64{0, 0, 0, 0} })},
	{name: "escalation", c: goodContract(), e: process(func(p *evidence.Process) { p.NoNewPrivs = false }), want: Fail, says: []string{"allowPrivilegeEscalation: false, seen NoNewPrivs 0"}},
	{name: "no seccomp", c: goodContract(), e: process(func(p *evidence.Process) { p.Seccomp = 0 }), want: Fail, says: []string{"seccompProfile RuntimeDefault, seen Seccomp 0 (off)"}},
	{name: "unconfined is asked for", c: noContract, want: Fail, says: []string{"seccompProfile Unconfined, seen Seccomp 2"},
		e: secured(&corev1.SecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}}, func(*evidence.Process) {})},
	{name: "capabilities kept", c: goodContract(), e: process(func(p *evidence.Process) { p.CapBnd = defaultBounding }), want: Fail, says: []string{"drop [ALL]", "NET_BIND_SERVICE"}},
	{name: "one dropped", c: noContract, e: secured(caps("NET_RAW", ""), func(p *evidence.Process) { p.CapBnd = "00000000a80405fb" }), want: Pass},
	{name: "one not dropped", c: noContract, e: secured(caps("CAP_NET_RAW", ""), func(p *evidence.Process) { p.CapBnd = defaultBounding }), want: Fail},
	{name: "one added back", c: noContract, want: Pass, says: []string{"NET_BIND_SERVICE is added and not effective"},
		e: secured(caps("ALL", "NET_BIND_SERVICE"), func(p *evidence.Process) { p.CapBnd = "0000000000000400" })},
	{name: "one added back, for root", c: noContract, want: Fail, e: secured(caps("all", "net_bind_service"), func(p *evidence.Process) {
		p.CapBnd, p.UIDs = "0000000000000400", []int64{0, 0, 0, 0}
	})},
	{name: "one more than added", c: noContract, want: Fail, e: secured(caps("ALL", "NET_BIND_SERVICE"), func(p *evidence.Process) { p.CapBnd = "0000000000000401" })},
	{name: "added and not there", c: noContract, want: Fail, e: secured(caps("", "SYS_PTRACE"), func(p *evidence.Process) { p.CapBnd = defaultBounding })},
	{name: "unknown capability", c: noContract, want: Pass, says: []string{`"FLY" is not a capability of Linux`},
		e: secured(&corev1.SecurityContext{RunAsNonRoot: ptr(true), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"FLY"}}}, func(*evidence.Process) {})},
	{name: "masks not read", c: noContract, want: Inconclusive, e: secured(caps("ALL", ""), func(p *evidence.Process) { p.CapBnd = "" })},
	{name: "privileged against the manifest", c: noContract, want: Fail, says: []string{"privileged: false"},
		e: secured(&corev1.SecurityContext{Privileged: ptr(false)}, func(p *evidence.Process) { p.CapBnd = "000001ffffffffff" })},
	{name: "privileged as asked", c: noContract, want: Pass, says: []string{"not judged"}, e: secured(&corev1.SecurityContext{Privileged: ptr(true), RunAsUser: ptr(int64(1001)),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}, func(p *evidence.Process) { p.CapBnd = "000001ffffffffff" })},
	{name: "the container's over the pod's", c: noContract, want: Pass, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.SecurityContext.RunAsUser = ptr(int64(5))
		e.Workload.Template.Spec.Containers[0].SecurityContext.RunAsUser = ptr(int64(1001))
	})},
	{name: "groups", c: noContract, want: Pass, e: with(func(e *evidence.Evidence) {
		s := e.Workload.Template.Spec.SecurityContext
		s.FSGroup, s.SupplementalGroups = ptr(int64(2000)), []int64{3000, 1001}
		e.Identity.Processes[0].Groups = []int64{2000, 3000, 4000}
	})},
	{name: "group missing", c: noContract, want: Fail, says: []string{"fsGroup 2000", "groups [3000]"}, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.SecurityContext.FSGroup = ptr(int64(2000))
		e.Identity.Processes[0].Groups = []int64{3000}
	})},
	{name: "group from the image under Strict", c: noContract, want: Fail, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.SecurityContext.SupplementalGroupsPolicy = ptr(corev1.SupplementalGroupsPolicyStrict)
		e.Identity.Processes[0].Groups = []int64{1001, 50000}
	})},
	{name: "root's child that dropped it", c: noContract, want: Pass, says: []string{"runAsUser 0, seen 33"}, e: func() evidence.Evidence {
		e := secured(&corev1.SecurityContext{RunAsUser: ptr(int64(0))}, func(p *evidence.Process) { p.UIDs = []int64{0, 0, 0, 0} })
		worker := goodProcess()
		worker.PID, worker.UIDs = 9, []int64{33, 33, 33, 33}
		e.Identity.Processes = append(e.Identity.Processes, worker)
		return e
	}()},
	{name: "the contract alone", c: goodContract(), want: Pass, e: without(evidence.SectionWorkload, func(e *evidence.Evidence) { e.Workload = nil }), says: []string{"not judged"}},
	{name: "nothing declared", c: noContract, e: secured(nil, func(*evidence.Process) {}), want: Pass, says: []string{"nothing declared", "runtime's defaults"}},
	{name: "no process seen", c: goodContract(), e: with(func(e *evidence.Evidence) { e.Identity.Processes = nil }), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionIdentity, func(e *evidence.Evidence) { e.Identity = nil }), want: Inconclusive},
}

func TestCapabilityNames(t *testing.T) {
	// Bits as in linux/capability.h.
	for name, bit := range map[corev1.Capability]int{"CHOWN": 0, "CAP_NET_RAW": 13, "sys_admin": 21, "SYS_RESOURCE": 24, "SETFCAP": 31, "SYSLOG": 34, "CHECKPOINT_RESTORE": 40} {
		if set, unknown := capabilitiesOf([]corev1.Capability{name}); set != 1<<bit || unknown != nil {
			t.Errorf("%s = %x, %v; want bit %d", name, uint64(set), unknown, bit)
		}
	}
	set, err := parseCapabilities("00000000a80425fb\n")
	if err != nil || set.String() != "CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP" {
		t.Errorf("%s, %v", set, err)
	}
	if s := capabilitySet(1 << 50).String(); s != "bit 50" {
		t.Error(s)
	}
}
