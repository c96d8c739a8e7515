package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/agent/proxy"
)

func agentCommand(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	c := newRoot()
	c.SetArgs(append([]string{"agent"}, args...))
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

// The proxy runs until it is told to end, and what it is told prints its state alone.
func TestAgentProxy(t *testing.T) {
	socket := "--socket=" + filepath.Join(t.TempDir(), "s") // of this test alone, whoever else tests on this machine
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := agentCommand(ctx, "proxy", socket, "127.0.0.1:0=127.0.0.1:1")
		done <- err
	}()
	for _, x := range []struct {
		words []string
		mode  string
	}{{[]string{"state"}, proxy.Refused}, {[]string{"pass"}, proxy.Pass}, {[]string{"slow", "200ms"}, proxy.Slow}} {
		out, err := agentCommand(t.Context(), append([]string{"fault", socket}, x.words...)...)
		var s proxy.State
		if err == nil {
			err = json.Unmarshal([]byte(out), &s)
		}
		if err != nil || s.Fault.Mode != x.mode {
			t.Errorf("%q: got %q (%v)", x.words, out, err)
		}
	}
	if _, err := agentCommand(t.Context(), "fault", socket, "explode"); exitCode(err, new(bytes.Buffer)) != exitInconclusive || !strings.Contains(err.Error(), "agent fault: \"explode\" is not one of") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer // line by line
	lines := newRoot()
	lines.SetArgs([]string{"agent", "fault", socket})
	lines.SetIn(strings.NewReader(`{"words":["refused"]}` + "\n" + `{"words":["explode"]}` + "\n"))
	lines.SetOut(&out)
	if err := lines.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), `{"state":{"fault":{"mode":"refused"`) || !strings.Contains(out.String(), `{"error":"\"explode\" is not one of`) {
		t.Errorf("got %q (%v)", out.String(), err)
	}
	// Another one beside it has no place.
	if _, err := agentCommand(t.Context(), "proxy", socket, "127.0.0.1:0=127.0.0.1:1"); exitCode(err, new(bytes.Buffer)) != exitInconclusive {
		t.Errorf("got %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	// A port that it does not get is told.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := agentCommand(t.Context(), "proxy", socket, l.Addr().String()+"=127.0.0.1:1"); exitCode(err, new(bytes.Buffer)) != exitInconclusive || !strings.Contains(err.Error(), "listening on") {
		t.Errorf("got %v", err)
	}
	if _, err := agentCommand(t.Context(), "proxy", "5432"); exitCode(err, new(bytes.Buffer)) != exitUsage || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
