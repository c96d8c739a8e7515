package node

import (
	"context"
	"net"
	"time"
)

// Connect connects to an address until it is taken, for 20 s at most. That nobody takes it is
// no error: whoever comes next learns it, and says more.
func Connect(ctx context.Context, address string) error {
	const (
		limit = 20 * time.Second
		every = 200 * time.Millisecond
		// A packet that was lost is sent again by the old route: a new attempt may have another.
		once = 2 * time.Second
	)
	d := net.Dialer{Timeout: once}
	return until(ctx, every, limit, func() (bool, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return false, nil
		}
		_ = c.Close() // nothing was sent
		return true, nil
	})
}
