package evidence

import "time"

// The kinds of rollouts.
const (
	RolloutRestart   = "restart"    // `kubectl rollout restart`
	RolloutEviction  = "eviction"   // a node is drained
	RolloutScaleDown = "scale-down" // to one replica
)

// Rollout is one way in which production replaces or removes pods, tried under load that
// is sent from inside the cluster through the Service.
type Rollout struct {
	// Kind is one of those above.
	Kind     string `json:"kind"`
	Replicas int32  `json:"replicas"` // before it
	// PreStopSleep is what podproof added to the pod template, in seconds: 0 for the
	// manifest as it is.
	PreStopSleep int64 `json:"preStopSleep,omitempty"`
	// Strategy is the Deployment's, "RollingUpdate" or "Recreate"; empty where it is not known.
	Strategy string    `json:"strategy,omitempty"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	// Within is how long it could take at most, in seconds, by the strategy, the time that a start
	// may take, and the grace period.
	Within float64 `json:"within,omitempty"`
	// Finished tells whether the old pods were gone and the wanted ones Ready when the
	// observation ended.
	Finished bool `json:"finished"`
	// Seen is what was there when the observation of one that was not finished ended.
	Seen string `json:"seen,omitempty"`
	// Unready are the pods that were not Ready then, with the ends of their logs.
	Unready []Pod `json:"unready,omitempty"`
	// Before is the status that most answers of a stream had before the rollout, by stream; nil
	// where it was not told.
	Before map[string]int `json:"before,omitempty"`
	// Requests in the order in which they ended. The load began before the rollout; those that
	// were over by then, or had found no pod, are left out.
	Requests []Request `json:"requests,omitempty"`
	// Unreached are the pods that none of its connections led to when the rollout began, where
	// that could be seen.
	Unreached []string `json:"unreached,omitempty"`
	// Spread tells that it could not be seen: so many kept connections were open for each pod then,
	// which the cluster spreads by chance.
	Spread int `json:"spread,omitempty"`
	// Ended are the pods that went, with their timelines and without their logs.
	Ended []Pod `json:"ended,omitempty"`
	// Endpoints are the changes of the workload's EndpointSlices meanwhile.
	Endpoints []Mark `json:"endpoints,omitempty"`
	// Budget is the one for which the API server refused an eviction.
	Budget *Budget `json:"budget,omitempty"`
	// Problem says why it told nothing.
	Problem string `json:"problem,omitempty"`
}

// Budget is a PodDisruptionBudget, as its controller last saw it.
type Budget struct {
	Name string `json:"name"`
	// MinAvailable and MaxUnavailable are as the manifest has them, "2" or "50%"; one is empty.
	MinAvailable   string `json:"minAvailable,omitempty"`
	MaxUnavailable string `json:"maxUnavailable,omitempty"`
	// Allowed pods may go; Healthy are there, of Expected, and Desired have to stay.
	Allowed  int32 `json:"allowed"`
	Healthy  int32 `json:"healthy"`
	Expected int32 `json:"expected"`
	Desired  int32 `json:"desired"`
}

// Full tells whether the budget lets no pod go although all of them are well: waiting is of no use.
func (b *Budget) Full() bool {
	return b != nil && b.Allowed == 0 && b.Expected > 0 && b.Healthy >= b.Expected
}
