package proxy

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"
)

// mostClients bounds the addresses that are remembered. Those with a connection always are.
const mostClients = 1024

// State is what the proxy does, and what it has seen since its start.
type State struct {
	Fault Fault `json:"fault"`
	// Accepted are all connections so far, Ended those that a fault has ended.
	Accepted int `json:"accepted"`
	Ended    int `json:"ended"`
	// Unreached are the connections that the dependency did not accept, and Why the last was not.
	Unreached int    `json:"unreached,omitempty"`
	Why       string `json:"why,omitempty"`
	// Resets are the segments with RST that the kernel has sent in the proxy's network: one for each
	// connection that it refused, among others. It is negative where the kernel does not tell.
	Resets  int64    `json:"resets"`
	Clients []Client `json:"clients,omitempty"`
}

// Client is an address that has, or had, connections.
type Client struct {
	Address string `json:"address"`
	// Open are those that it has, Joined those of them that are joined with the dependency, the oldest
	// for so many seconds, and Accepted all so far.
	Open     int     `json:"open"`
	Joined   int     `json:"joined"`
	Oldest   float64 `json:"oldestSeconds,omitempty"`
	Accepted int     `json:"accepted"`
	// Left is how many seconds ago the last one ended that was joined; negative where none has.
	Left float64 `json:"leftSecondsAgo"`
	// Sent are the bytes that it has sent to the dependency, Received those that it got.
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
}

// tally is the counting; the proxy's lock guards it.
type tally struct {
	all, ended, unreachedN int
	why                    string
	clients                map[netip.Addr]*client
	changed                chan struct{} // closed and replaced when a connection is joined or unreached
}

type client struct {
	open, joined, accepted int
	left                   time.Time
	sent, received         int64 // over those that have ended
}

func newTally() tally { return tally{clients: map[netip.Addr]*client{}, changed: make(chan struct{})} }

func (t *tally) accepted(x *link) {
	t.all++
	c := t.clients[x.from]
	if c == nil {
		c = &client{}
		t.clients[x.from] = c
	}
	c.open++
	c.accepted++
}

func (t *tally) joined(x *link) {
	x.since = time.Now()
	t.clients[x.from].joined++
	t.broadcast()
}

func (t *tally) unreached(err error) {
	t.unreachedN++
	t.why = err.Error()
	t.broadcast()
}

func (t *tally) left(x *link) {
	c := t.clients[x.from]
	c.open--
	if !x.since.IsZero() {
		c.joined--
		c.left = time.Now()
	}
	c.sent += x.sent.Load()
	c.received += x.received.Load()
	if c.open == 0 && len(t.clients) > mostClients {
		delete(t.clients, x.from)
	}
}

func (t *tally) broadcast() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// State is as it is now.
func (p *Proxy) State() State {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tally
	s := State{Fault: p.state.Load().Fault, Accepted: t.all, Ended: t.ended, Unreached: t.unreachedN, Why: t.why, Resets: resets("/proc/net/snmp")}
	for a, c := range t.clients {
		one := Client{Address: a.String(), Open: c.open, Joined: c.joined, Accepted: c.accepted, Left: -1, Sent: c.sent, Received: c.received}
		if !c.left.IsZero() {
			one.Left = now.Sub(c.left).Seconds()
		}
		for x := range p.links {
			if x.from != a {
				continue
			}
			one.Sent += x.sent.Load()
			one.Received += x.received.Load()
			if !x.since.IsZero() {
				one.Oldest = max(one.Oldest, now.Sub(x.since).Seconds())
			}
		}
		s.Clients = append(s.Clients, one)
	}
	slices.SortFunc(s.Clients, func(a, b Client) int { return cmp.Compare(a.Address, b.Address) })
	return s
}

// Await waits until one of the addresses has a connection that is joined with the dependency. That the
// context ended first is no error: whoever asks looks at the state.
func (p *Proxy) Await(ctx context.Context, from ...netip.Addr) {
	for {
		p.mu.Lock()
		changed, has := p.tally.changed, false
		for _, a := range from {
			c := p.tally.clients[a.Unmap()]
			has = has || c != nil && c.joined > 0
		}
		p.mu.Unlock()
		if has {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-p.ctx.Done():
			return
		}
	}
}
