package evidence

import "time"

// Request is one request that was sent to the workload, and what became of it. Times are
// in seconds since its start.
type Request struct {
	Stream string    `json:"stream"` // the series that it belongs to
	Start  time.Time `json:"start"`
	// Reused tells that the request went over a connection of an earlier one.
	Reused    bool    `json:"reused,omitempty"`
	Connected float64 `json:"connected,omitempty"`
	Answered  float64 `json:"answered,omitempty"` // the head of the answer
	End       float64 `json:"end"`
	Status    int     `json:"status,omitempty"`
	Bytes     int64   `json:"bytes,omitempty"` // of the answer's body
	// Closes tells that the answer said "Connection: close".
	Closes bool `json:"closes,omitempty"`
	// Early tells that the answer came while half of the body was still held back: the
	// request was not under way any more.
	Early bool `json:"early,omitempty"`
	// Failure is how it failed: "refused", "reset", "closed" (before a complete answer),
	// "timeout", "unreachable" or "other"; empty when a complete answer came.
	Failure string `json:"failure,omitempty"`
	Error   string `json:"error,omitempty"`
	// Head and Body are the answer's header fields and the beginning of its body, where the
	// series is of one request.
	Head string `json:"head,omitempty"`
	Body string `json:"body,omitempty"`
}

// HangsAfter is how long a request to a workload without its dependency may take: by then it
// is answered, be it with an error. An outage that is to show one that hangs lasts longer.
const HangsAfter = 10 * time.Second

// Ended is when the answer was complete, or the request had failed.
func (r Request) Ended() time.Time { return r.Start.Add(time.Duration(r.End * float64(time.Second))) }
