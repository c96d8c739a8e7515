package evidence

import "time"

// The series of requests.
const (
	StreamHealth = "health" // of the health route, to one pod
	StreamReady  = "ready"  // of the route of the readiness probe, to one pod
	StreamQuery  = "query"  // of the route whose answer comes from the dependency
	StreamNew    = "new"    // over a new connection each
	StreamKept   = "kept"   // over kept connections
	StreamSlow   = "slow"   // with a body of which the second half is held back
)

// The ways in which a request fails.
const (
	FailureRefused     = "refused"
	FailureReset       = "reset"
	FailureClosed      = "closed" // before a complete answer
	FailureTimeout     = "timeout"
	FailureUnreachable = "unreachable"
	FailureTLS         = "tls"      // no handshake
	FailureProtocol    = "protocol" // what came is not the protocol's
	FailureOther       = "other"
)

// Request is one request that was sent to the workload, and what became of it. Times are
// in seconds since its start.
type Request struct {
	Stream string    `json:"stream"` // the series that it belongs to, one of those above
	Start  time.Time `json:"start"`
	// Reused tells that the request went over a connection of an earlier one.
	Reused bool `json:"reused,omitempty"`
	// Idle is how long that connection had been idle.
	Idle float64 `json:"idle,omitempty"`
	// Connected is when the server had accepted the connection.
	Connected float64 `json:"connected,omitempty"`
	Answered  float64 `json:"answered,omitempty"` // the head of the answer
	End       float64 `json:"end"`
	// Released is when the second half of a body had been sent that was held back; 0 where
	// none was, or it never was sent.
	Released float64 `json:"released,omitempty"`
	Status   int     `json:"status,omitempty"`
	Bytes    int64   `json:"bytes,omitempty"` // of the answer's body
	// Closes tells that the answer said "Connection: close", or the server GOAWAY (HTTP/2).
	Closes bool `json:"closes,omitempty"`
	// Early tells that the answer came while half of the body was still held back: the
	// request was not under way any more.
	Early bool `json:"early,omitempty"`
	// Failure is how it failed, one of those above; empty when a complete answer came.
	Failure string `json:"failure,omitempty"`
	Error   string `json:"error,omitempty"`
	// Unread tells that the server ended the connection without having read the request: not one
	// byte of it was acknowledged, or its kernel reset the connection at once since it lay there
	// unread (RFC 9112 9.3.1), or an HTTP/2 server says so. Any client may send it again. It is not
	// set where that is not known.
	Unread bool `json:"unread,omitempty"`
	// Head and Body are the answer's header fields and the beginning of its body, where the
	// series is of one request, of the first answer of each class of status (2xx, 5xx), and of
	// further error pages that say something else. Of gRPC, Body says the answer in words.
	Head string `json:"head,omitempty"`
	Body string `json:"body,omitempty"`
}

// Ended is when the answer was complete, or the request had failed.
func (r Request) Ended() time.Time { return r.Start.Add(time.Duration(r.End * float64(time.Second))) }
