package images

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"podproof.dev/hack/internal/cache"
	"podproof.dev/hack/internal/progress"
	"podproof.dev/hack/internal/standin"
)

// Prune deletes stand-ins of older keys from the engine, and parts from the cache that no image of now uses.
func Prune(ctx context.Context, say *progress.Log, stderr io.Writer, hack string) error {
	result, builder, err := prepare(ctx, say, stderr, hack, nil)
	if err != nil {
		return err
	}
	unlock, err := cache.Lock(ctx, filepath.Join(builder.Dir, "lock"), func() {
		say.Say("Another run is building or pulling images: waiting for it.")
	})
	if err != nil {
		return err
	}
	defer unlock()
	keep := map[string]bool{}
	var current []standin.Image
	for _, c := range result.choices {
		keep[c.standin.Ref()] = true
		current = append(current, c.standin)
	}
	text, err := builder.Engine.Output(ctx, "image", "ls", "--filter", "reference="+standin.Registry+"/*", "--format", "{{.Repository}}:{{.Tag}}")
	if err != nil {
		return err
	}
	for _, ref := range strings.Fields(text) {
		if keep[ref] {
			continue
		}
		switch _, err := builder.Engine.Output(ctx, "image", "rm", ref); {
		case err == nil:
			say.Say("deleted %s", ref)
		case strings.Contains(err.Error(), "conflict"):
			say.Say("kept %s: a container uses it", ref)
		default:
			return err
		}
	}
	deleted, err := builder.Prune(current)
	for _, name := range deleted {
		say.Say("deleted %s", name)
	}
	if err != nil {
		return fmt.Errorf("prune the cache: %w", err)
	}
	return nil
}
