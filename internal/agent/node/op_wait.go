package node

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"
)

// waiting are those that wait for something, or go on until their input ends.
var waiting = []Op{
	{
		Name: "gone", Args: []string{"CONTAINER", "SECONDS"},
		Does:   "Wait until the processes are gone that a container has now",
		Prints: "The node's times of the last look that met one and of the first that met none, as clock prints them; nothing where there was none, or where one is left when the time is over.",
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			limit, err := c.seconds(1)
			if err != nil {
				return err
			}
			alive, gone, err := c.Gone(ctx, o, limit)
			if err != nil || gone.IsZero() {
				return err
			}
			return c.line("%s %s", clock(alive), clock(gone))
		}),
	},
	{
		Name: "attend", Args: []string{"CONTAINER", "SECONDS"}, besideOnly: true,
		Does:   "Stay until the processes are gone that a container has now, or the time is over, whatever SIGTERM says",
		Prints: `"told" and the time, as clock prints it, when SIGTERM comes.`,
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			limit, err := c.seconds(1)
			if err != nil {
				return err
			}
			return c.Attend(ctx, o, limit, func(at time.Time) error { return c.line("told %s", clock(at)) })
		}),
	},
	{
		Name: "living", Args: []string{"CONTAINER", "SECONDS"}, besideOnly: true,
		Does:   "Say again and again that a container has the processes that it has now, until they are gone or the time is over",
		Prints: `"alive" and the time, as clock prints it, for each look that met one, and "gone" and the time for the first that met none. Who shares the PID namespace of the first of them ends with it, and says no more.`,
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			limit, err := c.seconds(1)
			if err != nil {
				return err
			}
			return c.Living(ctx, o, limit, func(alive bool, at time.Time) error {
				if !alive {
					return c.line("gone %s", clock(at))
				}
				return c.line("alive %s", clock(at))
			})
		}),
	},
	{
		Name: "sent", Args: []string{"CONTAINER", "SECONDS", "SINCE"},
		Does:   "Wait until containerd's log says that a container is sent its stop signal, since a time in seconds",
		Prints: "That line of the log; nothing where there is none when the time is over, or where the node has no journal.",
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			limit, err := c.seconds(1)
			if err != nil {
				return err
			}
			since, err := strconv.ParseInt(c.args[2], 10, 64)
			if err != nil {
				return fmt.Errorf("%q is not a time in seconds", c.args[2])
			}
			said, err := Sent(ctx, o.String(), limit, since)
			if err != nil || said == "" {
				return err
			}
			return c.line("%s", said)
		}),
	},
	{
		Name: "listen", Args: []string{"CONTAINER", "SECONDS"}, beside: true,
		Does:   "Wait until something listens on TCP in a container's network, or the time is over",
		Prints: "Nothing.",
		run: ofContainer(func(ctx context.Context, c call, o Owner) error {
			limit, err := c.seconds(1)
			if err != nil {
				return err
			}
			return c.Listen(ctx, o, limit)
		}),
	},
	{
		Name: "unreached", Args: []string{"ADDRESS", "CONTAINER…"},
		Does:   "Find the containers to whose network no connection from an address is kept, which is written as in /proc/net/tcp",
		Prints: "The ID of each that has none, one a line.",
		run: func(ctx context.Context, c call) error {
			var owners []Owner
			for _, id := range c.args[1:] {
				o, err := Container(id)
				if err != nil {
					return err
				}
				owners = append(owners, o)
			}
			missed, err := c.Unreached(ctx, c.args[0], owners)
			if err != nil {
				return err
			}
			for _, o := range missed {
				if err := c.line("%s", o); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		Name: "connect", Args: []string{"ADDRESS", "PORT"}, beside: true,
		Does:   "Connect to an address until it is taken, for 20 s at most",
		Prints: "Nothing.",
		run:    func(ctx context.Context, c call) error { return Connect(ctx, net.JoinHostPort(c.args[0], c.args[1])) },
	},
	{
		Name: "pressure", beside: true,
		Does:   "Measure once a second how scarce CPU is on the node, until the input ends",
		Prints: "A line each time: the node's time (seconds, six decimals), the time in which some process waited for a CPU (microseconds; empty where the kernel does not tell), the time that all CPUs were busy, stolen and idle (clock ticks), and the CPU time of the node itself (microseconds); in a container, which does not see that, the time that all CPUs were busy stands for it.",
		run:    func(ctx context.Context, c call) error { return c.Pressure(ctx, c.in, c.out) },
	},
}
