package check

import "podproof.dev/podproof/internal/evidence"

const readinessOutageFix = "Let the readiness route ask the database, with a time limit below the probe's timeoutSeconds, and answer 503 without it."

var readinessTellsTheTruth = Check{
	ID:    "probes/readiness-tells-the-truth",
	Title: "Without its database a pod is not Ready, and with it again it is",
	Why: "A Service sends requests to every Ready pod. One that is Ready without its database answers them with errors, and a rollout " +
		"takes it for good.",
	Fix:   readinessOutageFix,
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionOutages},
	At:    []Spot{inContainer("readinessProbe")},
	Judge: eachDependency(evidence.SectionOutages, readinessOutageFix, readinessFollows),

	Timeline: allOutages,
}
