package images

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"podproof.dev/hack/internal/docker"
)

// present asks the engine once which of the references it has.
func present(ctx context.Context, engine docker.Engine, refs []string) (map[string]bool, error) {
	// The command fails when any is missing, and prints the others all the same.
	text, err := engine.Output(ctx, append([]string{"image", "inspect", "--format", "{{json .RepoTags}} {{json .RepoDigests}}"}, refs...)...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !strings.Contains(strings.ToLower(err.Error()), "no such image") {
		return nil, err
	}
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		values := json.NewDecoder(strings.NewReader(line))
		for values.More() {
			var list []string
			if err := values.Decode(&list); err != nil {
				return nil, fmt.Errorf("docker image inspect: %q: %w", line, err)
			}
			for _, name := range list {
				names[name] = true
			}
		}
	}
	found := map[string]bool{}
	for _, ref := range refs {
		found[ref] = names[stored(ref)]
	}
	return found, nil
}

// stored is the name that the engine keeps a reference under: one with a digest loses its tag.
func stored(ref string) string {
	name, digest, pinned := strings.Cut(ref, "@")
	if !pinned {
		return ref
	}
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return name + "@" + digest
}
