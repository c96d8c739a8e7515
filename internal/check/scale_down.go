package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var scaleDown = Check{
	ID:    "rollout/scale-down",
	Title: "Scaling down loses no request",
	Why:   "An autoscaler removes pods many times a day, while they serve. No new pod covers for one that drops what it was sent last.",
	Fix:   "Keep serving for a few seconds after SIGTERM (lifecycle.preStop.sleep, or a delay in the process).",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionRollouts},
	At:    []Spot{inContainer("lifecycle")},
	Judge: asking(func(c contract.Contract, e evidence.Evidence) Judgement {
		if w := e.Workload; w != nil && w.Replicas < 2 && len(e.Rollouts) > 0 {
			return Judgement{}.skip("the workload has one replica").until("spec: {replicas: 2} in its manifest")
		}
		return judgeRollouts(c, e, "a scale-down under load", "Scale-down without lost requests OK", evidence.RolloutScaleDown)
	}),
	Timeline: func(e evidence.Evidence) []Moment { return rolloutMoments(e.Rollouts, evidence.RolloutScaleDown) },
}
