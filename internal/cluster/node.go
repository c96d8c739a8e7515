package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/kind/pkg/exec"
)

// Run runs a command on a node and returns its standard output. Only a cluster whose
// nodes are containers of ours offers it; collectors must do without elsewhere.
func (k *Kind) Run(ctx context.Context, node string, command string, args ...string) ([]byte, error) {
	return k.run(ctx, node, nil, command, args...)
}

func (k *Kind) run(ctx context.Context, node string, stdin io.Reader, command string, args ...string) ([]byte, error) {
	ns, err := k.nodes()
	if err != nil {
		return nil, err
	}
	for _, n := range ns {
		if n.String() != node {
			continue
		}
		var out, errs bytes.Buffer
		cmd := n.CommandContext(ctx, command, args...).SetStdout(&out).SetStderr(&errs)
		if stdin != nil {
			cmd.SetStdin(stdin)
		}
		if err := cmd.Run(); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if run := (*exec.RunError)(nil); errors.As(err, &run) {
				err = run.Inner // it names the command once more, as docker exec
			}
			return out.Bytes(), fmt.Errorf("on node %s, `%s`: %w: %s", node, oneLine(command, args), err, strings.TrimSpace(errs.String()))
		}
		return out.Bytes(), nil
	}
	return nil, fmt.Errorf("cluster %s has no node %s", k.name, node)
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
