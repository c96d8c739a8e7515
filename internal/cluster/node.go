package cluster

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

	"sigs.k8s.io/kind/pkg/exec"
)

// Run runs a command on a node and returns its standard output. Only a cluster whose
// nodes are containers of ours offers it; collectors must do without elsewhere.
func (k *Kind) Run(ctx context.Context, node string, command string, args ...string) ([]byte, error) {
	return k.run(ctx, node, nil, command, args...)
}

// lastWait is how long a command may take to end once its input has.
const lastWait = 3 * time.Second

// Stream runs a command on a node and writes its standard output as it comes. Its input is
// open until the context ends, which it has to end by: killing the client of the Docker
// engine would leave it running on the node.
func (k *Kind) Stream(ctx context.Context, node string, out io.Writer, command string, args ...string) error {
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
	return k.exec(life, node, in, out, command, args...)
}

func (k *Kind) run(ctx context.Context, node string, stdin io.Reader, command string, args ...string) ([]byte, error) {
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

// oneLine is a command for an error; a script is told by its beginning.
func oneLine(command string, args []string) string {
	const most = 120
	line := []rune(strings.Join(strings.Fields(command+" "+strings.Join(args, " ")), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
