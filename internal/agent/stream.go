package agent

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// bodyKept is how much of an answer's body is kept, where a single request was asked for: a
// debug page shows the settings far below its top.
const bodyKept = 16 << 10

// run sends the stream's requests until it is stopped, or has sent as many as it should.
func (s Stream) run(ctx context.Context, released, stopped <-chan struct{}, tell func(Line) error) {
	var kept *connection
	defer func() { kept.close() }()
	next := time.NewTimer(0)
	defer next.Stop()
	for n := 0; s.Count == 0 || n < s.Count; n++ {
		select {
		case <-stopped:
			return
		case <-ctx.Done():
			return
		case <-next.C:
		}
		next.Reset(time.Duration(s.Every) * time.Millisecond)
		var o evidence.Request
		o, kept = s.request(ctx, kept, released, tell)
		if tell(Line{Outcome: &o}) != nil {
			return // nobody reads any more
		}
	}
}

// connection is one to the server, without a client that would quietly send a request again.
type connection struct {
	net.Conn
	in *bufio.Reader
}

func (c *connection) close() {
	if c != nil {
		c.Close()
	}
}

// open tells whether the server has kept an idle connection open, as any client looks
// before it uses one again.
func (c *connection) open() bool {
	if c == nil || c.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	_, err := c.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// request sends one request and reads its answer. It returns the connection that the next
// one may use.
func (s Stream) request(ctx context.Context, c *connection, released <-chan struct{}, tell func(Line) error) (o evidence.Request, rest *connection) {
	o = evidence.Request{Stream: s.Name, Start: time.Now()}
	since := func() float64 { return time.Since(o.Start).Seconds() }
	deadline := o.Start.Add(time.Duration(s.Timeout) * time.Millisecond)
	fail := func(err error) (evidence.Request, *connection) {
		o.End, o.Failure, o.Error = since(), failure(err), err.Error()
		c.close()
		return o, nil
	}
	if o.Reused = c.open(); !o.Reused {
		c.close()
		dial := net.Dialer{Deadline: deadline}
		conn, err := dial.DialContext(ctx, "tcp", s.Address)
		if err != nil {
			c = nil
			return fail(err)
		}
		c = &connection{conn, bufio.NewReader(conn)}
	}
	o.Connected = since()
	if err := c.SetDeadline(deadline); err != nil {
		return fail(err)
	}
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(o.Start) })()
	if err := s.send(ctx, c, &o, released, tell); err != nil {
		return fail(err)
	}
	answer, err := http.ReadResponse(c.in, &http.Request{Method: s.Method})
	if err != nil {
		return fail(err)
	}
	o.Answered, o.Status, o.Closes = since(), answer.StatusCode, answer.Close
	keep := int64(0)
	if s.Count == 1 {
		keep = bodyKept
	}
	var body strings.Builder
	if o.Bytes, err = io.CopyN(&body, answer.Body, keep); err == nil {
		var more int64
		more, err = io.Copy(io.Discard, answer.Body)
		o.Bytes += more
	}
	if err != nil && err != io.EOF {
		return fail(fmt.Errorf("after %d bytes of the answer's body: %w", o.Bytes, err))
	}
	if s.Count == 1 {
		var fields strings.Builder
		_ = answer.Header.Write(&fields) // a strings.Builder takes everything
		o.Head, o.Body = fields.String(), body.String()
	}
	o.End = since()
	if !s.KeepAlive || answer.Close {
		c.close()
		return o, nil
	}
	return o, c
}

// send writes the request, and holds half of its body back where that is asked for.
func (s Stream) send(ctx context.Context, c *connection, o *evidence.Request, released <-chan struct{}, tell func(Line) error) error {
	first, second := s.Body, ""
	if s.Hold {
		first, second = s.Body[:len(s.Body)/2], s.Body[len(s.Body)/2:]
	}
	if _, err := io.WriteString(c, s.head()+first); err != nil || second == "" {
		return err
	}
	// Whoever answers half a body does so early; the answer stays in the buffer.
	answered := make(chan error, 1)
	go func() {
		_, err := c.in.Peek(1)
		answered <- err
	}()
	if err := tell(Line{Held: s.Name}); err != nil {
		return err
	}
	select {
	case err := <-answered:
		o.Early = true
		return err
	case <-released:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if _, err := io.WriteString(c, second); err != nil {
		return err
	}
	return <-answered
}

// head is the request's line and header fields.
func (s Stream) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: podproof\r\nAccept: */*\r\n", s.Method, s.Path, cmp.Or(s.Host, s.Address))
	for _, k := range slices.Sorted(maps.Keys(s.Header)) {
		fmt.Fprintf(&b, "%s: %s\r\n", k, s.Header[k])
	}
	if s.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(s.Body))
	}
	if !s.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// failure is the class of an error, as Outcome.Failure names it.
func failure(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.Canceled):
		return "timeout"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	}
	return "other"
}
