package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command is a program to run, in a folder, with variables beside those of this process.
type command struct {
	dir  string
	env  []string
	args []string
}

// finish is how a program ended: with which exit code, and what it had said by then.
type finish struct {
	code int
	said string
}

// endsWithin is how long a program may take to remove what it made when the bench is stopped.
const endsWithin = 2 * time.Minute

func (c command) prepare(ctx context.Context, said *bytes.Buffer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = said, said
	// A second signal ends podproof before it has removed its cluster: a terminal's Ctrl-C is for the bench alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endsWithin
	return cmd
}

// once runs a program and measures it. An exit code of also is no error.
func (b bench) once(ctx context.Context, c command, also ...int) (one once, end finish, err error) {
	b.tell("$ " + c.String())
	var said bytes.Buffer
	cmd := c.prepare(ctx, &said)
	busy, began := busySeconds(), time.Now()
	err = cmd.Run()
	one.seconds, busy = time.Since(began).Seconds(), busySeconds()-busy
	end.said = said.String()
	var exit *exec.ExitError
	if errors.As(err, &exit) && slices.Contains(also, exit.ExitCode()) {
		end.code, err = exit.ExitCode(), nil
	}
	if err != nil {
		return one, end, fmt.Errorf("%s: %w\n%s", c, err, end.said)
	}
	b.tell(strings.TrimSpace(end.said))
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return one, end, errors.New("this system has no getrusage")
	}
	one.rss = usage.Maxrss << 10 // Linux counts in KiB
	one.others = busy - (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return one, end, nil
}

// do runs a program that is not measured.
func (b bench) do(ctx context.Context, c command) (string, error) {
	_, end, err := b.once(ctx, c)
	return strings.TrimSpace(end.said), err
}

// tell says what -v is for.
func (b bench) tell(text string) {
	if b.verbose && text != "" {
		fmt.Fprintln(os.Stderr, text)
	}
}

// String is the command as a shell takes it.
func (c command) String() string {
	var words []string
	if c.dir != "" {
		words = append(words, "cd", quoted(c.dir), "&&")
	}
	for _, v := range c.env {
		name, value, _ := strings.Cut(v, "=")
		words = append(words, name+"="+quoted(value))
	}
	for _, a := range c.args {
		words = append(words, quoted(a))
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[\w./:=,@%+{}-]+$`)

func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
