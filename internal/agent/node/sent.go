package node

import (
	"context"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Sent waits until containerd has written in its log, since a time in seconds, that it sends a
// container its stop signal (internal/cri/server/container_stop.go), and returns that line,
// which says when. It is empty where the limit is over, or where the node keeps no journal.
func Sent(ctx context.Context, id string, limit time.Duration, since int64) (string, error) {
	const every = 200 * time.Millisecond
	if _, err := exec.LookPath("journalctl"); err != nil {
		return "", nil
	}
	says := regexp.MustCompile("Stop container .*" + regexp.QuoteMeta(id) + ".* with signal")
	found := ""
	err := until(ctx, every, limit, func() (bool, error) {
		// What is not there yet is no error: a unit's log may begin with its first line.
		log, _ := exec.CommandContext(ctx, "journalctl", "-q", "-u", "containerd", "-o", "cat", "--no-pager",
			"--since", "@"+strconv.FormatInt(since, 10)).Output()
		for line := range strings.Lines(string(log)) {
			if says.MatchString(line) {
				found = strings.TrimSuffix(line, "\n")
				return true, nil
			}
		}
		return false, nil
	})
	return found, err
}
