package node

import (
	"fmt"
	"time"
)

// clock writes a time of the node's real-time clock as `date +%s.%N` does.
func clock(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }
