package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// CleanupWithin bounds the removal of all that a run created.
const CleanupWithin = 60 * time.Second

// cleanup is a stack of removals, each put there before the thing is created.
type cleanup struct {
	mu    sync.Mutex
	stack []removal
	// failed is set once a removal has not succeeded.
	failed bool
}

type removal struct {
	what string
	do   func(context.Context) error
}

func (c *cleanup) add(what string, do func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stack = append(c.stack, removal{what, do})
}

// unsure leaves the run written down for the next one's sweep: something may be made yet.
func (c *cleanup) unsure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
}

// complete tells whether all that was to be removed by now is.
func (c *cleanup) complete() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.failed
}

// run removes the newest first, and goes on after an error. The run's own context may have
// ended; this one has its own time.
func (c *cleanup) run() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), CleanupWithin,
		fmt.Errorf("cleaning up took longer than %s", CleanupWithin))
	defer cancel()
	c.mu.Lock()
	stack := c.stack
	c.stack = nil
	c.mu.Unlock()
	var errs []error
	for i := len(stack) - 1; i >= 0; i-- {
		if err := protect(stack[i].what, func() error { return stack[i].do(ctx) }); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", stack[i].what, err))
			c.unsure()
		}
	}
	return errors.Join(errs...)
}
