package check

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// declared is what contract and securityContext ask of a process. Only what is asked
// for has a field.
type declared struct {
	groupless bool // the manifest names no group
	fields    []declaredField
	notes     []string
	placed    int // fields whose place is told
}

// declaredField is one demand; promised says it: "runAsUser 1001".
type declaredField struct {
	promised string
	judge    func(evidence.Process) fieldResult
	// root is set when the demand is to be root.
	root bool
	// field is the pod's that makes the demand, empty where the contract does.
	field string
}

// place is that of the field, in words of the caller's.
func (f declaredField) place(e evidence.Evidence, words string) place {
	if f.field == "" || e.Workload == nil {
		return place{words: words}
	}
	return podPlace(*e.Workload, words, f.field)
}

type fieldResult struct {
	broken bool
	seen   string
	note   string
	open   string // why it cannot be told
}

func (d *declared) add(judge func(evidence.Process) fieldResult, promised string, args ...any) {
	d.fields = append(d.fields, declaredField{promised: fmt.Sprintf(promised, args...), judge: judge})
}

// by says which field of a securityContext the demands added last are: the container's own, or the pod's.
func (d *declared) by(w evidence.Workload, own bool, field string) {
	field = "securityContext." + field
	if own {
		field = "containers[" + w.Container + "]." + field
	}
	for ; d.placed < len(d.fields); d.placed++ {
		d.fields[d.placed].field = field
	}
}

func (d declared) words() []string {
	var out []string
	for _, f := range d.fields {
		out = append(out, f.promised)
	}
	return out
}

// declaredIdentity reads the demands: the container's securityContext over the pod's,
// field by field as Kubernetes does, and the contract's identity beside them.
func declaredIdentity(c contract.Contract, w *evidence.Workload) declared {
	var d declared
	d.ids("contract identity.uid", c.Identity.UID, func(p evidence.Process) []int64 { return p.UIDs })
	d.ids("contract identity.gid", c.Identity.GID, func(p evidence.Process) []int64 { return p.GIDs })
	if w == nil {
		return d
	}
	d.placed = len(d.fields)
	pod, own := securityContexts(*w)
	d.groupless = over(own.RunAsGroup, pod.RunAsGroup) == nil
	d.ids("runAsUser", over(own.RunAsUser, pod.RunAsUser), func(p evidence.Process) []int64 { return p.UIDs })
	d.by(*w, own.RunAsUser != nil, "runAsUser")
	d.ids("runAsGroup", over(own.RunAsGroup, pod.RunAsGroup), func(p evidence.Process) []int64 { return p.GIDs })
	d.by(*w, own.RunAsGroup != nil, "runAsGroup")
	if n := over(own.RunAsNonRoot, pod.RunAsNonRoot); n != nil && *n {
		d.add(func(p evidence.Process) fieldResult {
			return fieldResult{broken: slices.Contains(p.UIDs[:3], 0), seen: uidWords(p.UIDs)}
		}, "runAsNonRoot")
	}
	d.by(*w, own.RunAsNonRoot != nil, "runAsNonRoot")
	d.groups(*pod, over(own.RunAsGroup, pod.RunAsGroup))
	d.by(*w, false, "supplementalGroups")
	privileged := own.Privileged != nil && *own.Privileged
	addsAll := own.Capabilities != nil && slices.ContainsFunc(own.Capabilities.Add, func(c corev1.Capability) bool { return strings.EqualFold(string(c), "ALL") })
	if own.Privileged != nil && !privileged && !addsAll {
		d.add(func(p evidence.Process) fieldResult {
			bnd, err := parseCapabilities(p.CapBnd)
			return fieldResult{broken: err == nil && bnd&allCapabilities == allCapabilities, seen: "a bounding set of all capabilities"}
		}, "privileged: false")
	}
	d.by(*w, true, "privileged")
	if own.Capabilities != nil && !privileged {
		d.capabilities(*own.Capabilities)
	}
	d.by(*w, true, "capabilities")
	if a := own.AllowPrivilegeEscalation; a != nil && !*a {
		d.add(func(p evidence.Process) fieldResult {
			return fieldResult{broken: !p.NoNewPrivs, seen: "NoNewPrivs 0"}
		}, "allowPrivilegeEscalation: false")
	}
	d.by(*w, true, "allowPrivilegeEscalation")
	d.seccomp(over(own.SeccompProfile, pod.SeccompProfile), privileged)
	d.by(*w, own.SeccompProfile != nil, "seccompProfile")
	if privileged {
		d.notes = append(d.notes, "privileged: true switches dropped capabilities and seccomp profiles off; they are not judged")
	}
	return d
}

// securityContexts are those of the pod and of the container under test, empty where it has none.
func securityContexts(w evidence.Workload) (*corev1.PodSecurityContext, *corev1.SecurityContext) {
	pod, own := &corev1.PodSecurityContext{}, &corev1.SecurityContext{}
	if s := w.Template.Spec.SecurityContext; s != nil {
		pod = s
	}
	if c := containerOf(w); c != nil && c.SecurityContext != nil {
		own = c.SecurityContext
	}
	return pod, own
}

// over is the container's own field where it has one, else the pod's.
func over[T any](own, pod *T) *T {
	if own != nil {
		return own
	}
	return pod
}

func (d *declared) ids(what string, want *int64, ids func(evidence.Process) []int64) {
	if want == nil {
		return
	}
	d.add(func(p evidence.Process) fieldResult {
		got := ids(p)[:3]
		return fieldResult{
			broken: slices.ContainsFunc(got, func(id int64) bool { return id != *want }),
			seen:   strings.TrimPrefix(uidWords(got), "UID "),
		}
	}, "%s %d", what, *want)
	d.fields[len(d.fields)-1].root = *want == 0
}

// groupFix is what to change about a group that the contract alone asks for; empty where it is about another field.
func (d declared) groupFix(c contract.Contract, broken string) string {
	if !d.groupless || !strings.HasPrefix(broken, "contract identity.gid") {
		return ""
	}
	return fmt.Sprintf("Set securityContext.runAsGroup: %d. Kubernetes takes the user from the image's USER, and not the group. Or leave gid out of the contract's identity.", *c.Identity.GID)
}

// groups judges fsGroup and supplementalGroups; under the policy Strict, that there are
// no others, which an image's /etc/group would add.
func (d *declared) groups(pod corev1.PodSecurityContext, gid *int64) {
	var want []int64
	var words []string
	if pod.FSGroup != nil {
		want = append(want, *pod.FSGroup)
		words = append(words, fmt.Sprintf("fsGroup %d", *pod.FSGroup))
	}
	if len(pod.SupplementalGroups) > 0 {
		want = append(want, pod.SupplementalGroups...)
		words = append(words, fmt.Sprintf("supplementalGroups %v", pod.SupplementalGroups))
	}
	strict := pod.SupplementalGroupsPolicy != nil && *pod.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict
	if strict {
		words = append(words, "supplementalGroupsPolicy Strict")
	}
	if len(words) == 0 {
		return
	}
	d.add(func(p evidence.Process) fieldResult {
		have := append(slices.Clone(p.Groups), p.GIDs[1])
		lacks := slices.ContainsFunc(want, func(g int64) bool { return !slices.Contains(have, g) })
		extra := strict && slices.ContainsFunc(p.Groups, func(g int64) bool {
			return !slices.Contains(want, g) && g != p.GIDs[1] && (gid == nil || g != *gid)
		})
		return fieldResult{broken: lacks || extra, seen: fmt.Sprintf("groups %v", p.Groups)}
	}, "%s", strings.Join(words, ", "))
}

// capabilities judges drop and add against the bounding set, which no child can widen,
// and the effective set. Without root nothing that is added becomes effective, except
// through a file's own capabilities.
func (d *declared) capabilities(c corev1.Capabilities) {
	add, unknownAdd := capabilitiesOf(c.Add)
	drop, unknownDrop := capabilitiesOf(c.Drop)
	for _, name := range append(unknownAdd, unknownDrop...) {
		d.notes = append(d.notes, fmt.Sprintf("%q is not a capability of Linux; it is not judged", name))
	}
	drop &^= add
	if add == everyCapability { // what "all" is depends on the node
		add = 0
	}
	if drop == 0 && add == 0 {
		return
	}
	d.add(func(p evidence.Process) fieldResult {
		bnd, err := parseCapabilities(p.CapBnd)
		eff, err2 := parseCapabilities(p.CapEff)
		r := fieldResult{seen: fmt.Sprintf("bounding set %s, effective set %s", bnd, eff)}
		switch {
		case err != nil || err2 != nil:
			r.open = fmt.Sprintf("its capabilities could not be read (CapBnd %q, CapEff %q)", p.CapBnd, p.CapEff)
		case bnd&drop != 0, eff&drop != 0, bnd&add != add:
			r.broken = true
		case add != 0 && p.UIDs[1] == 0 && eff&add != add:
			r.broken = true
		case add != 0 && eff&add == 0:
			r.note = fmt.Sprintf("%s is added and not effective: a process that is not root gets it through a capability of the program's file alone", add)
		}
		return r
	}, "capabilities %s", capabilityWords(c))
}

func capabilityWords(c corev1.Capabilities) string {
	var words []string
	if len(c.Drop) > 0 {
		words = append(words, fmt.Sprintf("drop %v", c.Drop))
	}
	if len(c.Add) > 0 {
		words = append(words, fmt.Sprintf("add %v", c.Add))
	}
	return strings.Join(words, " ")
}

func (d *declared) seccomp(profile *corev1.SeccompProfile, privileged bool) {
	if profile == nil || privileged {
		return
	}
	want := 2
	if profile.Type == corev1.SeccompProfileTypeUnconfined {
		want = 0
	}
	d.add(func(p evidence.Process) fieldResult {
		return fieldResult{broken: p.Seccomp != want, seen: fmt.Sprintf("Seccomp %d (%s)", p.Seccomp, seccompWords(p.Seccomp))}
	}, "seccompProfile %s", profile.Type)
}

func seccompWords(mode int) string {
	switch mode {
	case 0:
		return "off"
	case 1:
		return "strict"
	}
	return "filter"
}

// identitySummary says who a process is: "UID 1001, GID 1001, no capabilities, …".
func identitySummary(p evidence.Process) string {
	words := []string{fmt.Sprintf("UID %d", p.UIDs[1]), fmt.Sprintf("GID %d", p.GIDs[1])}
	if bnd, err := parseCapabilities(p.CapBnd); err == nil && bnd == 0 {
		words = append(words, "no capabilities")
	}
	if p.NoNewPrivs {
		words = append(words, "no new privileges")
	}
	if p.Seccomp == 2 {
		words = append(words, "seccomp")
	}
	return strings.Join(words, ", ")
}
