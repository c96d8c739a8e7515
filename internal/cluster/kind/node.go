package kind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kind/pkg/exec"
)

// program is where podproof's own lies on a node, while a run lasts.
func (k *Kind) program() string { return "/usr/local/bin/podproof-" + k.run }

// Install puts podproof's program on each node. It is sent as it is: the nodes are on this machine.
func (k *Kind) Install(ctx context.Context, program string) error {
	ns, err := k.List(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range ns {
		g.Go(func() error {
			file, err := os.Open(program)
			if err != nil {
				return fmt.Errorf("reading podproof's program: %w", err)
			}
			defer file.Close()
			if _, err := k.command(ctx, n, file, "dd", "bs=1M", "of="+k.program()); err != nil {
				return fmt.Errorf("copying podproof's program: %w", err)
			}
			_, err = k.command(ctx, n, nil, "chmod", "0755", k.program())
			return err
		})
	}
	return g.Wait()
}

// Remove takes podproof's program off the nodes.
func (k *Kind) Remove(ctx context.Context) error {
	ns, err := k.List(ctx)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if _, err := k.command(ctx, n, nil, "rm", "-f", k.program()); err != nil {
			return fmt.Errorf("removing podproof's program: %w", err)
		}
	}
	return nil
}

// Run asks podproof's agent on a node.
func (k *Kind) Run(ctx context.Context, node, op string, args ...string) ([]byte, error) {
	return k.command(ctx, node, nil, k.program(), append([]string{"agent", "node", op}, args...)...)
}

// lastWait is how long a command may take to end once its input has.
const lastWait = 3 * time.Second

// Stream asks podproof's agent on a node, and writes what it prints as it comes. Its input is
// open until the context ends, which it has to end by: killing the client of the Docker
// engine would leave it running on the node.
func (k *Kind) Stream(ctx context.Context, node string, out io.Writer, op string, args ...string) error {
	in, open, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("opening a pipe: %w", err)
	}
	defer in.Close()
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	end := sync.OnceFunc(func() {
		_ = open.Close() // nothing was written to it
		time.AfterFunc(lastWait, kill)
	})
	defer end()
	defer context.AfterFunc(ctx, end)()
	return k.exec(life, node, in, out, k.program(), append([]string{"agent", "node", op}, args...)...)
}

// command runs one on a node, and returns its standard output.
func (k *Kind) command(ctx context.Context, node string, stdin io.Reader, command string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := k.exec(ctx, node, stdin, &out, command, args...)
	return out.Bytes(), err
}

func (k *Kind) exec(ctx context.Context, node string, stdin io.Reader, out io.Writer, command string, args ...string) error {
	ns, err := k.nodes()
	if err != nil {
		return err
	}
	for _, n := range ns {
		if n.String() != node {
			continue
		}
		var errs bytes.Buffer
		cmd := n.CommandContext(ctx, command, args...).SetStdout(out).SetStderr(&errs)
		if stdin != nil {
			cmd.SetStdin(stdin)
		}
		if err := cmd.Run(); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if run := (*exec.RunError)(nil); errors.As(err, &run) {
				err = run.Inner // it names the command once more, as docker exec
			}
			return fmt.Errorf("on node %s, `%s`: %w: %s", node, oneLine(command, args), err, strings.TrimSpace(errs.String()))
		}
		return nil
	}
	return fmt.Errorf("cluster %s has no node %s", k.name, node)
}

// oneLine is a command for an error.
func oneLine(command string, args []string) string {
	const most = 120
	line := []rune(strings.Join(strings.Fields(command+" "+strings.Join(args, " ")), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
