package node

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Op is one thing that can be asked of a node.
type Op struct {
	Name string
	// Args are the names of its arguments. One that ends in "…" is any number of them.
	Args []string
	// Does says what is done, and Prints what is written to the output, line by line.
	Does, Prints string

	// beside tells that it can be asked beside a container, too, or is of use only there.
	beside, besideOnly bool
	run                func(context.Context, call) error
}

// call is an Op that is carried out.
type call struct {
	Host
	args []string
	in   io.Reader
	out  io.Writer
}

// Ops are all that can be asked of a node.
func Ops() []Op {
	return slices.DeleteFunc(slices.Concat(looking, waiting, changing), func(o Op) bool { return o.besideOnly })
}

// LookOps are what can be asked in a container beside the one that is looked at.
func LookOps() []Op {
	return slices.DeleteFunc(slices.Concat(looking, waiting), func(o Op) bool { return !o.beside && !o.besideOnly })
}

// Usage is how it is called.
func (o Op) Usage() string { return strings.Join(append([]string{o.Name}, o.Args...), " ") }

// Accept says why arguments do not fit. An empty one is what a caller does not know yet.
func (o Op) Accept(args []string) error {
	n := len(o.Args)
	if n > 0 && strings.HasSuffix(o.Args[n-1], "…") {
		n = max(n, len(args))
	}
	if len(args) != n || slices.Contains(args, "") {
		return fmt.Errorf("the call is `agent %s %s`, with no empty argument, and was given %q", o.place(), o.Usage(), args)
	}
	return nil
}

// Run carries it out on a host. Its input matters to those that go on until it ends.
func (o Op) Run(ctx context.Context, h Host, args []string, in io.Reader, out io.Writer) error {
	if err := o.Accept(args); err != nil {
		return err
	}
	if err := o.run(ctx, call{Host: h, args: args, in: in, out: out}); err != nil {
		return fmt.Errorf("agent %s %s: %w", h.place(), o.Name, err)
	}
	return nil
}

// place is the command below which it is offered, the first where there are two.
func (o Op) place() string { return Host{Beside: o.besideOnly}.place() }

func (h Host) place() string {
	if h.Beside {
		return "look"
	}
	return "node"
}

// line writes one.
func (c call) line(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format+"\n", args...)
	return err
}

// count writes how many processes or connections there were.
func (c call) count(n int, err error) error {
	if err != nil {
		return err
	}
	return c.line("%d", n)
}

// seconds is an argument that is a time.
func (c call) seconds(i int) (time.Duration, error) {
	n, err := strconv.Atoi(c.args[i])
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number of seconds", c.args[i])
	}
	return time.Duration(n) * time.Second, nil
}

// ofContainer is an Op about the container that its first argument names.
func ofContainer(run func(context.Context, call, Owner) error) func(context.Context, call) error {
	return named(Container, run)
}

// ofPod is one about a pod.
func ofPod(run func(context.Context, call, Owner) error) func(context.Context, call) error {
	return named(Pod, run)
}

func named(owner func(string) (Owner, error), run func(context.Context, call, Owner) error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		o, err := owner(c.args[0])
		if err != nil {
			return err
		}
		return run(ctx, c, o)
	}
}
