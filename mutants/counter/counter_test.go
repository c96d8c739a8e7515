package main

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// redis answers PING and INCR on a real connection.
func redis(t *testing.T) (address string, breakAll func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conns := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
			go func() {
				for in := bufio.NewScanner(c); in.Scan(); {
					switch in.Text() {
					case "PING":
						_, _ = c.Write([]byte("+PONG\r\n"))
					case "hits":
						_, _ = c.Write([]byte(":7\r\n"))
					case "jobs":
						_, _ = c.Write([]byte("$-1\r\n"))
					}
				}
			}()
		}
	}()
	return l.Addr().String(), func() { (<-conns).Close() }
}

func TestAPICountsInRedis(t *testing.T) {
	address, breakAll := redis(t)
	a := newAPI(address, "127.0.0.1:1", false)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, body := get("/hits"); code != 200 || body != "7" {
		t.Errorf("%d %s", code, body)
	}
	breakAll()
	if code, _ := get("/readyz"); code != 200 {
		t.Errorf("%d over a connection that had broken", code)
	}
	a.drain()
	if code, _ := get("/readyz"); code != 503 {
		t.Errorf("%d while it ends", code)
	}
}

func TestAStoreThatConnectsOnce(t *testing.T) {
	address, breakAll := redis(t)
	s := &store{address: address, once: true}
	if _, err := s.do("PING"); err != nil {
		t.Fatal(err)
	}
	breakAll()
	for range 2 {
		if _, err := s.do("PING"); err == nil {
			t.Error("it connects again")
		}
	}
}

func TestAPIWithoutRedisIsNotReady(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := httptest.NewRecorder()
	newAPI(l.Addr().String(), "", false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != 503 {
		t.Errorf("%d", w.Code)
	}
}

func TestStoreTellsThatThereIsNone(t *testing.T) {
	address, _ := redis(t)
	if job, err := (&store{address: address}).do("LPOP", "jobs"); job != "" || err != nil {
		t.Errorf("%q, %v", job, err)
	}
}
