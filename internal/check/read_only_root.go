package check

import (
	"fmt"

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
	Profile:  contract.ProfileRecommended,
	Needs:    []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup, evidence.SectionReadOnlyRoot},
	At:       []Spot{inContainer("securityContext.readOnlyRootFilesystem")},
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
		ready := readyPods(e.Startup.Pods)
		if ready == 0 {
			return j.undecided("the manifest asks for it, and no pod was started", "See startup/ready.")
		}
		j.Seconds = e.Startup.Seconds
		return j.pass("Read-only root OK", fmt.Sprintf("the manifest asks for it, and %s became Ready in %s", count(ready, "pod"), seconds(e.Startup.Seconds)))
	}
	v := e.ReadOnlyRoot
	if v == nil {
		return inconclusive(e, evidence.SectionReadOnlyRoot, j.Promised)
	}
	j.Seconds = v.Seconds
	if v.Ready {
		j.note("manifest", "it does not ask for it yet: add readOnlyRootFilesystem: true to the container's securityContext")
		return j.pass("Read-only root OK (not asked for yet)", fmt.Sprintf("a pod with it was Ready %s after its creation", seconds(v.Seconds)))
	}
	return j.notReadyAsVariant(*v, "read-only", e)
}
