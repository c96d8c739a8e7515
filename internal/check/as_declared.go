package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var identityAsDeclared = Check{
	ID:    "identity/as-declared",
	Title: "The running process is who the manifest and the contract say",
	Why: "A securityContext is a wish: an entrypoint that changes the user, a privileged flag or a field in the wrong place " +
		"lets the process run with more than the manifest shows.",
	Fix:   "Let the manifest's securityContext, the image's USER and the entrypoint agree; the finding names the field.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup, evidence.SectionIdentity},
	At:    []Spot{inContainer("securityContext")},
	Judge: judgeIdentityAsDeclared,
}

func judgeIdentityAsDeclared(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "user, groups, capabilities, no_new_privs and seccomp as the securityContext and the contract ask"}
	d := declaredIdentity(c, e.Workload)
	if e.Workload == nil && len(d.fields) == 0 {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	if len(d.fields) == 0 && len(e.Workload.Template.Spec.Containers) == 0 {
		return j.undecided("the workload's pod template was not seen", incomplete)
	}
	if len(d.fields) == 0 {
		where := e.Workload.Kind + " " + e.Workload.Name
		j.note(where, "neither securityContext nor the contract's identity asks for anything: the process gets the runtime's defaults")
		return j.pass("Identity as declared OK (nothing declared)", "nothing is declared")
	}
	j.Promised = strings.Join(d.words(), ", ")
	id := e.Identity
	if id == nil {
		return inconclusive(e, evidence.SectionIdentity, j.Promised)
	}
	j.Seconds = id.Seconds
	seen := slices.DeleteFunc(slices.Clone(id.Processes), func(p evidence.Process) bool { return len(p.UIDs) < 3 || len(p.GIDs) < 3 })
	if id.Unseen != "" {
		return j.undecided(unseen(*id), lookFix)
	}
	if len(seen) == 0 {
		return j.undecided(fmt.Sprintf("no process of container %s was seen in pod %s", id.Container, id.Pod), "Run podproof again; the container must run while it is looked at.")
	}
	open := ""
	for i, p := range seen {
		for _, f := range d.fields {
			r := f.judge(p)
			switch {
			case r.open != "":
				j.note(processPlace(*id, p), "%s: undecided, %s", f.promised, r.open)
				open = f.promised + ": " + r.open
			case r.broken && i > 0 && f.root: // a child that dropped root is as it should be
				j.note(processPlace(*id, p), "%s, seen %s", f.promised, r.seen)
			case r.broken:
				j.brokenAt(f.place(e, processPlace(*id, p)), "%s, seen %s", f.promised, r.seen)
			case r.note != "" && i == 0:
				j.note(processPlace(*id, p), "%s", r.note)
			}
		}
	}
	for _, n := range d.notes {
		j.note("securityContext", "%s", n)
	}
	if e.Workload == nil {
		j.note("securityContext", "not judged: %s", e.Why(evidence.SectionWorkload))
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(f.Where+": "+f.Message, d.groupFix(c, f.Message))
	}
	if open != "" {
		return j.undecided(open, "Run podproof again; /proc/PID/status holds what is missing.")
	}
	return j.pass("Identity as declared OK ("+identitySummary(seen[0])+")", strings.Join(d.words(), ", "))
}
