package node

import (
	"context"
	"slices"
	"time"
)

// Gone waits until the processes are gone that the owner has now, and says between which two
// times the last of them went: before the last look that met one, and after the first that met
// none. Both are zero where there was none, or where one is left when the limit is over.
func (h Host) Gone(ctx context.Context, o Owner, limit time.Duration) (alive, gone time.Time, err error) {
	const every = 50 * time.Millisecond
	last := time.Now()
	ps, err := h.processes(o)
	if err != nil || len(ps) == 0 {
		return time.Time{}, time.Time{}, err
	}
	err = until(ctx, every, limit, func() (bool, error) {
		before := time.Now()
		if slices.ContainsFunc(ps, process.exists) {
			last = before
			return false, nil
		}
		alive, gone = last, time.Now()
		return true, nil
	})
	return alive, gone, err
}
