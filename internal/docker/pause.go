package docker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/moby/moby/client"
)

// Pause freezes all processes of a container, which keep their memory and use no CPU.
func (e *Engine) Pause(ctx context.Context, container string) error {
	if _, err := e.api.ContainerPause(ctx, container, client.ContainerPauseOptions{}); err != nil {
		return fmt.Errorf("pausing container %s (docker pause): %w", container, err)
	}
	return nil
}

// Unpause lets them go on.
func (e *Engine) Unpause(ctx context.Context, container string) error {
	if _, err := e.api.ContainerUnpause(ctx, container, client.ContainerUnpauseOptions{}); err != nil {
		return fmt.Errorf("resuming container %s (docker unpause): %w", container, err)
	}
	return nil
}

// Memory is what a container's processes hold of it, in bytes: not the cache of files, which gives way.
func (e *Engine) Memory(ctx context.Context, container string) (int64, error) {
	r, err := e.api.ContainerStats(ctx, container, client.ContainerStatsOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking what memory container %s takes (docker stats): %w", container, err)
	}
	defer func() { _ = r.Body.Close() }()
	var s struct {
		Memory struct {
			Usage int64
			Stats map[string]int64
		} `json:"memory_stats"`
	}
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		return 0, fmt.Errorf("reading what memory container %s takes: %w", container, err)
	}
	for _, held := range []string{"total_rss", "anon"} { // cgroup v1, v2
		if n, ok := s.Memory.Stats[held]; ok {
			return n, nil
		}
	}
	return s.Memory.Usage, nil
}
