package main

import (
	"bytes"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/agent/node"
)

func agentNode(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return ofAgent(t, append([]string{"node"}, args...)...)
}

func ofAgent(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := newRoot()
	c.SetArgs(append([]string{"agent"}, args...))
	c.SetIn(strings.NewReader(""))
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// What a node prints is read by podproof: nothing else may come with it.
func TestAgentNode(t *testing.T) {
	if out, err := agentNode(t, "clock"); err != nil || !regexp.MustCompile(`^\d+\.\d{9}\n$`).MatchString(out) {
		t.Errorf("%q, %v", out, err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"no such op":             {[]string{"nothing"}, exitUsage},
		"too few arguments":      {[]string{"processes"}, exitUsage},
		"an empty one":           {[]string{"processes", ""}, exitUsage},
		"one that is no flag":    {[]string{"processes", "--help"}, exitInconclusive},
		"not the ID of anything": {[]string{"signal", "-1", "KILL", "."}, exitInconclusive},
		"more than it takes":     {[]string{"clock", "now"}, exitUsage},
		"no number of seconds":   {[]string{"gone", "0123456789abcdef", "x"}, exitInconclusive},
	} {
		out, err := agentNode(t, c.args...)
		if code := exitCode(err, new(bytes.Buffer)); code != c.code || out != "" {
			t.Errorf("%s: exit code %d, %v, and it prints %q", name, code, err, out)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	if out, err := agentNode(t, "usage", strings.Repeat("0123456789abcdef", 4)); err != nil || out != "gone\n" {
		t.Errorf("of a container that is not here: %q, %v", out, err)
	}
}

// Beside a container nothing can be done to it.
func TestAgentLook(t *testing.T) {
	if out, err := ofAgent(t, "look", "clock"); err != nil || !regexp.MustCompile(`^\d+\.\d{9}\n$`).MatchString(out) {
		t.Errorf("%q, %v", out, err)
	}
	out, err := ofAgent(t, "look", "signal", "0123456789abcdef", "KILL", ".")
	if code := exitCode(err, new(bytes.Buffer)); code != exitUsage || out != "" {
		t.Errorf("exit code %d, %v, and it prints %q", code, err, out)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if out, err := ofAgent(t, "look", "writes", strings.Repeat("0123456789abcdef", 4)); err != nil || out != "gone\n" {
		t.Errorf("of a container that is not here: %q, %v", out, err)
	}
}

// The help is where the format of each is written down.
func TestAgentNodeHelp(t *testing.T) {
	for command, ops := range map[string][]node.Op{"node": node.Ops(), "look": node.LookOps()} {
		out, err := ofAgent(t, command)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			if !strings.Contains(out, "  "+op.Name+" ") || !strings.Contains(out, op.Does) {
				t.Errorf("the help does not name %s:\n%s", op.Name, out)
			}
		}
	}
	var code exitError
	if _, err := agentNode(t, "processes"); errors.As(err, &code) {
		t.Errorf("a call that is wrong is taken for one that could not be answered: %v", err)
	}
}

func TestAgentNodeServes(t *testing.T) {
	var out bytes.Buffer
	c := newRoot()
	c.SetArgs([]string{"agent", "node", "serve"})
	c.SetIn(strings.NewReader(`{"id":7,"op":"nothing"}` + "\n"))
	c.SetOut(&out)
	if err := c.ExecuteContext(t.Context()); err != nil || out.String() != `{"id":7,"done":true,"error":"agent node: there is no \"nothing\""}`+"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	c.SetIn(strings.NewReader("processes\n"))
	if err := c.ExecuteContext(t.Context()); exitCode(err, new(bytes.Buffer)) != exitInconclusive || !strings.Contains(err.Error(), "agent node serve: reading what is asked for") {
		t.Errorf("%v", err)
	}
}
