package trial

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// serveAgent lets a real agent listen, and says how to attach to it.
func serveAgent(t *testing.T) func(context.Context, io.Reader, io.Writer) error {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is longer than a socket's name may be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := agent.Serve(t.Context(), l); err != nil {
			t.Error(err)
		}
	}()
	return func(ctx context.Context, in io.Reader, out io.Writer) error {
		return agent.Attach(ctx, l.Addr().String(), in, out)
	}
}

func there(context.Context) string { return "" }

// to is a stream of requests to a server, whose answers count how many it has had.
func to(t *testing.T, status func(n int64) int) agent.Stream {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status(n.Add(1)))
	}))
	t.Cleanup(server.Close)
	s := stream(evidence.StreamNew, contract.Endpoint{Protocol: "http", Path: "/"}, server.Listener.Addr().String())
	s.Every = 1
	return s
}

func ok(int64) int { return http.StatusOK }

// breaking ends each stream in the middle of a line, after some lines of it.
func breaking(attach func(context.Context, io.Reader, io.Writer) error, after int, broken *atomic.Int32) func(context.Context, io.Reader, io.Writer) error {
	return func(ctx context.Context, in io.Reader, out io.Writer) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r, w := io.Pipe()
		go func() { w.CloseWithError(errors.Join(attach(ctx, in, w), io.EOF)) }()
		lines := bufio.NewReader(r)
		for range after {
			text, err := lines.ReadBytes('\n')
			if err != nil {
				return err
			}
			if _, err := out.Write(text); err != nil {
				return err
			}
		}
		text, _ := lines.ReadBytes('\n')
		_, _ = out.Write(text[:len(text)/2]) // nobody may be left to read it
		broken.Add(1)
		r.Close()
		return errors.New("websocket: close 1006 (abnormal closure): unexpected EOF")
	}
}

// A stream that breaks, again and again, loses no request and tells none twice.
func TestLoadSurvivesBrokenStreams(t *testing.T) {
	var broken atomic.Int32
	s := to(t, ok)
	s.Count = 30
	l, err := startLoad(t.Context(), &Load{plan: agent.Plan{Streams: []agent.Stream{s}}, redact: func(s string) string { return s },
		attach: breaking(serveAgent(t), 9, &broken), gone: there})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Until(t.Context(), func(_ int, rs []evidence.Request) bool { return len(rs) == 30 }); err != nil {
		t.Fatal(err)
	}
	all, err := l.Stop(t.Context())
	if err != nil || len(all) != 30 || broken.Load() < 3 {
		t.Errorf("%d requests over %d streams that broke, %v", len(all), broken.Load(), err)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Start.Before(all[i-1].Start) {
			t.Errorf("request %d is told before one that began earlier", i)
		}
	}
}

// What was said over a stream that broke is said again.
func TestLoadStopsOverTheNextStream(t *testing.T) {
	attach, first := serveAgent(t), true
	deaf := func(ctx context.Context, in io.Reader, out io.Writer) error {
		if !first {
			return attach(ctx, in, out)
		}
		first = false
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r, w := io.Pipe()
		go func() {
			lines := bufio.NewScanner(in)
			for lines.Scan() && lines.Text() != agent.Stop {
				fmt.Fprintln(w, lines.Text())
			}
			cancel() // the word is lost with the stream
		}()
		return attach(ctx, r, out)
	}
	l, err := startLoad(t.Context(), &Load{plan: agent.Plan{Streams: []agent.Stream{to(t, ok)}}, redact: func(s string) string { return s }, attach: deaf, gone: there})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := l.Stop(t.Context()); err != nil || first {
		t.Errorf("%d requests, %v", len(all), err)
	}
}

func TestLoadOfAnAgentThatIsGone(t *testing.T) {
	_, err := startLoad(t.Context(), &Load{attach: func(context.Context, io.Reader, io.Writer) error { return io.ErrUnexpectedEOF },
		gone: func(context.Context) string { return "its pod has ended: OOMKilled" }})
	if err == nil || !strings.Contains(err.Error(), "OOMKilled") {
		t.Errorf("%v", err)
	}
}

// What an answer says of a Secret does not reach the evidence, whichever trial asked, nor what
// may be the first half of one.
func TestLoadRedactsAnswers(t *testing.T) {
	l := &Load{redact: strings.NewReplacer("hunter2", "[masked]").Replace, changed: make(chan struct{}), answered: map[int][]evidence.Request{}}
	cut := strings.Repeat("x", agent.Margin) + "hunter2" + strings.Repeat("y", agent.Margin-3) + "hun"
	for i, o := range []evidence.Request{{Head: "X-Key: hunter2", Body: "key=hunter2", Bytes: 11}, {Body: cut, Bytes: int64(len(cut)) + 1}} {
		l.take(agent.Line{Seq: i + 1, Outcome: &o})
	}
	if got := l.outcomes[0]; got.Head != "X-Key: [masked]" || got.Body != "key=[masked]" {
		t.Errorf("%+v", got)
	}
	if got := l.outcomes[1].Body; strings.Contains(got, "hun") || !strings.Contains(got, "[masked]") {
		t.Errorf("the end of what was cut: %q", got[len(got)-20:])
	}
}

// A load that is answered with errors tells nothing of what is lost, and is told by its first answer.
func TestBeginNeedsSuccess(t *testing.T) {
	begin := func(status func(int64) int) error {
		l, err := startLoad(t.Context(), &Load{plan: agent.Plan{Streams: []agent.Stream{to(t, status)}}, redact: func(s string) string { return s }, attach: serveAgent(t), gone: there})
		if err != nil {
			t.Fatal(err)
		}
		defer l.cancel()
		return l.Begin(t.Context(), func(_ int, rs []evidence.Request) bool { return len(rs) > 0 })
	}
	if err := begin(func(n int64) int { return map[bool]int{true: 503, false: 307}[n < 5] }); err != nil {
		t.Errorf("a redirect after some errors: %v", err)
	}
	err := begin(func(int64) int { return http.StatusNotFound })
	if !errors.Is(err, errUnserved) || !strings.Contains(err.Error(), "the load's GET / was answered 404: name a route") || !strings.Contains(err.Error(), "http.health") {
		t.Errorf("404: %v", err)
	}
}
