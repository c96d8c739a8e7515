package node

import (
	"context"
	"fmt"
)

// changing are those that do something to a container or a pod.
var changing = []Op{
	{
		Name: "signal", Args: []string{"CONTAINER", "SIGNAL", "PATTERN"},
		Does:   "Send a signal, TERM for example, to the processes of a container whose command line matches a pattern as grep -E takes it",
		Prints: "How many got it.",
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			return c.count(c.Signal(o, c.args[1], c.args[2]))
		}),
	},
	{
		Name: "freeze", Args: []string{"CONTAINER"},
		Does:   "Stop the processes of a container by SIGSTOP, and those that they make meanwhile",
		Prints: "How many there are.",
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			return c.count(c.Freeze(ctx, o))
		}),
	},
	{
		Name: "thaw", Args: []string{"CONTAINER"},
		Does:   "Let the processes of a container go on by SIGCONT",
		Prints: "How many there are.",
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			return c.count(c.Thaw(o))
		}),
	},
	{
		Name: "refuse", Args: []string{"POD", "on|off", "FILTER…"},
		Does:   "Let a pod's network answer each TCP packet from outside with a reset, or no more, by iptables and ip6tables",
		Prints: "1, or 0 where the pod has no process.",
		run: ofPod(func(ctx context.Context, c call, o Owner) error {
			how := c.args[1]
			if how != "on" && how != "off" {
				return fmt.Errorf("%q is neither on nor off", how)
			}
			found, err := c.Refuse(ctx, o, how == "on", c.args[2:])
			n := 0
			if found {
				n = 1
			}
			return c.count(n, err)
		}),
	},
	{
		Name: "end", Args: []string{"POD"},
		Does:   "End the TCP connections of a pod's network, by a reset to each side",
		Prints: "How many there were.",
		run: ofPod(func(ctx context.Context, c call, o Owner) error {
			return c.count(c.End(ctx, o))
		}),
	},
}
