package agent

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func endless(t *testing.T) Stream {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return to(server, Stream{Name: "endless", Every: 1})
}

// A stream may break at any time: the load goes on, and the next stream is told all that the
// last one was not, once.
func TestAttachAgain(t *testing.T) {
	address, a := serve(t, time.Minute), Attachment{ID: "load", Plan: Plan{[]Stream{endless(t)}}}
	s := attach(t, address, a)
	for range 3 {
		a.From = s.next().Seq
	}
	s.c.Close()
	other := attach(t, address, Attachment{ID: "load", From: 1, Plan: a.Plan}) // one that broke earlier
	if l := other.next(); l.Seq != 2 {
		t.Errorf("the line behind the first is %+v", l)
	}
	again := attach(t, address, a)
	for _, gone := <-other.lines; gone; _, gone = <-other.lines { // it is the one that is attached no more
	}
	again.say(Stop)
	again.say(Stop)
	for want := a.From + 1; ; want++ {
		l := again.next()
		if l.Seq != want {
			t.Fatalf("line %d came in place of %d", l.Seq, want)
		}
		if l.Done {
			break
		}
	}
	// Also when the last line is what was lost.
	if l := attach(t, address, Attachment{ID: "load", From: a.From, Plan: a.Plan}).next(); l.Seq != a.From+1 {
		t.Errorf("after its end: %+v", l)
	}
}

func TestUnattended(t *testing.T) {
	address, a := serve(t, time.Millisecond), Attachment{ID: "load", Plan: Plan{[]Stream{endless(t)}}}
	s := attach(t, address, a)
	a.From = s.next().Seq
	s.c.Close()
	for {
		again := attach(t, address, a)
		l := again.next()
		again.c.Close()
		if strings.Contains(l.Problem, "knows nothing of the load") {
			break
		}
		a.From = max(a.From, l.Seq)
	}
}

func TestNoPlan(t *testing.T) {
	for _, in := range []string{"", "{"} {
		var out strings.Builder
		address := serve(t, time.Minute)
		err := Attach(t.Context(), address, strings.NewReader(in+"\n"), &out)
		if err != nil || out.Len() > 0 && !strings.Contains(out.String(), "no plan") && !strings.Contains(out.String(), "not a plan") {
			t.Errorf("%q is taken for a plan: %s %v", in, out.String(), err)
		}
	}
}

// A load that nobody hears of any more is stopped, and forgotten.
func TestALoadIsForgotten(t *testing.T) {
	s := &server{loads: map[string]*load{}}
	one, other := begin(t.Context(), Plan{}), begin(t.Context(), Plan{})
	s.loads["one"], s.loads["other"] = one, other
	s.forget(one)
	if len(s.loads) != 1 || s.loads["other"] != other {
		t.Errorf("left are %v", s.loads)
	}
}

// A stream that comes after another one is the one that is told, and a load is only lonely without one.
func TestTheLastStreamIsAttached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t.Context(), Plan{})
		detached, left := 0, 0
		over := l.attach(func() { detached++ }, time.Second, func() { left++ })
		again := l.attach(func() { t.Error("the last one was broken") }, time.Second, func() { left++ })
		over()
		time.Sleep(time.Minute)
		synctest.Wait()
		if detached != 1 || left != 0 {
			t.Errorf("detached %d times, left %d times", detached, left)
		}
		again()
		time.Sleep(time.Minute)
		synctest.Wait()
		if left != 1 {
			t.Errorf("left %d times", left)
		}
	})
}

// An agent that has just been started is waited for, and one that never listens is not for ever.
func TestTheAgentIsWaitedFor(t *testing.T) {
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is longer than a socket's name may be
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	address := filepath.Join(dir, "s")
	reached := make(chan error, 1)
	go func() {
		c, err := reach(t.Context(), address)
		if err == nil {
			c.Close()
		}
		reached <- err
	}()
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-reached; err != nil {
		t.Error(err)
	}
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Attach(ctx, address, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), "the agent cannot be reached") {
		t.Errorf("got %v", err)
	}
}

// What goes wrong with listening is told, and the end of the context is not.
func TestServeEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l) }()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	if err := Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "waiting for a plan") {
		t.Errorf("got %v", err)
	}
}
