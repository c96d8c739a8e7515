package kind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	k.hangUp()
	for _, n := range ns {
		if _, err := k.command(ctx, n, nil, "rm", "-f", k.program()); err != nil {
			return fmt.Errorf("removing podproof's program: %w", err)
		}
	}
	return nil
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
