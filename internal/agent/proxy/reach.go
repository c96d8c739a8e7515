package proxy

import (
	"context"
	"fmt"
	"net"
	"time"
)

// reachEvery is the time between two tries to connect with a dependency.
const reachEvery = 100 * time.Millisecond

// Reach waits until every target accepts a connection: a Service may lead there a moment after the
// pod behind it is Ready.
func (p *Proxy) Reach(ctx context.Context) error {
	for _, r := range p.routes {
		if err := reach(ctx, r.Target); err != nil {
			return fmt.Errorf("the proxy does not reach the dependency at %s: %w", r.Target, err)
		}
	}
	return nil
}

func reach(ctx context.Context, target string) error {
	for last := error(nil); ; {
		one, cancel := context.WithTimeout(ctx, time.Second) // a packet that is dropped is sent again
		c, err := new(net.Dialer).DialContext(one, "tcp", target)
		cancel()
		if err == nil {
			return c.Close()
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-time.After(reachEvery):
		case <-ctx.Done():
			return last
		}
	}
}
