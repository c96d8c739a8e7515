package node

import (
	"context"
	"strings"
)

// End ends the connections of a pod's network from within: each side is told with a reset. It
// counts them. A kernel without CONFIG_INET_DIAG_DESTROY ends none, which is no error.
func (h Host) End(ctx context.Context, o Owner) (ended int, err error) {
	n, found, err := h.network(o)
	if !found || err != nil {
		return 0, err
	}
	list, _ := n.run(ctx, "ss", "-HKtn", "state", "established")
	for line := range strings.Lines(list) {
		if strings.TrimSpace(line) != "" {
			ended++
		}
	}
	return ended, nil
}
