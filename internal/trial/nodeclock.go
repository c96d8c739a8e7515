package trial

import (
	"context"
	"strings"
	"time"
)

// nodeOffset is by how much a node's clock is ahead of ours; 0 where it may be the same, as on
// this machine, and where that cannot be known. A remote engine, or a machine that slept, has a
// clock of its own.
func nodeOffset(ctx context.Context, by Node, node string) time.Duration {
	asked := time.Now()
	out, err := by.Run(ctx, node, "clock")
	now := time.Now()
	said, ok := unixTime(strings.TrimSpace(string(out)))
	if err != nil || !ok {
		return 0
	}
	return clockOffset(asked, now, said)
}
