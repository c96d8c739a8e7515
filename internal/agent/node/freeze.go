package node

import (
	"context"
	"fmt"
	"time"
)

// Freeze stops the processes of an owner, and counts them. Two looks in a row must find them all
// stopped: one that was forked beside the first look is in the second. It gives up where they
// do not stop, and leaves it to the caller to thaw those that did.
func (h Host) Freeze(ctx context.Context, o Owner) (met int, err error) {
	const (
		looks = 100
		every = 50 * time.Millisecond
		inRow = 2
	)
	stop, err := signalNamed("STOP")
	if err != nil {
		return 0, err
	}
	running, calm := 0, 0
	for range looks {
		ps, err := h.processes(o)
		if err != nil {
			return 0, err
		}
		met, running = 0, 0
		for _, p := range ps {
			state := p.state()
			if ended(state) {
				continue
			}
			met++
			if state != "T" && state != "t" {
				p.signal(stop, o)
				running++
			}
		}
		if calm++; running > 0 {
			calm = 0
		}
		if calm == inRow {
			return met, nil
		}
		if err := rest(ctx, every); err != nil {
			return met, err
		}
	}
	return met, fmt.Errorf("SIGSTOP did not stop %d of its %d processes", running, met)
}

// Thaw lets the processes of an owner go on, and counts them. It asks for no command line, since
// one that was stopped while it started a program has none.
func (h Host) Thaw(o Owner) (met int, err error) {
	goOn, err := signalNamed("CONT")
	if err != nil {
		return 0, err
	}
	ps, err := h.processes(o)
	if err != nil {
		return 0, err
	}
	for _, p := range ps {
		if !ended(p.state()) && p.signal(goOn, o) {
			met++
		}
	}
	return met, nil
}

// ended tells a process that has ended, whether its parent was told of it or not, by its state.
func ended(state string) bool { return state == "" || state == "Z" || state == "X" }
