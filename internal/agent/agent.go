// Package agent is the part of podproof that runs inside the cluster: podproof's own binary,
// as the only file of an image. It sends requests to the workload from where its users are,
// and says what became of each. It judges nothing.
package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// Plan is what to send. It is the first line of the agent's input, as JSON.
type Plan struct {
	Streams []Stream `json:"streams"`
}

// Stream is a series of requests, one after the other.
type Stream struct {
	Name string `json:"name"`
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
	// under way for as long as is wanted, without a slow route.
	Hold bool `json:"hold,omitempty"`
	// Timeout of each request, in milliseconds.
	Timeout int `json:"timeoutMillis"`
}

// Line is one line of the agent's output, as JSON: one of its fields is set.
type Line struct {
	Outcome *evidence.Request `json:"outcome,omitempty"`
	// Held names a stream whose request is under way with half of its body sent.
	Held string `json:"held,omitempty"`
	// Clock answers "clock" with the agent's time.
	Clock *time.Time `json:"clock,omitempty"`
	// Done is the last line.
	Done bool `json:"done,omitempty"`
}

// The words that the agent reads after the plan, each on a line. The end of its input is "stop".
const (
	Release = "release" // send the rest of the bodies that are held back
	Stop    = "stop"    // start no more requests; those under way have drainFor to end
	Clock   = "clock"   // say what time it is
)

// drainFor is how long requests may still take after "stop". One that has no answer by
// then is told as one that timed out.
const drainFor = 2 * time.Second

// Serve reads a plan, carries it out, and writes one Line for each thing that happened.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	words := bufio.NewScanner(in)
	words.Buffer(nil, 1<<20)
	if !words.Scan() {
		return errors.Join(errors.New("there is no plan on the first line of the input"), words.Err())
	}
	var plan Plan
	if err := json.Unmarshal(words.Bytes(), &plan); err != nil {
		return fmt.Errorf("the first line of the input is no plan: %w", err)
	}
	w := &writer{out: json.NewEncoder(out)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	released, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		release := sync.OnceFunc(func() { close(released) })
		stop := sync.OnceFunc(func() {
			close(stopped)
			time.AfterFunc(drainFor, cancel)
		})
		for words.Scan() {
			switch words.Text() {
			case Release:
				release()
			case Stop:
				release()
				stop()
			case Clock:
				now := time.Now()
				w.write(Line{Clock: &now})
			}
		}
		release()
		stop()
	}()
	var streams sync.WaitGroup
	for _, s := range plan.Streams {
		streams.Go(func() { s.run(ctx, released, stopped, w.write) })
	}
	streams.Wait()
	return w.write(Line{Done: true})
}

// writer serialises the lines of streams that run side by side.
type writer struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (w *writer) write(l Line) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Encode(l)
}
