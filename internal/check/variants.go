package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var readOnlyRoot = Check{
	ID:    "security/read-only-root",
	Title: "It runs with a read-only root file system",
	Why: "A process that cannot write to its own code and settings cannot be changed by whoever gets into it, and leaves nothing behind " +
		"that grows until the node's disk is full.",
	Fix:      "Mount an emptyDir where it has to write (often /tmp and a cache folder), and set readOnlyRootFilesystem: true.",
	Story:    Minimal,
	Needs:    []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup, evidence.SectionReadOnlyRoot},
	Judge:    judgeReadOnlyRoot,
	Timeline: func(e evidence.Evidence) []Moment { return variantMoments(e.ReadOnlyRoot) },
}

func judgeReadOnlyRoot(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "Ready with readOnlyRootFilesystem: true and the volumes that the manifest has"}
	if e.Workload == nil {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	if c := containerOf(*e.Workload); c != nil && c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem {
		if e.Startup == nil {
			return inconclusive(e, evidence.SectionStartup, j.Promised)
		}
		if !e.Startup.Ready {
			return j.undecided("the manifest asks for it, and the pods did not become Ready", "See startup/ready.")
		}
		j.Seconds = e.Startup.Seconds
		return j.pass("Read-only root OK", "the manifest asks for it, and the pods are Ready")
	}
	v := e.ReadOnlyRoot
	if v == nil {
		return inconclusive(e, evidence.SectionReadOnlyRoot, j.Promised)
	}
	j.Seconds = v.Seconds
	if v.Ready {
		j.note("manifest", "it does not ask for it yet: add readOnlyRootFilesystem: true to the container's securityContext")
		return j.pass("Read-only root OK (not asked for yet)", fmt.Sprintf("a pod with it was Ready after %s", seconds(v.Seconds)))
	}
	return j.notReadyAsVariant(*v, "read-only", e)
}

var arbitraryUID = Check{
	ID:    "identity/arbitrary-uid",
	Title: "It runs as any user ID with group 0",
	Why: "OpenShift gives every namespace user IDs of its own, which no image knows. What only its own user may read or write then " +
		"cannot be read or written.",
	Fix:      "Give group 0 the rights that the user has (chgrp -R 0 and chmod -R g=u in the Dockerfile), and look nothing up in /etc/passwd.",
	Story:    Minimal,
	Needs:    []evidence.Section{evidence.SectionStartup, evidence.SectionArbitraryUID},
	OptIn:    "identity.arbitraryUID",
	Judge:    judgeArbitraryUID,
	Timeline: func(e evidence.Evidence) []Moment { return variantMoments(e.ArbitraryUID) },
}

func judgeArbitraryUID(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "Ready as a random high user ID with group 0"}
	if !c.Identity.ArbitraryUID {
		return j.skip("the contract does not promise it (identity.arbitraryUID)")
	}
	v := e.ArbitraryUID
	if v == nil {
		return inconclusive(e, evidence.SectionArbitraryUID, j.Promised)
	}
	j.Seconds = v.Seconds
	if v.Ready {
		return j.pass(fmt.Sprintf("Arbitrary user ID OK (UID %d)", v.UID), fmt.Sprintf("Ready after %s as UID %d, GID 0", seconds(v.Seconds), v.UID))
	}
	return j.notReadyAsVariant(*v, "permission denied", e)
}

// notReadyAsVariant is the judgement when the changed pod did not get Ready. It is the change's
// doing only where the unchanged ones did.
func (j Judgement) notReadyAsVariant(v evidence.Variant, cause string, e evidence.Evidence) Judgement {
	t := troubleOf(v.Pod)
	switch {
	case t.untried:
		return j.undecided(t.seen, t.fix)
	case e.Startup == nil || !e.Startup.Ready:
		return j.undecided("the workload's own pods did not become Ready either", "Mend startup/ready first, then run podproof again.")
	}
	for _, l := range v.Pod.Log {
		if strings.Contains(strings.ToLower(l.Text), cause) {
			j.broken("pod "+v.Pod.Name+", log", "%s", said(l.Text, 300))
		}
	}
	seen := fmt.Sprintf("not Ready after %s: %s", seconds(v.Seconds), t.seen)
	if len(j.Findings) > 0 {
		return j.fail(seen, "")
	}
	j.tail(v.Pod, 5)
	if s := underTest(v.Pod, containerName(e)); s == nil || s.State.Running == nil || v.Pod.Status.StartTime == nil {
		return j.fail(seen, "")
	}
	began := v.Pod.Status.StartTime.Time
	return j.late(e, began, lasting(began, v.Seconds), seen, "")
}
