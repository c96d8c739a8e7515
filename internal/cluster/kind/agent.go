package kind

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"podproof.dev/podproof/internal/agent/node"
)

// line leads to podproof's agent on a node. It stays: a command of the Docker engine for each look
// would cost more than what is looked at.
type line struct {
	*node.Client
	hangUp func()
}

// lastWait is how long an agent may take to end once its input has.
const lastWait = 3 * time.Second

// agentOn returns the line to a node's agent, a new one where there is none that is answered.
func (k *Kind) agentOn(name string) (*line, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.agents[name]; l != nil && l.Lost() == nil {
		return l, nil
	}
	in, open, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening a pipe: %w", err)
	}
	said, says := io.Pipe()
	// No caller's context ends it: others use it, too.
	life, kill := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := k.exec(life, name, in, says, k.program(), "agent", "node", "serve")
		in.Close()
		says.CloseWithError(cmp.Or(err, io.ErrUnexpectedEOF))
	}()
	l := &line{node.NewClient(open, said), func() {
		_ = open.Close() // what was written to it matters to nobody any more
		select {
		case <-ended:
		case <-time.After(lastWait):
		}
		kill()
	}}
	if k.agents == nil {
		k.agents = map[string]*line{}
	}
	k.agents[name] = l
	return l, nil
}

// hangUp ends all agents.
func (k *Kind) hangUp() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.agents {
		l.hangUp()
	}
	k.agents = nil
}

// Run asks podproof's agent on a node.
func (k *Kind) Run(ctx context.Context, node, op string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := k.ask(ctx, node, &out, op, args)
	return out.Bytes(), err
}

// Stream asks podproof's agent on a node, and writes what it prints as it comes, until the context
// ends: that is no error.
func (k *Kind) Stream(ctx context.Context, node string, out io.Writer, op string, args ...string) error {
	err := k.ask(ctx, node, out, op, args)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (k *Kind) ask(ctx context.Context, node string, out io.Writer, op string, args []string) error {
	l, err := k.agentOn(node)
	if err == nil {
		err = l.Client.Run(ctx, out, op, args...)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("on node %s: %w", node, err)
	}
	return err
}
