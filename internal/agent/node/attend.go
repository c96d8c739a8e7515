package node

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// Attend stays as long as the processes do that the owner has now, or until the limit is over: a
// container beside them must not end before them, when its pod is deleted, and must not outlive
// them either, for the pod would. It says when it is told to end, which is when they are.
func (h Host) Attend(ctx context.Context, o Owner, limit time.Duration, told func(time.Time) error) error {
	sigterm := make(chan os.Signal, 1)
	signal.Notify(sigterm, syscall.SIGTERM)
	defer signal.Stop(sigterm)
	ps, err := h.processes(o)
	if err != nil {
		return err
	}
	if len(ps) == 0 {
		return fmt.Errorf("no process of container %s is in sight: the container runtime did not share its PID namespace (targetContainerName), or it has ended", o)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // which ends with SIGTERM
	defer cancel()
	gone := make(chan error, 1)
	go func() {
		_, _, err := h.Gone(ctx, o, limit)
		gone <- err
	}()
	for {
		select {
		case <-sigterm:
			if err := told(time.Now()); err != nil {
				return err
			}
		case err := <-gone:
			return err
		}
	}
}

// Living says at each look whether one of the processes is there that the owner has now: once more
// when none is, and it ends then, or when the limit is over.
func (h Host) Living(ctx context.Context, o Owner, limit time.Duration, say func(alive bool, at time.Time) error) error {
	const every = 50 * time.Millisecond
	ps, err := h.processes(o)
	if err != nil || len(ps) == 0 {
		return err
	}
	return until(ctx, every, limit, func() (bool, error) {
		at := time.Now()
		alive := slices.ContainsFunc(ps, process.exists)
		if !alive {
			at = time.Now() // after the look
		}
		return !alive, say(alive, at)
	})
}
