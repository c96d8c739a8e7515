package node

import (
	"context"
	"errors"
	"strings"
	"time"
)

// looking are those that look once, and end.
var looking = []Op{
	{
		Name: "processes", Args: []string{"CONTAINER"}, beside: true,
		Does:   "Read what /proc says of each process of a container",
		Prints: `For each process a line "process", the lines of its /proc/PID/status, "Cmdline:" and its command line, each argument ended by a unit separator (037) and with record separators (036) for its line ends, and "Mounts:" and its mount points, escaped as in mountinfo.`,
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			all, err := c.Facts(o)
			for _, f := range all {
				if err := printFacts(c.out, f); err != nil {
					return err
				}
			}
			return err
		}),
	},
	{
		Name: "sockets", Args: []string{"CONTAINER"},
		Does:   "List the TCP sockets of a container's network",
		Prints: "/proc/PID/net/tcp and then tcp6 of one of its processes, or nothing where there is none.",
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			list, err := c.Sockets(o)
			if err != nil {
				return err
			}
			_, err = c.out.Write(list)
			return err
		}),
	},
	{
		Name: "usage", Args: []string{"CONTAINER"}, beside: true,
		Does:   "Read a container's control group",
		Prints: `Four lines: memory in use and the page cache within it that is easily given back (bytes), CPU time and time throttled (microseconds), and beside a container whose group is not in sight a fifth, "summed": the sums of its processes' own figures; or "gone" where the container has no process.`,
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			u, err := c.Usage(o)
			if err != nil {
				return c.gone(err)
			}
			if err := c.line("%d\n%d\n%d\n%d", u.Memory, u.Cache, u.CPU.Microseconds(), u.Throttled.Microseconds()); err != nil || !u.Summed {
				return err
			}
			return c.line("summed")
		}),
	},
	{
		Name: "writes", Args: []string{"CONTAINER"}, beside: true,
		Does:   "List the files that a container has written below the root of its file system",
		Prints: `For each mount point "mount", a tab and the point, escaped as in mountinfo; for each file its size, a tab and its path, by path, with \012 for a line end; beside a container for each folder that it may enter and podproof cannot read "unread", a tab and the path; or "gone" where the container has no process.`,
		run: ofContainer(func(_ context.Context, c call, o Owner) error {
			w, err := c.Writes(o)
			if err != nil {
				return c.gone(err)
			}
			for _, m := range w.Mounted {
				if err := c.line("mount\t%s", m); err != nil {
					return err
				}
			}
			// A name of several lines could look like a mount point, which is left out.
			oneLine := strings.NewReplacer("\n", `\012`)
			for _, f := range w.Files {
				if err := c.line("%d\t%s", f.Bytes, oneLine.Replace(f.Path)); err != nil {
					return err
				}
			}
			for _, path := range w.Unread {
				if err := c.line("unread\t%s", oneLine.Replace(path)); err != nil {
					return err
				}
			}
			return nil
		}),
	},
	{
		Name: "remotes", besideOnly: true,
		Does:   "List the other ends of the established TCP connections of the network in which this runs",
		Prints: "An address and a port for each, one a line.",
		run: func(_ context.Context, c call) error {
			all, err := c.Remotes()
			if err != nil {
				return err
			}
			for _, r := range all {
				if err := c.line("%s", r); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		Name: "logs", Args: []string{"FOLDER"},
		Does:   "Read the log files in a pod's folder below /var/log/pods",
		Prints: `For each container ">" and its name, and then its log files, oldest first; at the end a line ">".`,
		run:    func(_ context.Context, c call) error { return c.Logs(c.args[0], c.out) },
	},
	{
		Name: "clock", beside: true,
		Does:   "Read the node's clock",
		Prints: "Seconds since 1970, with nine decimals.",
		run:    func(_ context.Context, c call) error { return c.line("%s", clock(time.Now())) },
	},
}

// gone says so of a container that has no process any more, which is an answer.
func (c call) gone(err error) error {
	if errors.Is(err, ErrGone) {
		return c.line("gone")
	}
	return err
}
