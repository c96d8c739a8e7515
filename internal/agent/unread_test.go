package agent

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/health"

	"podproof.dev/podproof/internal/evidence"
)

// late sends a request over a connection that it does not look at before.
type late struct{ connection }

func (late) open() bool { return true }

// A kept connection that the server had closed before the request came is told apart from one
// whose request it read and did not answer.
func TestUnread(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what was acknowledged")
	}
	for _, c := range []struct {
		name   string
		reads  bool
		unread bool
	}{
		{"closed before", false, true},
		{"read, and not answered", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			accepted := make(chan net.Conn, 1)
			go func() {
				s, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				if c.reads {
					_, _ = io.ReadAtLeast(s, make([]byte, 4096), 60)
				}
				s.Close()
				accepted <- s
			}()
			w, err := dial(t.Context(), l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if !c.reads {
				<-accepted // and closed
			}
			x := &exchange{Stream: Stream{Address: l.Addr().String(), Method: "GET", KeepAlive: true, Timeout: 5000}, tell: func(Line) {}}
			o, rest := x.request(t.Context(), late{newHTTP1(w)})
			if !gone(classOf(o)) || o.Unread != c.unread || !o.Reused || rest != nil {
				t.Errorf("got %+v", o)
			}
		})
	}
}

// A server that closes a kept connection while a request lies there that it has not looked at resets
// it, with TLS' goodbye before that or without; one that has read the request does not.
func TestUnreadThoughAcknowledged(t *testing.T) {
	for _, c := range []struct {
		name   string
		tls    bool
		does   func(t *testing.T, raw *net.TCPConn, s net.Conn)
		unread bool
	}{
		{"in the clear, not looked at", false, func(t *testing.T, raw *net.TCPConn, s net.Conn) { arrived(t, raw); s.Close() }, true},
		{"over TLS, not looked at", true, func(t *testing.T, raw *net.TCPConn, s net.Conn) { arrived(t, raw); s.Close() }, true},
		{"in the clear, read", false, func(t *testing.T, _ *net.TCPConn, s net.Conn) { readRequest(t, s); s.Close() }, false},
		{"over TLS, read", true, func(t *testing.T, _ *net.TCPConn, s net.Conn) { readRequest(t, s); s.Close() }, false},
		{"thrown away after a while", false, func(t *testing.T, raw *net.TCPConn, s net.Conn) {
			readRequest(t, s)
			time.Sleep(atOnce)
			_ = raw.SetLinger(0)
			s.Close()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(nil)
			server.StartTLS()
			defer server.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ready, done := make(chan bool), make(chan bool)
			go func() {
				defer close(done)
				raw, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				s := raw
				if c.tls {
					x := tls.Server(raw, &tls.Config{Certificates: server.TLS.Certificates})
					if err := x.Handshake(); err != nil {
						t.Error(err)
					}
					s = x
				}
				close(ready) // else it might read the request with the end of the handshake
				c.does(t, raw.(*net.TCPConn), s)
			}()
			protocol := "http"
			if c.tls {
				protocol = protocolHTTPS
			}
			x := &exchange{Stream: Stream{Protocol: protocol, Address: l.Addr().String(), Method: "GET", KeepAlive: true, Timeout: 5000}, tell: func(Line) {}}
			w, err := x.connect(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			<-ready
			o, _ := x.request(t.Context(), late{w})
			if o.Failure == "" || o.Unread != c.unread {
				t.Errorf("got %+v", o)
			}
			<-done
		})
	}
}

// arrived waits until there is something to read, and reads nothing.
func arrived(t *testing.T, c *net.TCPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	err = raw.Read(func(fd uintptr) bool {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return n > 0 || err != syscall.EAGAIN
	})
	if err != nil {
		t.Error(err)
	}
}

func readRequest(t *testing.T, c net.Conn) {
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		t.Error(err)
	}
}

// classOf is an error of the class that a request failed with.
func classOf(o evidence.Request) error { return &classed{io.ErrNoProgress, o.Failure} }

// Only of TCP it is known what was acknowledged.
func TestAcknowledged(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what was acknowledged")
	}
	for network, want := range map[string]bool{"tcp": true, "unix": false} {
		address := map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")}[network]
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, known := acknowledged(c); known != want {
			t.Errorf("%s: known %t, want %t", network, known, want)
		}
		c.Close()
		if _, known := acknowledged(c); known {
			t.Errorf("%s: known of a closed connection", network)
		}
	}
}

// What an HTTP/2 server says of a stream that it has not read.
func TestUnreadHTTP2(t *testing.T) {
	if unread(nil) || unread(io.EOF) || !unread(http2Error{Code: refusedStream}) || unread(http2Error{Code: 8}) {
		t.Error("REFUSED_STREAM is what tells it")
	}
}

// A kept HTTP/2 connection that was over when it was to be used carried nothing of the request,
// which goes over another one then, as the requests of any client do.
func TestUnsentOverHTTP2(t *testing.T) {
	address, server := startGRPC(t, health.NewServer())
	g, err := dialGRPC(t.Context(), address, func() {})
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	for g.open() { // until it has seen the end
		runtime.Gosched()
	}
	x := &exchange{Stream: Stream{Protocol: "grpc", Address: address, KeepAlive: true, Timeout: 5000}, tell: func(Line) {}}
	if o, _ := x.request(t.Context(), late{g}); o.Failure != "" || o.Status != 200 || o.Reused {
		t.Errorf("got %+v", o)
	}
	server.Stop()
	if o, _ := x.request(t.Context(), late{g}); o.Failure != "refused" || o.Reused {
		t.Errorf("nobody listens any more: got %+v", o)
	}
}

// A server that says GOAWAY has told its clients, also the one whose request it did not read.
func TestGoAwayTells(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		s, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		if _, err := io.ReadFull(s, make([]byte, len(http2.ClientPreface))); err != nil {
			t.Error(err)
			return
		}
		f := http2.NewFramer(s, s)
		_ = f.WriteSettings()
		for {
			if frame, err := f.ReadFrame(); err != nil || frame.Header().Type == http2.FrameHeaders {
				break
			}
		}
		_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
		_, _ = io.Copy(io.Discard, s) // until the client hangs up
	}()
	x := &exchange{Stream: Stream{Protocol: "grpc", Address: l.Addr().String(), KeepAlive: true, Timeout: 5000}, tell: func(Line) {}}
	if o, _ := x.request(t.Context(), nil); !o.Unread || !o.Closes || o.Failure == "" {
		t.Errorf("got %+v", o)
	}
}
