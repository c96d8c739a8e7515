package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noLostRequests = Check{
	ID:    "rollout/no-lost-requests",
	Title: "A rolling restart, and an eviction, lose no request",
	Why: "The endpoint of a pod that ends is removed everywhere a moment after SIGTERM. A process that stops listening at once " +
		"loses the requests that are still sent to it, in every deploy and in every drain of a node.",
	Fix:   "Keep serving for a few seconds after SIGTERM (lifecycle.preStop.sleep, or a delay in the process) with maxUnavailable: 0 and at least two replicas.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionRollouts},
	At:    []Spot{inContainer("lifecycle")},
	Judge: asking(func(c contract.Contract, e evidence.Evidence) Judgement {
		return judgeRollouts(c, e, "a rolling restart and an eviction under load", "Rollout without lost requests OK", evidence.RolloutRestart, evidence.RolloutEviction)
	}),
	Timeline: func(e evidence.Evidence) []Moment {
		return rolloutMoments(e.Rollouts, evidence.RolloutRestart, evidence.RolloutEviction)
	},
}
