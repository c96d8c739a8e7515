package trial

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// Guarded is a node of which nothing is asked with an empty argument. An ID that is not known
// yet is one, and an empty one could mean every process of the node.
type Guarded struct{ Node }

// Run asks, or refuses it. The error names the position of what is empty.
func (g Guarded) Run(ctx context.Context, node, op string, args ...string) ([]byte, error) {
	if err := complete(node, op, args); err != nil {
		return nil, err
	}
	return g.Node.Run(ctx, node, op, args...)
}

// Stream does the same for what it runs.
func (g Guarded) Stream(ctx context.Context, node string, out io.Writer, op string, args ...string) error {
	if err := complete(node, op, args); err != nil {
		return err
	}
	return g.Node.Stream(ctx, node, out, op, args...)
}

func complete(node, op string, args []string) error {
	if i := slices.Index(args, ""); i >= 0 {
		return fmt.Errorf("on node %s, `%s …`: argument %d is empty, such as the ID of a container that has none yet; nothing is done there, since it could mean every process of the node", node, op, i)
	}
	return nil
}
