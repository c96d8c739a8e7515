package evidence

import "time"

// Rollout is one way in which production replaces or removes pods, tried under load that
// is sent from inside the cluster through the Service.
type Rollout struct {
	// Kind is "restart" (`kubectl rollout restart`), "eviction" (a node is drained) or
	// "scale-down" (to one replica).
	Kind     string `json:"kind"`
	Replicas int32  `json:"replicas"` // before it
	// PreStopSleep is what podproof added to the pod template, in seconds: 0 for the
	// manifest as it is.
	PreStopSleep int64     `json:"preStopSleep,omitempty"`
	Began        time.Time `json:"began"`
	Seconds      float64   `json:"seconds"`
	// Finished tells whether the old pods were gone and the wanted ones Ready when the
	// observation ended.
	Finished bool `json:"finished"`
	// Requests in the order in which they ended. The load began before the rollout; those that
	// were over by then, or had found no pod, are left out.
	Requests []Request `json:"requests,omitempty"`
	// Unreached are the pods that none of its connections led to when the rollout began, where
	// that could be seen.
	Unreached []string `json:"unreached,omitempty"`
	// Ended are the pods that went, with their timelines and without their logs.
	Ended []Pod `json:"ended,omitempty"`
	// Endpoints are the changes of the workload's EndpointSlices meanwhile.
	Endpoints []Mark `json:"endpoints,omitempty"`
	// Problem says why it told nothing.
	Problem string `json:"problem,omitempty"`
}
