package agent

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestHead(t *testing.T) {
	s := Stream{Method: "POST", Path: "/items", Address: "10.0.0.7:80", Body: "{}", Header: map[string]string{"B": "2", "A": "1"}, KeepAlive: true}
	if got, want := s.head(), "POST /items HTTP/1.1\r\nHost: 10.0.0.7:80\r\nUser-Agent: podproof\r\nAccept: */*\r\nA: 1\r\nB: 2\r\nContent-Length: 2\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s = Stream{Method: "GET", Address: "10.0.0.7:80", Host: "shop.example"}
	if got, want := s.head(), "GET / HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: podproof\r\nAccept: */*\r\nConnection: close\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A server that says "Connection: close" is not asked over that connection again.
func TestAServerThatCloses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	defer server.Close()
	for _, o := range start(t, to(server, Stream{Name: "kept", Count: 2, KeepAlive: true})).outcomes() {
		if !o.Closes || o.Reused || o.Failure != "" {
			t.Errorf("got %+v", o)
		}
	}
}

// How long a kept connection was idle is told of the requests that use it again.
func TestIdle(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	defer server.Close()
	got := start(t, to(server, Stream{Name: "kept", Count: 3, KeepAlive: true, Every: 30})).outcomes()
	if len(got) != 3 || got[0].Idle != 0 || got[0].Reused {
		t.Fatalf("got %+v", got)
	}
	for _, o := range got[1:] {
		if !o.Reused || o.Idle <= 0 || o.Idle > 5 || o.Connected <= 0 {
			t.Errorf("got %+v", o)
		}
	}
}

// A request that asks for nothing to be held sends its whole body.
func TestBodyThatIsNotHeld(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.ContentLength) }))
	defer server.Close()
	got := start(t, to(server, Stream{Name: "upload", Count: 1, Body: "0123456789"})).outcomes()
	if len(got) != 1 || got[0].Body != "10" || got[0].Released != 0 || got[0].Early {
		t.Errorf("got %+v", got)
	}
}

// A server that ends the connection while half of a body is held has not answered early.
func TestAHeldBodyThatIsCutOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
	}))
	defer server.Close()
	began := time.Now()
	got := start(t, to(server, Stream{Name: "slow", Count: 1, Hold: true, Body: "0123456789"})).outcomes()
	if len(got) != 1 || got[0].Failure == "" || got[0].Released != 0 || got[0].Status != 0 || time.Since(began) > 4*time.Second {
		t.Errorf("got %+v", got)
	}
}

// Who is told to stop does not hold back any longer what it has begun.
func TestStopReleasesWhatIsHeld(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	s := start(t, to(server, Stream{Name: "slow", Count: 1, Hold: true, Body: "0123456789"}))
	if l := s.next(); l.Held != "slow" {
		t.Fatalf("got %+v", l)
	}
	s.say(Stop)
	if got := s.outcomes(); len(got) != 1 || got[0].Status != http.StatusOK || got[0].Released == 0 {
		t.Errorf("got %+v", got)
	}
}
