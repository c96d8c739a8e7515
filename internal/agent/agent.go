// Package agent is the part of podproof that runs inside the cluster: podproof's own binary,
// as the only file of an image. It sends requests to the workload from where its users are,
// and says what became of each. It judges nothing.
//
// Serve runs for as long as the agent's pod does, and carries plans out. Attach connects a
// stream over the API server with it. A stream may break at any time, since that server may
// restart: the plan is carried out whether anybody listens or not, and a new stream is told
// what the last one was not.
package agent

import (
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// The protocols of a Stream, as contract.Endpoint names them.
const (
	protocolHTTPS = "https"
	protocolGRPC  = "grpc"
	protocolTCP   = "tcp"
)

// Attachment is the first line of a stream's input, as JSON.
type Attachment struct {
	ID string `json:"id"` // of the load
	// From is the number of the last line that was read of it, 0 where none was.
	From int `json:"from,omitempty"`
	// Plan is carried out from the first attachment on. Later ones find it under way.
	Plan Plan `json:"plan"`
}

// Plan is what to send.
type Plan struct {
	Streams []Stream `json:"streams"`
}

// Stream is a series of requests, one after the other.
type Stream struct {
	Name string `json:"name"`
	// Protocol is "http", also when it is empty, or one of those above.
	Protocol string `json:"protocol,omitempty"`
	// Service is what gRPC's health protocol is asked for, empty for the whole server.
	Service string `json:"service,omitempty"`
	// AnyState takes any answer of gRPC's health service for a success, also that it does not
	// serve: a load asks whether it is answered at all, also by a server that ends.
	AnyState bool `json:"anyState,omitempty"`
	// Address is what is connected to, "10.96.0.7:80"; Host is the Host header's value.
	Address string            `json:"address"`
	Host    string            `json:"host,omitempty"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Header  map[string]string `json:"header,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Every is the time between the starts of two requests, in milliseconds. The next one
	// starts late where an answer took longer.
	Every int `json:"everyMillis"`
	// Count ends the stream after so many requests; 0 goes on until "stop".
	Count int `json:"count,omitempty"`
	// KeepAlive sends all requests over one connection, as long as the server keeps it open.
	KeepAlive bool `json:"keepAlive,omitempty"`
	// Hold sends half of the body, and the rest when "release" is read: the request is then
	// under way for as long as is wanted, without a slow route. Of gRPC all of the message is held.
	Hold bool `json:"hold,omitempty"`
	// HoldFor is how long after "release" the rest is still held back, in milliseconds.
	HoldFor int `json:"holdForMillis,omitempty"`
	// Timeout of each request, in milliseconds.
	Timeout int `json:"timeoutMillis"`
}

// Line is one line of a stream's output, as JSON: one of its fields is set beside the first two.
type Line struct {
	// Seq numbers what a load says from 1 on. Clock and Problem have none, and are not said again.
	Seq int `json:"seq,omitempty"`
	// Of is the place in Plan.Streams of the stream that an Outcome is of.
	Of      int               `json:"of,omitempty"`
	Outcome *evidence.Request `json:"outcome,omitempty"`
	// Held names a stream whose request is under way with half of its body sent.
	Held string `json:"held,omitempty"`
	// Clock answers "clock" with the agent's time.
	Clock *time.Time `json:"clock,omitempty"`
	// Problem is why there is nothing to be told, now or later.
	Problem string `json:"problem,omitempty"`
	// Done is the last line.
	Done bool `json:"done,omitempty"`
}

// The words that the agent reads after the attachment, each on a line. To say one again
// changes nothing. The end of the input ends the stream, and not the load.
const (
	Release = "release" // send the rest of the bodies that are held back
	Stop    = "stop"    // start no more requests; those under way have drainFor to end
	Clock   = "clock"   // say what time it is
)

// drainFor is how long requests may still take after "stop". One that has no answer by
// then is told as one that timed out.
const drainFor = 2 * time.Second
