package check

import (
	"fmt"
	"path"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var staysClean = Check{
	ID:    "filesystem/stays-clean",
	Title: "It writes nothing outside of its volumes",
	Why: "What a process writes into its root file system is lost with the pod, grows on the node's disk without a limit, and cannot be " +
		"written any more under readOnlyRootFilesystem.",
	Fix:   "Mount an emptyDir (with a sizeLimit) where it writes, or tell it not to write: PYTHONDONTWRITEBYTECODE=1, log to stdout.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionResources},
	At:    []Spot{inContainer("volumeMounts")},
	Judge: judgeStaysClean,
}

func judgeStaysClean(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no file of the container's root file system is written while it serves"}
	r := e.Resources
	if r == nil {
		return inconclusive(e, evidence.SectionResources, j.Promised)
	}
	if r.Ended != nil {
		return j.undecided("the container ended while it was measured: "+exitWords(*r.Ended), fixFirst("resources/limits"))
	}
	if r.Pod == "" {
		return j.undecided("no pod's file system was seen", incomplete)
	}
	if r.WritesUnknown != "" {
		fix := "Verify in a kind cluster with the overlayfs snapshotter, which shows a container's writes."
		if r.Source == evidence.SourceEphemeral {
			fix = "Let the process run as one user from its start, as whom podproof looks; or verify in a kind cluster, whose node shows a container's writes."
		}
		return j.undecided(r.WritesUnknown, fix)
	}
	total, byFolder := int64(0), map[string]int{}
	const most = 10
	for i, w := range r.Writes {
		total += w.Bytes
		byFolder[path.Dir(w.Path)]++
		if i < most {
			j.broken("pod "+r.Pod+", "+w.Path, "%d bytes written", w.Bytes)
		}
	}
	n := len(r.Writes) + r.Further
	idle := idleAlone(c, *r)
	switch {
	case n == 0 && idle != "" && c.Serves():
		return j.undecided("nothing written outside of its volumes while it was idle; "+idle, unservedFix)
	case n == 0 && idle != "":
		return j.pass("File system stays clean OK", "nothing written outside of its volumes, "+idle)
	case n == 0:
		return j.pass("File system stays clean OK", fmt.Sprintf("nothing written outside of its volumes, idle and under a load of %s", count(r.Requests, "request")))
	}
	folder, files := "", 0
	for f, k := range byFolder {
		if k > files || k == files && f < folder {
			folder, files = f, k
		}
	}
	fix := ""
	if strings.Contains(folder, "__pycache__") {
		fix = "Set PYTHONDONTWRITEBYTECODE=1, or compile in the Dockerfile (python -m compileall), so that Python writes no bytecode at run time."
	}
	return j.fail(fmt.Sprintf("%s of %d bytes written outside of its volumes, most of them in %s", count(n, "file"), total, folder), fix)
}
