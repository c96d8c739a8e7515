package node

import (
	"context"
	"time"
)

// until looks again and again, and once at least, until there is what it looks for. That the
// limit is over is no error.
func until(ctx context.Context, every, limit time.Duration, look func() (bool, error)) error {
	end := time.Now().Add(limit)
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		if !time.Now().Before(end) {
			return nil
		}
		if err := rest(ctx, every); err != nil {
			return err
		}
	}
}

// rest waits for a time, or until nobody waits for it any more.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
