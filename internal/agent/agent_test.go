package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// session is a stream that is attached to an agent: what it says, and where to tell it more.
type session struct {
	t     *testing.T
	c     net.Conn
	lines chan Line
}

// serve lets an agent listen, and says where.
func serve(t *testing.T, unattended time.Duration) (address string) {
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
	s := &server{loads: map[string]*load{}, unattended: unattended}
	go func() {
		if err := s.serve(t.Context(), l); err != nil {
			t.Error(err)
		}
	}()
	return l.Addr().String()
}

func attach(t *testing.T, address string, a Attachment) *session {
	t.Helper()
	c, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &session{t, c, make(chan Line, 1000)}
	go func() {
		defer close(s.lines)
		for sc := bufio.NewScanner(c); sc.Scan(); {
			var l Line
			if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
				t.Errorf("the agent wrote %q: %v", sc.Text(), err)
			}
			s.lines <- l
		}
	}()
	first, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	s.say(string(first))
	return s
}

func start(t *testing.T, streams ...Stream) *session {
	t.Helper()
	return attach(t, serve(t, time.Minute), Attachment{ID: "load", Plan: Plan{streams}})
}

func (s *session) say(word string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.c, word); err != nil {
		s.t.Fatalf("telling the agent %q: %v", word, err)
	}
}

func (s *session) next() Line {
	s.t.Helper()
	select {
	case l, ok := <-s.lines:
		if !ok {
			s.t.Fatal("the agent ended")
		}
		return l
	case <-time.After(10 * time.Second):
		s.t.Fatal("the agent said nothing")
	}
	return Line{}
}

// outcomes are those up to the last line.
func (s *session) outcomes() []evidence.Request {
	s.t.Helper()
	var out []evidence.Request
	for {
		l := s.next()
		if l.Done {
			return out
		}
		if l.Outcome != nil {
			out = append(out, *l.Outcome)
		}
	}
}

func to(server *httptest.Server, s Stream) Stream {
	s.Address, s.Method, s.Path, s.Timeout = server.Listener.Addr().String(), "GET", "/", 5000
	if s.Body != "" {
		s.Method = "POST"
	}
	return s
}

func TestOneRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s", r.Host, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	s := to(server, Stream{Name: "one", Count: 1, Host: "api", Header: map[string]string{"Authorization": "Bearer x"}})
	got := start(t, s).outcomes()
	if len(got) != 1 || got[0].Status != http.StatusTeapot || got[0].Body != "api / Bearer x" || got[0].Failure != "" {
		t.Errorf("got %+v", got)
	}
	if o := got[0]; o.Connected > o.Answered || o.Answered > o.End || o.Bytes != 14 {
		t.Errorf("its times or its size make no sense: %+v", o)
	}
}

// A single request's answer is kept, up to a limit, and of a load's the first of each class
// and the error pages that say something else.
func TestBodyKept(t *testing.T) {
	const whole = 30 << 10
	answers := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := []int{200, 200, 503, 503, 500, 200}[answers%6]
		page := []string{"a", "b", "c", "c", "d", "e"}[answers%6]
		answers++
		w.WriteHeader(status)
		io.WriteString(w, strings.Repeat(page, whole))
	}))
	defer server.Close()
	const first, again = bodyKept + Margin, againKept + Margin
	for _, c := range []struct {
		count int
		kept  []int
	}{{1, []int{first}}, {6, []int{first, 0, first, 0, again, 0}}} {
		answers = 0
		for i, o := range start(t, to(server, Stream{Name: "s", Count: c.count})).outcomes() {
			if len(o.Body) != c.kept[i] || o.Bytes != whole || o.Failure != "" {
				t.Errorf("of %d requests, the one at %d kept %d bytes of %d, want %d (%s)", c.count, i, len(o.Body), o.Bytes, c.kept[i], o.Error)
			}
		}
	}
}

func TestConnections(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }))
	defer server.Close()
	got := start(t, to(server, Stream{Name: "new", Count: 3}), to(server, Stream{Name: "kept", Count: 3, KeepAlive: true})).outcomes()
	reused := map[string]int{}
	for _, o := range got {
		if o.Status != http.StatusOK {
			t.Errorf("got %+v", o)
		}
		if o.Reused {
			reused[o.Stream]++
		}
	}
	if len(got) != 6 || reused["kept"] != 2 || reused["new"] != 0 {
		t.Errorf("%d requests, connections used again: %v", len(got), reused)
	}
}

// A connection that the server closed while it was idle is no lost request.
func TestClosedWhileIdle(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.IdleTimeout = 5 * time.Millisecond
	server.Start()
	defer server.Close()
	for _, o := range start(t, to(server, Stream{Name: "kept", Count: 3, KeepAlive: true, Every: 50})).outcomes() {
		if o.Failure != "" || o.Reused {
			t.Errorf("got %+v", o)
		}
	}
}

func TestHeldBody(t *testing.T) {
	bodies := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies <- string(b)
	}))
	defer server.Close()
	s := start(t, to(server, Stream{Name: "slow", Count: 1, Hold: true, Body: "0123456789"}))
	if l := s.next(); l.Held != "slow" {
		t.Fatalf("got %+v", l)
	}
	select {
	case b := <-bodies:
		t.Fatalf("the server has the body %q already", b)
	default:
	}
	s.say(Release)
	if got := s.outcomes(); len(got) != 1 || got[0].Status != http.StatusOK || got[0].Early {
		t.Errorf("got %+v", got)
	}
	if b := <-bodies; b != "0123456789" {
		t.Errorf("the server read %q", b)
	}
}

// Each of several bodies may be held for a time of its own after the one word that releases all.
func TestHeldOnAfterTheRelease(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	held := to(server, Stream{Name: "slow", Count: 1, Hold: true, HoldFor: 300, Body: "0123456789"})
	now := held
	now.Name, now.HoldFor = "now", 0
	s := start(t, held, now)
	s.next()
	s.next()
	s.say(Release)
	got := s.outcomes()
	if len(got) != 2 || got[0].Stream != "now" || got[1].Stream != "slow" {
		t.Fatalf("got %+v", got)
	}
	for _, o := range got {
		if o.Status != http.StatusOK || o.Early || o.Released == 0 || o.Released > o.End {
			t.Errorf("got %+v", o)
		}
	}
}

func TestEarlyAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such route", http.StatusNotFound)
	}))
	defer server.Close()
	got := start(t, to(server, Stream{Name: "slow", Count: 1, Hold: true, Body: strings.Repeat("x", 1000)})).outcomes()
	if len(got) != 1 || !got[0].Early || got[0].Status != http.StatusNotFound {
		t.Errorf("got %+v", got)
	}
}

func TestStopAndClock(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	s := start(t, to(server, Stream{Name: "endless", Every: 1}))
	for s.next().Outcome == nil {
	}
	before := time.Now()
	s.say(Clock)
	for {
		if l := s.next(); l.Clock != nil {
			if l.Clock.Before(before) {
				t.Errorf("the agent's clock says %s, after %s", l.Clock, before)
			}
			break
		}
	}
	s.say(Stop)
	s.outcomes() // up to the last line
}

// Whoever hangs does not hold the agent.
func TestStopWhileOneHangs(t *testing.T) {
	hang, arrived := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { close(arrived); <-hang }))
	defer server.Close()
	defer close(hang)
	s := start(t, to(server, Stream{Name: "hangs", Count: 1}))
	<-arrived // a stop that is read before would start no request at all
	s.say(Stop)
	if got := s.outcomes(); len(got) != 1 || got[0].Failure != "timeout" || got[0].Error != context.Canceled.Error() {
		t.Errorf("got %+v", got)
	}
}

func TestFailures(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				serve(c)
			}
		}()
		return l.Addr().String()
	}
	nobody := listen(func(net.Conn) {})
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	refused := l.Addr().String()
	l.Close()
	for _, c := range []struct{ name, address, want string }{
		{"nobody listens", refused, "refused"},
		{"no answer", nobody, "timeout"},
		{"closed at once", listen(func(c net.Conn) { io.ReadAtLeast(c, make([]byte, 4096), 60); c.Close() }), "closed"},
		{"closed within the answer", listen(func(c net.Conn) {
			io.ReadAtLeast(c, make([]byte, 4096), 60)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			c.Close()
		}), "closed"},
		{"reset", listen(func(c net.Conn) {
			io.ReadAtLeast(c, make([]byte, 4096), 60)
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}), "reset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := start(t, Stream{Name: "s", Address: c.address, Method: "GET", Path: "/", Timeout: 300, Count: 1}).outcomes()
			if len(got) != 1 || got[0].Failure != c.want || got[0].Error == "" {
				t.Errorf("got %+v, want the failure %q", got, c.want)
			}
		})
	}
}
