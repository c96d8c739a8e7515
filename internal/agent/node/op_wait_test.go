package node

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Those that wait end with whoever asked.
func TestInterrupted(t *testing.T) {
	tr := plant(t)
	tr.process(9, onV2(id), map[string]string{"net/tcp": silent, "status": "State:\tS\n"})
	program(t, "journalctl", "exit 1")
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	for _, call := range []string{"gone " + id + " 600", "sent " + id + " 600 1", "listen " + id + " 600", "unreached 0100007F " + id,
		"connect 127.0.0.1 1"} {
		words := strings.Fields(call)
		for _, op := range Ops() {
			if op.Name == words[0] {
				if err := op.Run(ctx, tr.Host, words[1:], strings.NewReader(""), new(strings.Builder)); !errors.Is(err, enough) {
					t.Errorf("%s: %v", call, err)
				}
			}
		}
	}
	for _, call := range []string{"gone " + id + " soon", "listen " + id + " -1", "sent " + id + " 1.5 1"} {
		words := strings.Fields(call)
		if out, err := tr.run(words[0], words[1:]...); err == nil {
			t.Errorf("%s: %q", call, out)
		}
	}
}
