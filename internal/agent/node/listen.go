package node

import (
	"context"
	"slices"
	"time"
)

// Listen waits until something listens on TCP in the owner's network, or the limit is over.
func (h Host) Listen(ctx context.Context, o Owner, limit time.Duration) error {
	const every = 100 * time.Millisecond
	return until(ctx, every, limit, func() (bool, error) {
		list, err := h.Sockets(o)
		return slices.ContainsFunc(parseSockets(list), func(s socket) bool { return s.state == listening }), err
	})
}
