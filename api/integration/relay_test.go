//go:build integration

package integration

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// relay stands between the service and Postgres and does what networks and nodes do:
// it cuts connections, refuses new ones, or goes silent.
type relay struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	flow   chan struct{} // closed while bytes flow; an open one holds them up
	refuse bool
	conns  []net.Conn
}

// newRelay returns a relay and the URL that leads through it.
func newRelay(t *testing.T, databaseURL string) (*relay, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	target := u.Host
	if u.Port() == "" {
		target = net.JoinHostPort(u.Hostname(), "5432")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target, flow: make(chan struct{})}
	close(r.flow)
	go r.run()
	t.Cleanup(func() {
		_ = listener.Close()
		r.thaw()
		r.cut()
	})
	u.Host = listener.Addr().String()
	return r, u.String()
}

func (r *relay) run() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		refuse := r.refuse
		r.mu.Unlock()
		if refuse {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, client, server)
		r.mu.Unlock()
		go r.copy(server, client)
		go r.copy(client, server)
	}
}

func (r *relay) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		r.mu.Lock()
		flow := r.flow
		r.mu.Unlock()
		<-flow
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// cut ends every connection, as a Postgres that dies does.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// allow says whether new connections are accepted.
func (r *relay) allow(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = !yes
}

// freeze stops the flow of bytes and keeps connections open, as a stopped process does.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flow = make(chan struct{})
}

func (r *relay) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.flow:
	default:
		close(r.flow)
	}
}
