package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve answers each connection with what says does, and returns its address.
func serve(t *testing.T, says func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			says(c)
		}
	}()
	return l.Addr().String()
}

func TestFarewell(t *testing.T) {
	asked := make(chan []byte, 1)
	address := serve(t, func(c net.Conn) {
		b := make([]byte, len(sslRequest))
		_, _ = io.ReadFull(c, b)
		asked <- b
		_, _ = c.Write([]byte("N"))
	})
	got := run([]string{"-farewell", address, "/bin/sh", "-c", "trap 'exit 4' TERM; kill -TERM $PPID; while :; do :; done"})
	if got != 4 {
		t.Errorf("exit code %d, want that of the program, 4", got)
	}
	if b := <-asked; string(b) != string(sslRequest) {
		t.Errorf("asked %v", b)
	}
}

func TestFront(t *testing.T) {
	program := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(program.Close)
	address := freeAddress(t)
	end, err := front(address, strings.TrimPrefix(program.URL, "http://"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{http.StatusNotFound, http.StatusServiceUnavailable} {
		answer, err := http.Get("http://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("status %d, want %d", answer.StatusCode, want)
		}
		end()
	}
}

func TestFrontWaitsForItsClients(t *testing.T) {
	program := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(program.Close)
	address := freeAddress(t)
	end, err := front(address, strings.TrimPrefix(program.URL, "http://"), "", true)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{}}
	ask := func() {
		answer, err := client.Get("http://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	ask()
	ended := make(chan struct{})
	go func() { end(); close(ended) }()
	ask() // over the connection that is kept
	select {
	case <-ended:
		t.Error("it ended while a client kept its connection")
	default:
	}
	client.CloseIdleConnections()
	<-ended
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTunnel(t *testing.T) {
	words := make(chan int, 1)
	target := serve(t, func(c net.Conn) {
		_, _ = c.Write(make([]byte, <-words))
		_ = c.Close()
	})
	address := freeAddress(t)
	if err := tunnel(address, target); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{greeting, greeting + 1} { // the first is a refusal
		words <- n
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		b, err := io.ReadAll(c)
		if err != nil || len(b) != n {
			t.Errorf("got %d bytes and %v, want %d", len(b), err, n)
		}
		c.Close()
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(end) {
			t.Fatal("it takes connections after the target has ended one")
		}
	}
}

func TestInsist(t *testing.T) {
	asked := 0
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(program.Close)
	address := freeAddress(t)
	if _, err := front(address, strings.TrimPrefix(program.URL, "http://"), "/query", false); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + address + "/query")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || asked != 4 { // the last one is passed on
		t.Errorf("status %d after the program was asked %d times", answer.StatusCode, asked)
	}
}
