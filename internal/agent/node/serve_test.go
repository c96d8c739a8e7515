package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// served is an agent that stays, the client that asks it, and the end of its input.
func served(t *testing.T, h Host) (*Client, func() error) {
	t.Helper()
	in, asked := io.Pipe()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(t.Context(), h, in, out)
		out.Close()
		ended <- err
	}()
	return NewClient(asked, said), func() error {
		asked.Close()
		return <-ended
	}
}

func TestServeAnswersSideBySide(t *testing.T) {
	c, end := served(t, Local())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			var out bytes.Buffer
			if err := c.Run(t.Context(), &out, "clock"); err != nil || !regexp.MustCompile(`^\d+\.\d{9}\n$`).MatchString(out.String()) {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
	all.Wait()
	if err := end(); err != nil {
		t.Error(err)
	}
	if err := c.Run(t.Context(), io.Discard, "clock"); err == nil {
		t.Error("it answers when it is gone")
	}
}

func TestServeTellsErrors(t *testing.T) {
	c, end := served(t, plant(t).Host)
	for _, x := range []struct{ op, arg, says string }{
		{"nothing", "", `there is no "nothing"`},
		{"processes", "", "the call is `agent node processes CONTAINER`"},
		{"processes", "no-id", "agent node processes: "},
		{"serve", "", `there is no "serve"`},
	} {
		if err := c.Run(t.Context(), io.Discard, x.op, x.arg); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s %s: %v", x.op, x.arg, err)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// Whoever does not read what an Op prints keeps nobody else from an answer, and what is not wanted any
// more ends on the node, too.
func TestServeEndsWhatNobodyWants(t *testing.T) {
	tr := plant(t)
	tr.measurable()
	tr.write(tr.Cgroup, "cpu.stat", "usage_usec 9400000\n")
	synctest.Test(t, func(t *testing.T) {
		c, end := served(t, tr.Host)
		ctx, cancel := context.WithCancelCause(t.Context())
		unread, w := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, w, "pressure") }()
		time.Sleep(10 * time.Second)
		var out strings.Builder
		if err := c.Run(t.Context(), &out, "clock"); err != nil || out.Len() == 0 {
			t.Errorf("beside it: %q, %v", out.String(), err)
		}
		go io.Copy(io.Discard, unread)
		why := errors.New("enough")
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("it ended with %v", err)
		}
		w.Close()
		synctest.Wait()
		c.mu.Lock()
		left := len(c.calls)
		c.mu.Unlock()
		if left != 0 {
			t.Errorf("%d calls are left", left)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestServeEndsWithItsInput(t *testing.T) {
	tr := plant(t)
	tr.measurable()
	tr.write(tr.Cgroup, "cpu.stat", "usage_usec 9400000\n")
	c, end := served(t, tr.Host)
	first := make(chan bool, 1)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context(), told{first}, "pressure") }()
	<-first
	if err := end(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("what was cut off ended without an error")
	}
}

// told tells of the first that is written to it.
type told struct{ first chan bool }

func (w told) Write(b []byte) (int, error) {
	select {
	case w.first <- true:
	default:
	}
	return len(b), nil
}

// An agent that dies ends every call with the reason, as one does that says what is no answer.
func TestClientWhoseAgentIsGone(t *testing.T) {
	for name, x := range map[string]struct {
		says string
		err  error
		want string
	}{
		"it died":       {"", errors.New("exit status 137"), "exit status 137"},
		"it is another": {"hello\n", nil, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			said, says := io.Pipe()
			c := NewClient(io.Discard, said)
			ended := make(chan error, 2)
			for range 2 {
				go func() { ended <- c.Run(t.Context(), io.Discard, "clock") }()
			}
			if x.says != "" {
				fmt.Fprint(says, x.says)
			}
			says.CloseWithError(x.err)
			for range 2 {
				if err := <-ended; err == nil || !strings.Contains(err.Error(), "the agent does not answer any more") || !strings.Contains(err.Error(), x.want) {
					t.Errorf("%v", err)
				}
			}
			if c.Lost() == nil {
				t.Error("it is not lost")
			}
		})
	}
}

func TestABugOfAnOpEndsThatOneAlone(t *testing.T) {
	was := looking
	t.Cleanup(func() { looking = was })
	looking = append([]Op{{Name: "broken", run: func(context.Context, call) error { panic("no such thing") }}}, looking...)
	c, end := served(t, Local())
	if err := c.Run(t.Context(), io.Discard, "broken"); err == nil || !strings.Contains(err.Error(), "no such thing") || !strings.Contains(err.Error(), "a bug in podproof") {
		t.Errorf("%v", err)
	}
	if err := c.Run(t.Context(), io.Discard, "clock"); err != nil {
		t.Error(err)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
