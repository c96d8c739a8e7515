package agent

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"

	"podproof.dev/podproof/internal/evidence"
)

// one asks once.
func one(t *testing.T, s Stream) evidence.Request {
	t.Helper()
	s.Count, s.Method, s.Timeout = 1, cmp.Or(s.Method, "GET"), 5000
	got := start(t, s).outcomes()
	if len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	return got[0]
}

// The certificate is nobody's, the name that is asked for is the Host's, and HTTP/2 is not offered.
func TestHTTPS(t *testing.T) {
	names := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, " ", r.Host) }))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	o := one(t, Stream{Protocol: "https", Address: server.Listener.Addr().String(), Host: "shop.example:8443"})
	if name := <-names; o.Status != http.StatusOK || o.Body != "HTTP/1.1 shop.example:8443" || name != "shop.example" {
		t.Errorf("the name %q was asked for, got %+v", name, o)
	}
}

func TestOverTheWrongProtocol(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer plain.Close()
	rpc := listenGRPC(t, health.NewServer())
	for _, c := range []struct {
		protocol, address string
		want              []string
	}{
		{"https", plain.Listener.Addr().String(), []string{"tls"}},
		// It depends on who is first: the answer that is none, or the connection's end behind it.
		{"grpc", plain.Listener.Addr().String(), []string{"protocol", "reset", "closed"}},
		{"http", rpc, []string{"protocol", "reset", "closed"}},
	} {
		o := one(t, Stream{Protocol: c.protocol, Address: c.address})
		if !slices.Contains(c.want, o.Failure) || o.Connected == 0 || o.Error == "" {
			t.Errorf("%s: got %+v, want the failure %q after a connection", c.protocol, o, c.want)
		}
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := start(t, Stream{Protocol: "tcp", Address: l.Addr().String(), Count: 2, KeepAlive: true, Timeout: 5000}).outcomes()
	if len(got) != 2 || got[0].Status != http.StatusOK || got[1].Status != http.StatusOK || !got[1].Reused {
		t.Errorf("got %+v", got)
	}
	l.Close()
	if o := one(t, Stream{Protocol: "tcp", Address: l.Addr().String()}); o.Failure != "refused" || o.Status != 0 {
		t.Errorf("nobody listens: got %+v", o)
	}
}

func TestEmptyPath(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer server.Close()
	if o := one(t, Stream{Address: server.Listener.Addr().String()}); o.Status != http.StatusOK || o.Body != "/" {
		t.Errorf("got %+v", o)
	}
}

// listenGRPC serves gRPC, with a health service or without.
func listenGRPC(t *testing.T, h *health.Server) string {
	t.Helper()
	address, _ := startGRPC(t, h)
	return address
}

func startGRPC(t *testing.T, h *health.Server, more ...grpc.ServerOption) (string, *grpc.Server) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(more...)
	if h != nil {
		grpc_health_v1.RegisterHealthServer(s, h)
	}
	go func() { _ = s.Serve(l) }() // it ends with the test
	t.Cleanup(s.Stop)
	return l.Addr().String(), s
}

// begun tells of each call that has reached the server. A client has sent its call before that: a
// server that ends in between resets a connection which it had not accepted yet.
type begun chan struct{}

func (b begun) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.InHeader); ok {
		b <- struct{}{}
	}
}
func (begun) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (begun) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (begun) HandleConn(context.Context, stats.ConnStats)                       {}

func TestGRPC(t *testing.T) {
	h := health.NewServer()
	h.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	healthy, without := listenGRPC(t, h), listenGRPC(t, nil)
	for _, c := range []struct {
		name, address, service string
		want                   int
		says                   string
	}{
		{"the server", healthy, "", 200, "SERVING"},
		{"a service that is not well", healthy, "shop", 503, "NOT_SERVING"},
		{"a service that is not there", healthy, "shoo", 404, "grpc-status 5 NOT_FOUND: unknown service"},
		{"no health service", without, "", 501, "grpc-status 12 UNIMPLEMENTED: unknown service grpc.health.v1.Health"},
	} {
		if o := one(t, Stream{Protocol: "grpc", Address: c.address, Service: c.service}); o.Status != c.want || o.Body != c.says || o.Failure != "" {
			t.Errorf("%s: got %+v", c.name, o)
		}
	}
}

// A load asks whether it is answered: a server that says that it does not serve any more has answered.
func TestGRPCAnyState(t *testing.T) {
	h := health.NewServer()
	h.Shutdown()
	address, without := listenGRPC(t, h), listenGRPC(t, nil)
	if o := one(t, Stream{Protocol: "grpc", Address: address, AnyState: true}); o.Status != http.StatusOK || o.Body != "NOT_SERVING" {
		t.Errorf("got %+v", o)
	}
	if o := one(t, Stream{Protocol: "grpc", Address: without, AnyState: true}); o.Status != http.StatusNotImplemented {
		t.Errorf("no health service: got %+v", o)
	}
}

// Servers and proxies take a call for gRPC by its headers (PROTOCOL-HTTP2.md of grpc/grpc: "te: trailers" is
// how a proxy that would lose the trailers is found out), and a user's own go along.
func TestGRPCHeaders(t *testing.T) {
	calls := make(chan *http.Request, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r }))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	one(t, Stream{Protocol: "grpc", Address: server.Listener.Addr().String(), Host: "shop.example", Header: map[string]string{"X-Tenant": "a"}})
	r := <-calls
	for name, want := range map[string]string{"Content-Type": "application/grpc", "Te": "trailers", "User-Agent": "podproof", "X-Tenant": "a"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r.Method != http.MethodPost || r.Host != "shop.example" || r.URL.Path != "/grpc.health.v1.Health/Check" {
		t.Errorf("%s %s of %s", r.Method, r.URL, r.Host)
	}
}

// A server that ends says GOAWAY, which the next request finds.
func TestGRPCKept(t *testing.T) {
	address, server := startGRPC(t, health.NewServer())
	s := start(t, Stream{Name: "kept", Protocol: "grpc", Address: address, KeepAlive: true, Every: 5, Timeout: 5000})
	for s.next().Outcome == nil {
	}
	if o := s.next().Outcome; o == nil || !o.Reused || o.Idle <= 0 || o.Status != http.StatusOK {
		t.Fatalf("got %+v", o)
	}
	server.GracefulStop()
	var after []evidence.Request
	for !slices.ContainsFunc(after, func(o evidence.Request) bool { return o.Failure == "refused" }) {
		if o := s.next().Outcome; o != nil {
			after = append(after, *o)
		}
	}
	for _, o := range after {
		if o.Failure != "" && o.Failure != "refused" {
			t.Errorf("lost although the server said that it ends: %+v", o)
		}
	}
}

// A call is under way while its message is held, at a server that then ends.
func TestGRPCHeld(t *testing.T) {
	call := make(begun, 1)
	address, server := startGRPC(t, health.NewServer(), grpc.StatsHandler(call))
	s := start(t, Stream{Name: "slow", Protocol: "grpc", Address: address, Hold: true, Count: 1, Timeout: 5000})
	if l := s.next(); l.Held != "slow" {
		t.Fatalf("got %+v", l)
	}
	<-call
	ended := make(chan struct{})
	go func() { server.GracefulStop(); close(ended) }()
	s.say(Release)
	if got := s.outcomes(); len(got) != 1 || got[0].Status != http.StatusOK || got[0].Early {
		t.Errorf("got %+v", got)
	}
	<-ended
}

func TestGRPCLost(t *testing.T) {
	address, server := startGRPC(t, health.NewServer())
	s := start(t, Stream{Name: "slow", Protocol: "grpc", Address: address, Hold: true, Count: 1, Timeout: 5000})
	for s.next().Held == "" {
	}
	server.Stop()
	if got := s.outcomes(); len(got) != 1 || got[0].Failure != "closed" && got[0].Failure != "reset" {
		t.Errorf("got %+v", got)
	}
}

// An address is no name that TLS may ask for, and a name without a port is one.
func TestTheNameThatTLSAsksFor(t *testing.T) {
	names := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- h.ServerName
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	for host, want := range map[string]string{"shop.example": "shop.example", "10.0.0.7:443": "", "10.0.0.7": "", "": ""} {
		o := one(t, Stream{Protocol: "https", Address: server.Listener.Addr().String(), Host: host})
		if name := <-names; name != want || o.Status != http.StatusOK {
			t.Errorf("of the host %q the name %q was asked for: %+v", host, name, o)
		}
	}
}

// A kept connection over which nothing is said is made again where the server has closed it; one that
// greets has not.
func TestTCPKept(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func(net.Conn)
		reused bool
	}{
		"it is kept":   {func(net.Conn) {}, true},
		"it is closed": {func(c net.Conn) { c.Close() }, false},
		"it greets":    {func(c net.Conn) { fmt.Fprint(c, "220 mail ready\r\n") }, true},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				s, err := l.Accept()
				if err != nil {
					return
				}
				c.serve(s)
			}
		}()
		got := start(t, Stream{Protocol: "tcp", Address: l.Addr().String(), Count: 2, KeepAlive: true, Every: 50, Timeout: 5000}).outcomes()
		if len(got) != 2 || got[1].Status != http.StatusOK || got[1].Reused != c.reused || got[1].Failure != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
