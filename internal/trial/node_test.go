package trial

import (
	"context"
	"io"
	"strings"
	"testing"
)

// mute is the part of a fake node that streams nothing.
type mute struct{}

func (mute) Stream(context.Context, string, io.Writer, string, ...string) error { return nil }

// What streams from a node is guarded like what runs there, and reaches it.
func TestAGuardedNodes(t *testing.T) {
	out := new(strings.Builder)
	g := Guarded{&countedHere{}}
	if err := g.Stream(t.Context(), "worker", out, "logs", t.TempDir()); err != nil || out.String() != ">\n" {
		t.Errorf("%q, %v", out, err)
	}
	if err := g.Stream(t.Context(), "worker", out, "logs", ""); err == nil {
		t.Error("a command with an empty argument was run")
	}
}

// countedHere runs on this machine what it is to stream.
type countedHere struct {
	here
	countedNode
}

func (c *countedHere) Stream(ctx context.Context, node string, out io.Writer, command string, args ...string) error {
	return c.here.Stream(ctx, node, out, command, args...)
}
