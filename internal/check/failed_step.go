package check

import (
	"cmp"
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// stepFixes are what to do about a step of the run that failed, where its error alone does not say
// it. The other steps are named.
var stepFixes = map[string]string{
	"ready":        fixFirst("startup/ready"),
	"cluster":      "Creating the cluster failed: do what is named above, or else see that the Docker engine runs and has memory and disk to spare; then run podproof again.",
	"boot":         "The cluster's node did not boot: see that the Docker engine has memory and disk to spare, then run podproof again.",
	"node":         "The cluster did not come up: see that its nodes are Ready (kubectl get nodes), then run podproof again.",
	"dns":          "The cluster's DNS did not come up: see that its pods are Ready (kubectl -n kube-system get pods), then run podproof again.",
	"save":         "Reading the image from the Docker engine failed: see that it is there (docker image inspect) and that the disk has room, then run podproof again.",
	"load":         "Loading the image into the cluster failed: see that its nodes have disk to spare, then run podproof again.",
	"other-images": "Loading the images of the other pods failed: see that the cluster's nodes have disk to spare, then run podproof again.",
	"dependencies": "Starting the dependencies failed: fix what is named above, then run podproof again. `podproof verify --keep` leaves the cluster to look into.",
	"startup":      "Applying the workload failed: fix what is named above, in the manifests or in the cluster, then run podproof again.",
}

// fixOf says what to do about a section of the evidence that is missing.
func fixOf(e evidence.Evidence, s evidence.Section) string {
	why, cut := e.Missing[s], e.Run.CutOff
	stopped := cut != "" && strings.Contains(why, cut)
	switch b := e.Build; {
	case b != nil && (b.Error != "" || b.MissingPath != ""):
		return fixBuild
	case stopped && strings.Contains(cut, "--timeout"):
		return "Give the run more time (--timeout), or see what it waited for so long."
	case stopped && strings.Contains(cut, "API server"):
		return "See that the cluster answers you (kubectl version), and run podproof again; `podproof clean` removes what this run had to leave."
	case stopped:
		return "Let podproof run to its end: `podproof verify -v` says how long it takes at most."
	case why == "":
		return "Run podproof again: this evidence was kept without what the check needs."
	}
	if step := failedStep(e, why); step != "" {
		return cmp.Or(stepFixes[step], fmt.Sprintf("The step %s of the run failed: fix the cause named above, then run podproof again.", step))
	}
	return runAgain
}

// failedStep names the step that failed with this error, which the steps that were to come after
// it are given, too; empty where none did.
func failedStep(e evidence.Evidence, why string) string {
	for _, s := range e.Steps {
		if s.Error == why {
			return s.Name
		}
	}
	return ""
}
