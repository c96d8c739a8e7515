package proxy

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// link is a client's connection, and the one to the dependency that it is joined with.
type link struct {
	from   netip.Addr
	client *net.TCPConn
	// sent and received are the bytes that have been passed on, to the dependency and from it.
	sent, received atomic.Int64
	// ctx ends with the link.
	ctx  context.Context
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	target *net.TCPConn // nil until it is joined
	flows  []*flow
	since  time.Time // when it was joined; guarded by the proxy's lock
}

func newLink(ctx context.Context, c *net.TCPConn) *link {
	x := &link{client: c}
	x.ctx, x.stop = context.WithCancel(ctx)
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		x.from = a.AddrPort().Addr().Unmap().WithZone("")
	}
	return x
}

// join is false where the link has ended meanwhile.
func (x *link) join(c *net.TCPConn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		c.Close()
		return false
	}
	x.target = c
	x.flows = []*flow{newFlow(x.client, c, &x.sent), newFlow(c, x.client, &x.received)}
	return true
}

// pass moves bytes both ways until both have ended, or one has failed.
func (x *link) pass(p *Proxy) {
	var both sync.WaitGroup
	for _, f := range x.flows {
		both.Go(func() { f.read(p, x) })
		both.Go(func() { f.write(p, x) })
	}
	both.Wait()
}

// end closes both connections, with a reset or as whoever has said everything. It is false where they
// are closed already.
func (x *link) end(reset bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return false
	}
	x.closed = true
	x.stop()
	for _, c := range []*net.TCPConn{x.client, x.target} {
		if c == nil {
			continue
		}
		if reset {
			_ = c.SetLinger(0) // it is closed in any case
		}
		c.Close()
	}
	for _, f := range x.flows {
		f.queue.end()
	}
	return true
}
