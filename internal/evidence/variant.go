package evidence

import corev1 "k8s.io/api/core/v1"

// Variant is a pod of the workload's with another securityContext.
type Variant struct {
	Pod Pod `json:"pod"`
	// Ready tells whether it became so in time.
	Ready bool `json:"ready"`
	// UID is the user that it ran as, where that was what differed.
	UID int64 `json:"uid,omitempty"`
	// Seconds from the pod's creation to Ready, or to the end of the observation.
	Seconds float64 `json:"seconds"`
}

// Response is one request to the workload, and all of its answer.
type Response struct {
	Name   string `json:"name"` // "health", "not found"
	Method string `json:"method"`
	Path   string `json:"path"`
	// Protocol and Port are where it was sent; empty in the evidence of a podproof that knew
	// one port alone. Service is what gRPC's health protocol was asked for.
	Protocol string  `json:"protocol,omitempty"`
	Port     int     `json:"port,omitempty"`
	Service  string  `json:"service,omitempty"`
	Request  Request `json:"request"`
}

// Resources are what one container of the workload used, idle and under a light load, by
// the control group of the container.
type Resources struct {
	Pod string `json:"pod"`
	// Source is where that was read: on the node where it is empty, or SourceEphemeral.
	Source string `json:"source,omitempty"`
	// Summed tells that no control group could be read: these are the sums of the processes' own
	// figures, without the page cache, and with the pages that a fork left them counted twice.
	Summed bool  `json:"summed,omitempty"`
	Idle   Usage `json:"idle"`
	Loaded Usage `json:"loaded"`
	// Requests that were answered with success while it was loaded.
	Requests int `json:"requests"`
	// Unserved is why the load proves nothing: how its first request was answered. It was
	// measured idle alone then, as a workload that serves no port is; Loaded is zero.
	Unserved string `json:"unserved,omitempty"`
	// Ended is how the container ended while it was measured, where it did: killed for more
	// memory than its limit, for one. What was measured until then tells nothing.
	Ended *corev1.ContainerStateTerminated `json:"ended,omitempty"`
	// Writes are files that the container wrote outside of its volumes: what lies in the
	// upper directory of its root file system, but for mount points, or where that is not in sight
	// what of its root was changed since it began. Further says how many are not listed.
	Writes  []Write `json:"writes,omitempty"`
	Further int     `json:"further,omitempty"`
	// WritesUnknown says why not all of that could be seen.
	WritesUnknown string  `json:"writesUnknown,omitempty"`
	Seconds       float64 `json:"seconds"`
}

// Usage is what a container used in a window of time.
type Usage struct {
	Memory int64 `json:"memory"` // bytes, the working set at the end of it
	// CPU is the mean number of CPUs used.
	CPU float64 `json:"cpu"`
	// Throttled is how long its CPU limit held it back, in seconds.
	Throttled float64 `json:"throttled,omitempty"`
	Window    float64 `json:"window"` // seconds
}

// Write is one file that was written.
type Write struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}
