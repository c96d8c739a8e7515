package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// network is that of a pod, by a process in it.
type network struct{ pid int }

// network finds one, and tells whether there is any. A process that has ended but was not
// reaped has left its network.
func (h Host) network(o Owner) (network, bool, error) {
	ps, err := h.processes(o)
	for _, p := range ps {
		if _, err := os.Readlink(p.file("ns/net")); err == nil {
			return network{p.pid}, true, nil
		}
	}
	return network{}, false, err
}

// run runs a program of the node's in the network, and returns what it printed.
func (n network) run(ctx context.Context, program string, args ...string) (string, error) {
	args = append([]string{"-t", strconv.Itoa(n.pid), "-n", program}, args...)
	var says strings.Builder
	c := exec.CommandContext(ctx, "nsenter", args...)
	c.Stderr = &says
	out, err := c.Output()
	if err != nil {
		return string(out), fmt.Errorf("`nsenter %s`: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(says.String()))
	}
	return string(out), nil
}
