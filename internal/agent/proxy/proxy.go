// Package proxy is podproof's own TCP proxy in front of a dependency. It passes on what it gets,
// byte for byte, until it is told to behave as the dependency would in an outage: to refuse, to
// hang, to end what is open, or to be slow. So a dependency goes away on any cluster, whatever
// protocol it speaks, and nobody needs a right on a node for it. It judges nothing.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Route is a port that is listened on, and where what comes there goes.
type Route struct {
	Listen string // ":5432"
	Target string // "10.96.0.7:5432", which is dialled for each connection
}

// ParseRoute reads LISTEN=TARGET, "5432=10.96.0.7:5432".
func ParseRoute(s string) (Route, error) {
	listen, target, ok := strings.Cut(s, "=")
	if _, _, err := net.SplitHostPort(target); !ok || err != nil || listen == "" {
		return Route{}, fmt.Errorf("%q is not LISTEN=TARGET, such as 5432=10.96.0.7:5432", s)
	}
	if !strings.Contains(listen, ":") {
		listen = ":" + listen
	}
	return Route{listen, target}, nil
}

const (
	// mostLinks bounds the connections at a time. Those above it wait in the kernel's queue.
	mostLinks = 4096
	// dialWithin is how long the dependency may take to accept a connection.
	dialWithin = 10 * time.Second
)

// Proxy is one that runs from Start to Close. It refuses until it is told to pass.
type Proxy struct {
	routes []Route
	state  atomic.Pointer[state]
	slots  chan struct{}
	going  sync.WaitGroup
	ctx    context.Context
	stop   context.CancelFunc

	setting sync.Mutex // one fault is set after the other

	mu        sync.Mutex
	listeners []net.Listener // none while it refuses
	links     map[*link]struct{}
	tally     tally
}

// state is the fault that holds, and what is closed when another does.
type state struct {
	Fault
	over chan struct{}
}

// Start makes a proxy that refuses, which is to say that nobody listens yet. That it could is seen to.
func Start(ctx context.Context, routes []Route) (*Proxy, error) {
	p := &Proxy{routes: slices.Clone(routes), slots: make(chan struct{}, mostLinks), links: map[*link]struct{}{}, tally: newTally()}
	p.ctx, p.stop = context.WithCancel(ctx)
	p.state.Store(&state{Fault{Mode: Refused}, make(chan struct{})})
	if err := p.listen(); err != nil {
		p.stop()
		return nil, err
	}
	p.deafen()
	return p, nil
}

// Close ends all connections, and waits until nothing of the proxy runs any more.
func (p *Proxy) Close() {
	p.stop()
	p.deafen()
	p.end(true)
	p.going.Wait()
}

// listen opens the ports that are not open.
func (p *Proxy) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listeners != nil || p.ctx.Err() != nil {
		return nil
	}
	var open []net.Listener
	for i, r := range p.routes {
		l, err := new(net.ListenConfig).Listen(p.ctx, "tcp", r.Listen)
		if err != nil {
			for _, l := range open {
				l.Close()
			}
			return fmt.Errorf("listening on %s: %w", r.Listen, err)
		}
		p.routes[i].Listen = l.Addr().String() // port 0 stays the one that it got
		open = append(open, l)
	}
	p.listeners = open
	for i, l := range open {
		target := p.routes[i].Target
		p.going.Go(func() { p.accept(l, target) })
	}
	return nil
}

// deafen closes the ports, so that the kernel refuses whoever connects, also those that it has
// accepted and nobody has taken yet.
func (p *Proxy) deafen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.listeners {
		l.Close()
	}
	p.listeners = nil
}

func (p *Proxy) accept(l net.Listener, target string) {
	for {
		select {
		case p.slots <- struct{}{}:
		case <-p.ctx.Done():
			return
		}
		c, err := l.Accept()
		if err != nil {
			<-p.slots
			if errors.Is(err, net.ErrClosed) || p.ctx.Err() != nil {
				return
			}
			select { // out of descriptors, say: the next may fare better
			case <-time.After(50 * time.Millisecond):
			case <-p.ctx.Done():
			}
			continue
		}
		x := newLink(p.ctx, c.(*net.TCPConn))
		if !p.enter(x, l) {
			x.end(true)
			<-p.slots
			continue
		}
		p.going.Go(func() {
			defer func() { <-p.slots }()
			defer p.leave(x)
			p.serve(x, target)
		})
	}
}

// enter takes a connection in, unless its port has been closed meanwhile.
func (p *Proxy) enter(x *link, l net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Load().Mode == Refused || !slices.Contains(p.listeners, l) {
		return false
	}
	p.links[x] = struct{}{}
	p.tally.accepted(x)
	return true
}

func (p *Proxy) leave(x *link) {
	x.end(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, x)
	p.tally.left(x)
}

// serve joins a connection with the dependency, and returns when either has ended it.
func (p *Proxy) serve(x *link, target string) {
	if !p.due(x, time.Now(), 2) { // to connect takes a round trip
		return
	}
	ctx, cancel := context.WithTimeout(x.ctx, dialWithin) // one that has ended waits for no dial
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		p.unreached(x, err)
		return
	}
	if !p.join(x, c.(*net.TCPConn)) {
		return
	}
	x.pass(p)
}

// unreached ends a connection that the dependency does not take.
func (p *Proxy) unreached(x *link, err error) {
	if x.end(true) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tally.unreached(err)
	}
}

// join has a connection be one with the dependency. It is false where it has ended meanwhile.
func (p *Proxy) join(x *link, c *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !x.join(c) {
		return false
	}
	p.tally.joined(x)
	return true
}

// end ends the open connections, and counts them.
func (p *Proxy) end(reset bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for x := range p.links {
		if x.end(reset) {
			n++
		}
	}
	p.tally.ended += n
	return n
}

// due waits until what came at a time may go on, which takes so many halves of a round trip. It is
// false when the connection has ended.
func (p *Proxy) due(x *link, came time.Time, halves int) bool {
	for {
		s := p.state.Load()
		var wait <-chan time.Time
		switch s.Mode {
		case Frozen:
		case Slow:
			rest := time.Until(came.Add(time.Duration(halves) * s.Delay / 2))
			if rest <= 0 {
				return x.ctx.Err() == nil
			}
			wait = time.After(rest)
		default:
			return x.ctx.Err() == nil
		}
		select {
		case <-s.over:
		case <-wait:
		case <-x.ctx.Done():
			return false
		}
	}
}
