package docker

import (
	"context"
	"fmt"
	"slices"

	"github.com/moby/moby/client"
)

// AwaitStarted watches until a container that carries the label ("key=value") runs.
func (e *Engine) AwaitStarted(ctx context.Context, label string) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	// From before the first look on, so that no start falls between the two.
	events := e.api.Events(watching, client.EventsListOptions{Filters: client.Filters{}.Add("type", "container").Add("event", "start").Add("label", label)})
	there, err := e.Containers(ctx, label)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(c Container) bool { return c.State == "running" }) {
		return nil
	}
	select {
	case <-events.Messages:
		return nil
	case err := <-events.Err:
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("watching for a container labelled %s (docker events): %w", label, err)
	}
}
