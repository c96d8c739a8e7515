package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// ends waits for something that has no reason to last.
func ends(t *testing.T, what string, wait func()) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not end", what)
	}
}

// pair is a connection, and its other end.
func pair(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	got := make(chan *net.TCPConn, 1)
	s := serve(t, func(c *net.TCPConn) {
		got <- c
		<-t.Context().Done()
	})
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return <-got, c.(*net.TCPConn)
}

// closed wants the other end to be told so.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("reading gives %v, want its end", err)
	}
}

// Nothing runs for a port that is closed.
func TestAClosedPortIsListenedToNoMore(t *testing.T) {
	p := before(t, serve(t, echo))
	mustAsk(t, connect(t, p), "hello")
	set(t, p, Fault{Mode: Refused})
	ends(t, "what listened", p.going.Wait)
}

// A proxy that was closed opens no port, whatever it is told.
func TestAClosedProxyStaysClosed(t *testing.T) {
	p := before(t, serve(t, echo))
	p.Close()
	_, _ = p.Set(t.Context(), Fault{Mode: Pass}) // it may say that it is closed
	if c, err := net.Dial("tcp", p.address()); err == nil {
		c.Close()
		t.Error("it listens")
	}
}

// A dependency that is reached after its client has gone is let go.
func TestADependencyThatIsReachedTooLate(t *testing.T) {
	client, _ := pair(t)
	target, dependency := pair(t)
	x := newLink(t.Context(), client)
	x.end(false)
	if x.join(target) {
		t.Error("a link that has ended was joined")
	}
	closed(t, dependency)
}

// A link that is left is closed, whatever ended it.
func TestALinkThatIsLeftIsClosed(t *testing.T) {
	p := before(t, serve(t, echo))
	c, client := pair(t)
	x := newLink(t.Context(), c)
	p.mu.Lock()
	p.tally.accepted(x)
	p.mu.Unlock()
	p.leave(x)
	closed(t, client)
}

// Somebody who says nothing does not hold the proxy up.
func TestSomebodyWhoGivesNoOrder(t *testing.T) {
	p := before(t, serve(t, echo))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var obeyed error
	over := make(chan struct{})
	go func() {
		obeyed = p.Obey(ctx, l)
		close(over)
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	asks, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	_ = asks.SetDeadline(time.Now().Add(20 * time.Second))
	if err := json.NewEncoder(asks).Encode(order{Words: []string{wordState}}); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.NewDecoder(asks).Decode(&r); err != nil || r.Error != "" { // so the one before was accepted, too
		t.Fatalf("whoever asks is told %q (%v)", r.Error, err)
	}
	cancel()
	ends(t, "obeying", func() { <-over })
	if obeyed != nil {
		t.Error(obeyed)
	}
	closed(t, c)
}

// scarce is a port at which the first one who connects cannot be taken, for want of descriptors, say.
type scarce struct {
	net.Listener
	first atomic.Bool
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.first.CompareAndSwap(false, true) {
		return nil, syscall.EMFILE
	}
	return s.Listener.Accept()
}

// A port that could not take somebody takes the next one.
func TestAPortThatIsShortOfDescriptors(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	short := &scarce{Listener: l}
	p.mu.Lock()
	p.listeners = append(p.listeners, short)
	p.mu.Unlock()
	p.going.Go(func() { p.accept(short, s.Addr().String()) })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	mustAsk(t, c, "hello")
}

// Whoever was taken at a port that has been closed since, and opened anew, is not let in.
func TestAConnectionOfAPortThatWasClosed(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	c, _ := pair(t)
	if p.enter(newLink(t.Context(), c), s) {
		t.Error("it was let in")
	}
}
