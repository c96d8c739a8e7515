package agent

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// http1 speaks HTTP/1.1, over TLS or without.
type http1 struct {
	*wire
	in *bufio.Reader
}

func newHTTP1(w *wire) *http1 { return &http1{w, bufio.NewReader(w)} }

func (h *http1) open() bool {
	if h.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	_, err := h.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func (h *http1) ask(ctx context.Context, x *exchange, o *evidence.Request, since func() float64) error {
	stop, err := h.until(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := h.send(ctx, x, o, since); err != nil {
		return err
	}
	answer, err := http.ReadResponse(h.in, &http.Request{Method: x.Method})
	if err != nil {
		return &classed{err, evidence.FailureProtocol}
	}
	o.Answered, o.Status, o.Closes = since(), answer.StatusCode, answer.Close
	return x.pages.take(o, x.Count == 1, answer.Header, answer.Body)
}

// send writes the request, and holds half of its body back where that is asked for.
func (h *http1) send(ctx context.Context, x *exchange, o *evidence.Request, since func() float64) error {
	first, second := x.Body, ""
	if x.Hold {
		first, second = x.Body[:len(x.Body)/2], x.Body[len(x.Body)/2:]
	}
	if _, err := io.WriteString(h, x.head()+first); err != nil || second == "" {
		return err
	}
	// Whoever answers half a body does so early; the answer stays in the buffer.
	answered := make(chan error, 1)
	go func() {
		_, err := h.in.Peek(1)
		answered <- err
	}()
	x.tell(Line{Held: x.Name})
	early, err := x.due(ctx, answered)
	if o.Early = early; early || err != nil {
		return err
	}
	if _, err := io.WriteString(h, second); err != nil {
		return err
	}
	o.Released = since()
	return <-answered
}

// head is the request's line and header fields.
func (s Stream) head() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: podproof\r\nAccept: */*\r\n", s.Method, cmp.Or(s.Path, "/"), cmp.Or(s.Host, s.Address))
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
