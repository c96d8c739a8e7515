package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// server is a dependency, which does the same for each of its connections.
type server struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func serve(t *testing.T, each func(*net.TCPConn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l}
	var going sync.WaitGroup
	going.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			going.Go(func() {
				defer c.Close()
				each(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		going.Wait()
	})
	return s
}

// echo says what it hears, and ends when its client has ended.
func echo(c *net.TCPConn) {
	_, _ = io.Copy(c, c) // a client may be gone
	_ = c.CloseWrite()
}

// before is a proxy in front of a server, which passes.
func before(t *testing.T, s net.Listener) *Proxy {
	t.Helper()
	p, err := Start(t.Context(), []Route{{"127.0.0.1:0", s.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	set(t, p, Fault{Mode: Pass})
	return p
}

func set(t *testing.T, p *Proxy, f Fault) int {
	t.Helper()
	n, err := p.Set(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (p *Proxy) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.routes[0].Listen
}

func connect(t *testing.T, p *Proxy) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Error(err)
		return &net.TCPConn{} // whatever is done with it fails
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // so that a test fails, and does not hang
	return c.(*net.TCPConn)
}

// ask says a line, and returns the answer.
func ask(c net.Conn, line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	answer := make([]byte, len(line)+1)
	_, err := io.ReadFull(c, answer)
	return strings.TrimSpace(string(answer)), err
}

func mustAsk(t *testing.T, c net.Conn, line string) {
	t.Helper()
	if got, err := ask(c, line); err != nil || got != line {
		t.Fatalf("%q was answered %q (%v)", line, got, err)
	}
}

// silent tells whether nothing comes for a while.
func silent(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// client is what the proxy knows of this machine.
func (p *Proxy) local(t *testing.T) Client {
	t.Helper()
	s := p.State()
	if len(s.Clients) != 1 || s.Clients[0].Address != "127.0.0.1" {
		t.Fatalf("the clients are %+v", s.Clients)
	}
	return s.Clients[0]
}

// await waits until the proxy's state is as it should.
func (p *Proxy) await(t *testing.T, what string, is func(State) bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(p.State()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: %+v", what, p.State())
		}
	}
}

func TestItRefusesUntilItIsToldToPass(t *testing.T) {
	s := serve(t, echo)
	p, err := Start(t.Context(), []Route{{"127.0.0.1:0", s.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := net.Dial("tcp", p.address()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	set(t, p, Fault{Mode: Pass})
	mustAsk(t, connect(t, p), "hello")
}

func TestBytesPassBothWaysUnchanged(t *testing.T) {
	const size = 16 << 20
	s := serve(t, echo)
	p := before(t, s)
	c := connect(t, p)
	sent, got := sha256.New(), sha256.New()
	var going sync.WaitGroup
	going.Go(func() {
		_, err := io.Copy(io.MultiWriter(c, sent), io.LimitReader(rand.NewChaCha8([32]byte{1}), size))
		if err == nil {
			err = c.CloseWrite()
		}
		if err != nil {
			t.Error(err)
		}
	})
	n, err := io.Copy(got, c)
	going.Wait()
	if err != nil || n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Errorf("%d of %d bytes came back (%v)", n, size, err)
	}
	p.await(t, "the connection is over", func(s State) bool { return s.Clients[0].Open == 0 })
	if l := p.local(t); l.Sent != size || l.Received != size || l.Joined != 0 || l.Accepted != 1 || l.Left < 0 {
		t.Errorf("it counted %+v", l)
	}
}

func TestThousandsOfShortConnections(t *testing.T) {
	const each, workers = 250, 16
	s := serve(t, echo)
	p := before(t, s)
	var going sync.WaitGroup
	var good atomic.Int64
	for w := range workers {
		going.Go(func() {
			for i := range each {
				c, err := net.Dial("tcp", p.address())
				if err != nil {
					t.Error(err)
					return
				}
				line := fmt.Sprintf("%d/%d", w, i)
				if got, err := ask(c, line); err != nil || got != line {
					t.Errorf("%q was answered %q (%v)", line, got, err)
				} else {
					good.Add(1)
				}
				c.Close()
			}
		})
	}
	going.Wait()
	p.await(t, "all are over", func(s State) bool { return s.Clients[0].Open == 0 })
	if n := good.Load(); n != each*workers || p.State().Accepted != each*workers {
		t.Errorf("%d were answered, %+v", n, p.State())
	}
}

// A Postgres client says goodbye and closes; a Redis client may say all it has and close its half, and
// reads its answers then. Either end is passed on, and what comes after it.
func TestAnEndIsPassedOnAndTheRestStillComes(t *testing.T) {
	s := serve(t, func(c *net.TCPConn) {
		r := bufio.NewReader(c)
		lines := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				break
			}
			if strings.TrimSpace(line) == "TERMINATE" { // as Postgres: the server ends first
				return
			}
			lines++
		}
		for i := range lines { // as Redis' pipeline, answered when the other half is closed
			fmt.Fprintf(c, "+OK %d\n", i)
		}
	})
	p := before(t, s)
	c := connect(t, p)
	if _, err := io.WriteString(c, strings.Repeat("SET a b\n", 100)); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if n := bytes.Count(all, []byte("+OK")); err != nil || n != 100 {
		t.Errorf("%d answers (%v)", n, err)
	}
	c = connect(t, p)
	if _, err := io.WriteString(c, "TERMINATE\n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

// Postgres asks and answers in turns: a byte for TLS, the start, the password, ready.
func TestAnExchangeAsPostgresHasIt(t *testing.T) {
	steps := [][2]string{{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "N"}, {"start user=app", "R scram"}, {"p password", "R ok Z"}, {"Q select 1", "T D C Z"}}
	s := serve(t, func(c *net.TCPConn) {
		for _, x := range steps {
			b := make([]byte, len(x[0]))
			if _, err := io.ReadFull(c, b); err != nil || string(b) != x[0] {
				return
			}
			if _, err := io.WriteString(c, x[1]); err != nil {
				return
			}
		}
	})
	p := before(t, s)
	c := connect(t, p)
	for _, x := range steps {
		if _, err := io.WriteString(c, x[0]); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(x[1]))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != x[1] {
			t.Fatalf("%q was answered %q (%v)", x[0], b, err)
		}
	}
}

func TestRefused(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	c := connect(t, p)
	mustAsk(t, c, "hello")
	base := p.State().Resets
	if n := set(t, p, Fault{Mode: Refused}); n != 1 {
		t.Errorf("%d connections were ended", n)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what was open ends with %v", err)
	}
	for range 3 {
		if _, err := net.Dial("tcp", p.address()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("got %v", err)
		}
	}
	if now := p.State().Resets; base >= 0 && now < base+3 {
		t.Errorf("resets went from %d to %d", base, now)
	}
	set(t, p, Fault{Mode: Refused}) // once more changes nothing
	set(t, p, Fault{Mode: Pass})
	mustAsk(t, connect(t, p), "again")
}

func TestFrozen(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	open := connect(t, p)
	mustAsk(t, open, "hello")
	set(t, p, Fault{Mode: Frozen})
	fresh := connect(t, p) // it is accepted
	for _, c := range []net.Conn{open, fresh} {
		if _, err := io.WriteString(c, "still there?\n"); err != nil {
			t.Fatal(err)
		}
		if !silent(c) {
			t.Error("it answered")
		}
	}
	s.mu.Lock()
	reached := len(s.conns)
	s.mu.Unlock()
	if l := p.local(t); reached != 1 || l.Open != 2 || l.Joined != 1 || l.Oldest <= 0 || l.Sent != 6 {
		t.Errorf("%d connections reached the server, and the proxy counts %+v", reached, l)
	}
	set(t, p, Fault{Mode: Pass}) // nothing was lost
	for _, c := range []net.Conn{open, fresh} {
		b := make([]byte, 13)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "still there?\n" {
			t.Errorf("got %q, %v", b, err)
		}
	}
}

// What is frozen takes in no more than a chunk: whoever goes on sending is stopped, as by a server
// whose process stands still.
func TestWhatIsFrozenReadsNothing(t *testing.T) {
	s := serve(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	p := before(t, s)
	c := connect(t, p)
	mustWrite := func(n int) int {
		_ = c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		written := 0
		for written < n {
			m, err := c.Write(make([]byte, min(chunkSize, n-written)))
			written += m
			if err != nil {
				break
			}
		}
		return written
	}
	set(t, p, Fault{Mode: Frozen})
	if n := mustWrite(64 << 20); n >= 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
	p.mu.Lock()
	for x := range p.links {
		x.mu.Lock()
		for _, f := range x.flows {
			f.queue.mu.Lock()
			if f.queue.size > chunkSize+chunkCost {
				t.Errorf("%d bytes are held", f.queue.size)
			}
			f.queue.mu.Unlock()
		}
		x.mu.Unlock()
	}
	p.mu.Unlock()
}

func TestDisconnected(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	a, b := connect(t, p), connect(t, p)
	mustAsk(t, a, "a")
	mustAsk(t, b, "b")
	if n := set(t, p, Fault{Mode: Disconnected}); n != 2 {
		t.Errorf("%d connections were ended", n)
	}
	for _, c := range []net.Conn{a, b} {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("it ends with %v", err)
		}
	}
	mustAsk(t, connect(t, p), "again")
	if st := p.State(); st.Ended != 2 || st.Fault.Mode != Pass {
		t.Errorf("got %+v", st)
	}
	p.await(t, "one is left", func(s State) bool { return s.Clients[0].Joined == 1 })
}

func TestRestarted(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	c := connect(t, p)
	mustAsk(t, c, "hello")
	began := time.Now()
	var going sync.WaitGroup
	going.Go(func() {
		if n := set(t, p, Fault{Mode: Restarted, For: 300 * time.Millisecond}); n != 1 {
			t.Errorf("%d connections were ended", n)
		}
	})
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what was open ends with %v", err)
	}
	if _, err := net.Dial("tcp", p.address()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v", err)
	}
	going.Wait()
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it was back after %s", took)
	}
	mustAsk(t, connect(t, p), "again")
	// One that is cut off is back at once.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Set(ctx, Fault{Mode: Restarted, For: time.Hour}); err != nil {
		t.Error(err)
	}
	mustAsk(t, connect(t, p), "and again")
}

func TestSlow(t *testing.T) {
	const delay = 200 * time.Millisecond
	s := serve(t, echo)
	p := before(t, s)
	c := connect(t, p)
	mustAsk(t, c, "hello")
	set(t, p, Fault{Mode: Slow, Delay: delay})
	took := func(do func()) time.Duration {
		began := time.Now()
		do()
		return time.Since(began)
	}
	// A machine that is busy makes it longer, now and then.
	within := func(most time.Duration, do func()) time.Duration {
		d := took(do)
		for tries := 0; d > most && tries < 20; tries++ {
			d = took(do)
		}
		return d
	}
	if d := within(2*delay, func() { mustAsk(t, c, "once") }); d < delay || d > 2*delay {
		t.Errorf("a round trip took %s", d)
	}
	if d := within(4*delay, func() { mustAsk(t, connect(t, p), "anew") }); d < 2*delay || d > 4*delay {
		t.Errorf("a connection and a round trip took %s", d)
	}
	// A hundred that are under way together take as long as one, and keep their order.
	const one = 10 * delay // in a row they would take a hundred
	d := took(func() {
		var all strings.Builder
		for i := range 100 {
			fmt.Fprintf(&all, "line %d\n", i)
			_, _ = fmt.Fprintf(c, "line %d\n", i)
		}
		got := make([]byte, all.Len())
		if _, err := io.ReadFull(c, got); err != nil || string(got) != all.String() {
			t.Errorf("got %q, %v", got, err)
		}
	})
	if d < delay || d > one {
		t.Errorf("a hundred took %s", d)
	}
	// So does the end of a connection.
	if d := took(func() { _ = c.CloseWrite(); _, _ = io.ReadAll(c) }); d < delay || d > one {
		t.Errorf("its end took %s", d)
	}
	// What is under way when it is fast again is there at once.
	c = connect(t, p)
	mustAsk(t, c, "hello")
	set(t, p, Fault{Mode: Slow, Delay: time.Hour})
	if _, err := io.WriteString(c, "under way\n"); err != nil {
		t.Fatal(err)
	}
	if !silent(c) {
		t.Error("it was answered")
	}
	set(t, p, Fault{Mode: Pass})
	b := make([]byte, 10)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "under way\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// A line that is slow carries as much as its buffer holds in each half of a round trip.
func TestALargeTransferOverASlowLine(t *testing.T) {
	const size = 4 << 20
	s := serve(t, echo)
	p := before(t, s)
	c := connect(t, p)
	mustAsk(t, c, "hello")
	set(t, p, Fault{Mode: Slow, Delay: 100 * time.Millisecond})
	began := time.Now()
	go func() {
		_, _ = c.Write(make([]byte, size))
		_ = c.CloseWrite()
	}()
	n, err := io.Copy(io.Discard, c)
	if took := time.Since(began); err != nil || n != size || took > 3*time.Second {
		t.Errorf("%d bytes took %s (%v)", n, took, err)
	}
}

// What fails on one side is no orderly end on the other.
func TestAResetIsPassedOn(t *testing.T) {
	told := make(chan error, 1)
	s := serve(t, func(c *net.TCPConn) {
		_, err := io.Copy(io.Discard, c)
		told <- err
	})
	p := before(t, s)
	c := connect(t, p)
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	p.await(t, "it is there", func(s State) bool { return len(s.Clients) == 1 && s.Clients[0].Sent == 5 })
	_ = c.SetLinger(0)
	c.Close()
	if err := <-told; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server saw %v", err)
	}
	s = serve(t, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0)
	})
	p = before(t, s)
	c = connect(t, p)
	if _, err := io.WriteString(c, "!"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v", err)
	}
}

func TestADependencyThatIsNotThere(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	s.Close()
	c, err := net.Dial("tcp", p.address())
	if err == nil { // or the reset was there before it was looked at
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	p.await(t, "it is told", func(s State) bool { return s.Unreached == 1 && strings.Contains(s.Why, "refused") })
	if l := p.local(t); l.Joined != 0 || l.Left != -1 {
		t.Errorf("got %+v", l)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Reach(ctx); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
}

func TestReachWaitsForTheDependency(t *testing.T) {
	s := serve(t, echo)
	at := s.Addr().String()
	s.Close()
	p, err := Start(t.Context(), []Route{{"127.0.0.1:0", at}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	time.AfterFunc(2*reachEvery, func() {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Error(err)
			return
		}
		context.AfterFunc(t.Context(), func() { l.Close() })
	})
	if err := p.Reach(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAwait(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	here := netip.MustParseAddr("127.0.0.1")
	p.Await(ctx, here)
	if ctx.Err() == nil {
		t.Error("a connection was there that nobody had made")
	}
	var going sync.WaitGroup
	defer going.Wait()
	going.Go(func() {
		time.Sleep(20 * time.Millisecond) // it is waited for by then
		connect(t, p)
	})
	whole, end := context.WithTimeout(t.Context(), 10*time.Second)
	defer end()
	p.Await(whole, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1"))
	if whole.Err() != nil || p.local(t).Joined != 1 {
		t.Errorf("got %+v", p.State())
	}
}

// Whatever happens to connections, nothing of them stays behind.
func TestNothingStaysBehind(t *testing.T) {
	s := serve(t, echo)
	was := runtime.NumGoroutine()
	for _, f := range []Fault{{Mode: Pass}, {Mode: Refused}, {Mode: Frozen}, {Mode: Disconnected}, {Mode: Slow, Delay: time.Hour}} {
		p, err := Start(t.Context(), []Route{{"127.0.0.1:0", s.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		set(t, p, Fault{Mode: Pass})
		for range 20 {
			mustAsk(t, connect(t, p), "hello")
		}
		set(t, p, f)
		p.Close()
		if len(p.links) != 0 || len(p.slots) != 0 {
			t.Errorf("%s: %d connections and %d slots are left", f.Mode, len(p.links), len(p.slots))
		}
		if _, err := net.Dial("tcp", p.address()); err == nil {
			t.Errorf("%s: it still listens", f.Mode)
		}
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > was+1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, of %d before", runtime.NumGoroutine(), was)
		}
	}
}

// Faults that come while connections come and go leave none of them half open.
func TestFaultsBesideALoad(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var going sync.WaitGroup
	var good atomic.Int64
	for w := range 8 {
		going.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				c, err := net.Dial("tcp", p.address())
				if err != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				line := fmt.Sprintf("%d/%d", w, i)
				got, err := ask(c, line)
				if err == nil && got != line {
					t.Errorf("%q was answered %q", line, got)
				}
				if err == nil {
					good.Add(1)
				}
				c.Close()
			}
		})
	}
	for i := 0; ctx.Err() == nil; i++ {
		set(t, p, []Fault{{Mode: Refused}, {Mode: Frozen}, {Mode: Slow, Delay: 4 * time.Millisecond}, {Mode: Disconnected}, {Mode: Restarted, For: time.Millisecond}}[i%5])
		time.Sleep(5 * time.Millisecond)
		set(t, p, Fault{Mode: Pass})
		time.Sleep(5 * time.Millisecond)
	}
	going.Wait()
	p.await(t, "all are over", func(s State) bool { return len(s.Clients) == 1 && s.Clients[0].Open == 0 && s.Clients[0].Joined == 0 })
	if good.Load() == 0 {
		t.Error("nothing was answered")
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Route{
		"5432=10.96.0.7:5432":      {":5432", "10.96.0.7:5432"},
		"127.0.0.1:80=[fd00::7]:8": {"127.0.0.1:80", "[fd00::7]:8"},
		"5432":                     {}, "=10.0.0.1:80": {}, "80=10.0.0.1": {},
	} {
		if got, err := ParseRoute(text); got != want || (err == nil) != (want != Route{}) {
			t.Errorf("%q: got %+v (%v)", text, got, err)
		}
	}
	for text, want := range map[string]Fault{
		"pass": {Mode: Pass}, "refused": {Mode: Refused}, "slow 200ms": {Mode: Slow, Delay: 200 * time.Millisecond}, "restarted 2s": {Mode: Restarted, For: 2 * time.Second},
		"slow": {}, "slow -1s": {}, "slow soon": {}, "pass 1s": {}, "broken": {},
	} {
		words := strings.Fields(text)
		if got, err := ParseFault(words[0], words[1:]); got != want || (err == nil) != (want != Fault{}) {
			t.Errorf("%q: got %+v (%v)", text, got, err)
		}
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	s := serve(t, echo)
	if _, err := Start(t.Context(), []Route{{"127.0.0.1:0", "127.0.0.1:1"}, {s.Addr().String(), "127.0.0.1:1"}}); err == nil || !strings.Contains(err.Error(), "listening on "+s.Addr().String()) {
		t.Errorf("got %v", err)
	}
	// One that is taken while it refuses leaves it refusing.
	p := before(t, s)
	set(t, p, Fault{Mode: Refused})
	l, err := net.Listen("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := p.Set(t.Context(), Fault{Mode: Pass}); err == nil || p.State().Fault.Mode != Refused {
		t.Errorf("got %v, %+v", err, p.State())
	}
}

func TestResets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "snmp")
	for text, want := range map[string]int64{
		"Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm InErrs OutRsts InCsumErrors\nTcp: 1 0 42 0\n": 42,
		"Tcp: RtoAlgorithm\nTcp: 1\n": -1, "Tcp: OutRsts\nTcp: many\n": -1, "": -1,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := resets(file); got != want {
			t.Errorf("%q: got %d", text, got)
		}
	}
	if got := resets(file + "x"); got != -1 {
		t.Errorf("got %d", got)
	}
}

// What is said over a line is relayed, and ends with it.
func TestALineToTheProxy(t *testing.T) {
	to, say := io.Pipe()
	hear, from := io.Pipe()
	relayed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 0) // nobody listens there
	defer cancel()
	go func() {
		relayed <- Relay(ctx, "@nobody", to, from)
		from.Close()
	}()
	l := NewLine(say, hear)
	if _, broken, err := l.Tell([]string{"state"}); broken || err == nil {
		t.Errorf("broken: %t (%v)", broken, err)
	}
	if _, err := io.WriteString(say, "nonsense\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-relayed; err == nil || !strings.Contains(err.Error(), "reading an order") {
		t.Errorf("got %v", err)
	}
	to.Close()
	if _, broken, err := l.Tell([]string{"state"}); !broken || err == nil {
		t.Errorf("broken: %t (%v)", broken, err)
	}
	if err := Relay(t.Context(), "@nobody", strings.NewReader(""), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestItDoesAsItIsTold(t *testing.T) {
	s := serve(t, echo)
	p := before(t, s)
	dir, err := os.MkdirTemp("", "proxy") // t.TempDir is longer than a socket's path may be
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	at := filepath.Join(dir, "s")
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Obey(ctx, l) }()
	tell := func(words string) (State, error) { return Tell(t.Context(), at, strings.Fields(words)) }
	c := connect(t, p)
	mustAsk(t, c, "hello")
	for _, x := range []struct {
		words, mode string
	}{{"state", Pass}, {"slow 10ms", Slow}, {"frozen", Frozen}, {"pass", Pass}, {"reach 5s", Pass}, {"await 5s 10.0.0.1 127.0.0.1", Pass}, {"disconnected", Pass}, {"restarted 1ms", Pass}, {"refused", Refused}} {
		got, err := tell(x.words)
		if err != nil || got.Fault.Mode != x.mode || got.Accepted != 1 || len(got.Clients) != 1 {
			t.Errorf("%s: got %+v (%v)", x.words, got, err)
		}
	}
	for words, want := range map[string]string{"": "nothing was said", "explode": "not one of", "state now": "too much", "reach": "takes a time", "reach soon": "not a time", "await 1s nobody": "unable to parse", "reach 1s 2s": "too much"} {
		if _, err := tell(words); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", words, err)
		}
	}
	// Whoever asked and is gone is waited for no longer.
	gone, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	if _, err := Tell(gone, at, []string{"await", "1h", "10.0.0.1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.Close()
}
