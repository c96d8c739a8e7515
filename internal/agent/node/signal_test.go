package node

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// child is a process of the test's own, which does nothing.
type child struct {
	*exec.Cmd
	t *testing.T
}

// spawn starts one, whose folder shows its true state and another cgroup.
func (tr tree) spawn(cgroup string) child {
	tr.t.Helper()
	c := child{exec.Command("sleep", "60"), tr.t}
	if err := c.Start(); err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	tr.process(c.Process.Pid, cgroup, nil)
	for _, name := range []string{"status", "cmdline"} {
		pid := strconv.Itoa(c.Process.Pid)
		if err := os.Symlink(filepath.Join("/proc", pid, name), filepath.Join(tr.Proc, pid, name)); err != nil {
			tr.t.Fatal(err)
		}
	}
	return c
}

// is waits for a state of it.
func (c child) is(state string) {
	c.t.Helper()
	got := ""
	for range 100 {
		if got = (process{c.Process.Pid, filepath.Join("/proc", strconv.Itoa(c.Process.Pid))}).state(); got == state {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Errorf("it is %s, want %s", got, state)
}

// titled gives a process another command line.
func (tr tree) titled(c child, cmdline string) {
	tr.t.Helper()
	path := filepath.Join(tr.Proc, strconv.Itoa(c.Process.Pid), "cmdline")
	if err := os.Remove(path); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(cmdline), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

func TestSignal(t *testing.T) {
	tr := plant(t)
	server, client, idle, foreign := tr.spawn(onV2(id)), tr.spawn(onV1(id)), tr.spawn(onV2(id)), tr.spawn(onV2(other))
	tr.titled(server, "postgres\x00-D\x00/data\x00")
	tr.titled(client, "postgres: app shop 10.244.0.7(41324) idle\x00\x00")
	tr.titled(idle, "")
	// One that ended, and one whose number nobody has.
	tr.process(nobody+1, onV2(id), map[string]string{"cmdline": "postgres\x00"})

	const connection = `^postgres: .*[0-9.:a-f]+\([0-9]+\)`
	if got := tr.says("signal", id, "TERM", connection); got != "1\n" {
		t.Errorf("connections: %q", got)
	}
	client.is("Z")
	for _, c := range []child{server, idle, foreign} {
		c.is("S")
	}
	if got := tr.says("signal", id, "STOP", "^postgres -D /data $"); got != "1\n" {
		t.Errorf("with blanks between its arguments: %q", got)
	}
	server.is("T")
	if got := tr.says("signal", "0123456789ab", "KILL", "."); got != "0\n" {
		t.Errorf("of a container that is not there: %q", got)
	}
	// What has no command line has ended, but for the moments of its beginning.
	if got := tr.says("signal", id, "KILL", "."); got != "2\n" {
		t.Errorf("all: %q", got)
	}
	server.is("Z")
	idle.is("S")
}

func TestSignalMatchesLines(t *testing.T) {
	tr := plant(t)
	c := tr.spawn(onV2(id))
	tr.titled(c, "sh\x00-c\x00set -e\nexec api\x00")
	for pattern, want := range map[string]string{"^exec": "1\n", "-e.exec": "0\n", "-e$": "1\n", "(api|db) ": "1\n", "[^x]exec": "0\n"} {
		if got := tr.says("signal", id, "CONT", pattern); got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

func TestSignalRefuses(t *testing.T) {
	tr := plant(t)
	for _, args := range [][]string{{id, "NOSUCH", "."}, {id, "SIGTERM", "."}, {id, "9", "."}, {id, "TERM", "("}, {"0a1b", "TERM", "."}} {
		if out, err := tr.run("signal", args...); err == nil {
			t.Errorf("%q: %q", args, out)
		}
	}
}

// A container that podproof itself runs in is signalled without it.
func TestSignalSparesItself(t *testing.T) {
	tr := plant(t)
	tr.process(os.Getpid(), onV2(id), map[string]string{"cmdline": "podproof\x00"})
	if got := tr.says("signal", id, "KILL", "."); got != "0\n" {
		t.Errorf("%q", got)
	}
}

// A number that another process has taken over is not signalled.
func TestSignalLooksAgain(t *testing.T) {
	tr := plant(t)
	c := tr.spawn(onV2(id))
	o, _ := Container(id)
	ps, err := tr.processes(o)
	if err != nil || len(ps) != 1 {
		t.Fatalf("%v, %v", ps, err)
	}
	tr.process(c.Process.Pid, onV2(other), nil)
	if ps[0].signal(os.Kill, o) {
		t.Error("it was signalled")
	}
	c.is("S")
}

func TestFreezeAndThaw(t *testing.T) {
	tr := plant(t)
	server, starting, foreign := tr.spawn(onV2(id)), tr.spawn(onV1(id)), tr.spawn(onV2(other))
	tr.titled(starting, "") // it was met while it started a program
	dead := tr.spawn(onV2(id))
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	dead.is("Z")
	tr.process(nobody+1, onV2(id), nil) // it ended while it was looked at
	for range 2 {
		if got := tr.says("freeze", id); got != "2\n" {
			t.Fatalf("%q are stopped", got)
		}
	}
	server.is("T")
	starting.is("T")
	foreign.is("S")
	if got := tr.says("thaw", id); got != "2\n" {
		t.Errorf("%q go on", got)
	}
	server.is("S")
	starting.is("S")
	if got := tr.says("freeze", "0123456789ab"); got != "0\n" {
		t.Errorf("of a container that is not there: %q", got)
	}
}

// betweenLooks does something each time that one rests between two looks, which asks a context
// whether to go on.
type betweenLooks struct {
	context.Context
	do func()
}

func (c betweenLooks) Done() <-chan struct{} {
	c.do()
	return c.Context.Done()
}

// One that is forked beside a look is in the next.
func TestFreezeMeetsTheNewest(t *testing.T) {
	tr := plant(t)
	tr.spawn(onV2(id))
	var late child
	o, _ := Container(id)
	fork := sync.OnceFunc(func() { late = tr.spawn(onV2(id)) })
	met, err := tr.Freeze(betweenLooks{t.Context(), fork}, o)
	if err != nil || met != 2 {
		t.Errorf("%d, %v", met, err)
	}
	late.is("T")
}

// What does not stop is an error in the end, and no success.
func TestFreezeGivesUp(t *testing.T) {
	tr := plant(t)
	c := tr.spawn(onV2(id))
	if err := os.Remove(filepath.Join(tr.Proc, strconv.Itoa(c.Process.Pid), "status")); err != nil {
		t.Fatal(err)
	}
	tr.process(c.Process.Pid, onV2(id), map[string]string{"status": "State:\tD (disk sleep)\n"})
	o, _ := Container(id)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if met, err := tr.Freeze(t.Context(), o); err == nil || met != 1 || time.Since(began) != 5*time.Second {
			t.Errorf("%d, %v after %s", met, err, time.Since(began))
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tr.Freeze(ctx, o); err == nil {
		t.Error("it goes on for nobody")
	}
}
