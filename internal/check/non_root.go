package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var identityNonRoot = Check{
	ID:    "identity/non-root",
	Title: "No process of the container runs as root",
	Why: "Root in a container is root on the node once it gets out, and needs no exploit to write what the image holds. " +
		"Clusters with Pod Security \"restricted\" refuse such pods.",
	Fix:   "Let the Dockerfile's last stage end with a numeric USER, such as USER 1001:1001, and the manifest say runAsNonRoot: true.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionStartup, evidence.SectionIdentity},
	At:    []Spot{theUser, inContainer("securityContext")},
	Judge: judgeIdentityNonRoot,
}

func judgeIdentityNonRoot(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "the UIDs (real, effective, saved) of every process are other than 0"}
	id := e.Identity
	if id == nil {
		return inconclusive(e, evidence.SectionIdentity, j.Promised)
	}
	j.Seconds = id.Seconds
	seen := slices.DeleteFunc(slices.Clone(id.Processes), func(p evidence.Process) bool { return len(p.UIDs) < 3 })
	if id.Unseen != "" {
		return j.undecided(unseen(*id), lookFix)
	}
	if len(seen) == 0 {
		return j.undecided(fmt.Sprintf("no process of container %s was seen in pod %s", id.Container, id.Pod), "Run podproof again; the container must run while it is looked at.")
	}
	for _, p := range seen {
		if slices.Contains(p.UIDs[:3], 0) {
			j.broken(processPlace(*id, p), "it runs as %s", uidWords(p.UIDs))
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(f.Where+": "+f.Message, "")
	}
	if first := seen[0]; id.Reported != nil && id.Reported.Linux != nil && id.Reported.Linux.UID != first.UIDs[1] {
		j.note(processPlace(*id, first), "the container was started as UID %d, says its status, and runs as %d now", id.Reported.Linux.UID, first.UIDs[1])
	}
	uids := effective(seen, func(p evidence.Process) []int64 { return p.UIDs })
	return j.pass("Non-root user OK (UID "+uids+")", fmt.Sprintf("%s with UID %s", count(len(seen), "process"), uids))
}

// effective lists the distinct effective IDs.
func effective(ps []evidence.Process, ids func(evidence.Process) []int64) string {
	var out []string
	for _, p := range ps {
		if l := ids(p); len(l) > 1 {
			if s := fmt.Sprint(l[1]); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return strings.Join(out, ", ")
}
