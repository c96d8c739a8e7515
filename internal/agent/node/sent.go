package node

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// longestLine is more than containerd writes into one line.
const longestLine = 1 << 20

// Sent waits until containerd has written in its log, since a time in seconds, that it sends a
// container its stop signal (internal/cri/server/container_stop.go), and returns that line,
// which says when. It is empty where the limit is over, or where the node keeps no journal.
func Sent(ctx context.Context, id string, limit time.Duration, since int64) (string, error) {
	if _, err := exec.LookPath("journalctl"); err != nil {
		return "", nil
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	journal := exec.CommandContext(within, "journalctl", "-q", "-u", "containerd", "-o", "cat", "--no-pager", "-n", "all", "-f",
		"--since", "@"+strconv.FormatInt(since, 10))
	log, err := journal.StdoutPipe()
	if err == nil {
		err = journal.Start()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil:
		return "", fmt.Errorf("following the journal of containerd: %w", err)
	}
	says := regexp.MustCompile("Stop container .*" + regexp.QuoteMeta(id) + ".* with signal")
	found := ""
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		if says.MatchString(lines.Text()) {
			found = lines.Text()
			break
		}
	}
	cancel()
	_ = journal.Wait() // it follows until it is ended
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return found, nil
}
