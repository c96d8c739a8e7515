package trial

import "context"

// Limiter lets only so many pods start at once. A start takes about a second of CPU, and on a
// small node a crowd of them would make each look slow; one that is short of CPU has them
// start one by one. A nil Limiter is always open.
type Limiter struct {
	slots, alone chan struct{}
	starved      func() bool
}

// NewLimiter lets n pods start at once, and one while starved says so.
func NewLimiter(n int, starved func() bool) *Limiter {
	return &Limiter{slots: make(chan struct{}, n), alone: make(chan struct{}, 1), starved: starved}
}

// enter waits for a turn. Its error is the context's cause.
func (g *Limiter) enter(ctx context.Context) (leave func(), err error) {
	if g == nil {
		return func() {}, nil
	}
	if err := take(ctx, g.slots); err != nil {
		return nil, err
	}
	if !g.starved() {
		return func() { <-g.slots }, nil
	}
	if err := take(ctx, g.alone); err != nil {
		<-g.slots
		return nil, err
	}
	return func() { <-g.alone; <-g.slots }, nil
}

func take(ctx context.Context, turn chan<- struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
