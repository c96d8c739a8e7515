package service

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"podproof.dev/reactbin/internal/server"
)

// The tests run in bubbles of testing/synctest: the clock stands still while anything runs,
// and jumps to the next timer when everything waits. So the seconds below are exact.

// diary collects what happened, with the second at which it did.
type diary struct {
	mu    sync.Mutex
	begin time.Time
	lines []string
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, time.Since(d.begin).Round(time.Second).String()+" "+what)
}

// Write makes the diary a log. A record is noted by its message.
func (d *diary) Write(record []byte) (int, error) {
	_, message, _ := strings.Cut(string(record), `msg="`)
	message, _, _ = strings.Cut(message, `"`)
	d.note(message)
	return len(record), nil
}

type world struct {
	*Service
	*diary
	stop   context.CancelFunc
	result chan error

	serveError error         // what Serve returns at once, if set
	stopped    chan struct{} // Serve returns when Shutdown closes it, as net/http's does
	inFlight   chan struct{} // Shutdown waits for it to be closed
	inUse      chan struct{} // the pool's Close waits for it to be closed
	ping       func(context.Context) error
}

func (w *world) Serve(net.Listener) error {
	if w.serveError != nil {
		return w.serveError
	}
	<-w.stopped
	return http.ErrServerClosed
}

func (w *world) Shutdown(ctx context.Context) error {
	w.note("server stops accepting")
	close(w.stopped)
	select {
	case <-w.inFlight:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *world) Close() error {
	w.note("server cuts connections")
	return nil
}

type pool struct{ *world }

func (p pool) Ping(ctx context.Context) error { return p.ping(ctx) }

func (p pool) Close() {
	p.note("pool closes")
	<-p.inUse
}

type address string

func (a address) Accept() (net.Conn, error) { return nil, errors.New("not used") }
func (a address) Close() error              { return nil }
func (a address) Addr() net.Addr            { return a }
func (a address) Network() string           { return "tcp" }
func (a address) String() string            { return string(a) }

func isClosed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// start runs a service in the bubble, after prepare has changed what it meets.
func start(prepare func(*world)) *world {
	w := &world{
		diary:    &diary{begin: time.Now()},
		result:   make(chan error, 1),
		stopped:  make(chan struct{}),
		inFlight: isClosed(),
		inUse:    isClosed(),
		ping:     func(context.Context) error { return nil },
	}
	w.Service = &Service{
		Log:      slog.New(slog.NewTextHandler(w.diary, nil)),
		Gate:     &server.Gate{},
		HTTP:     w,
		Database: pool{w},
		Delay:    3 * time.Second,
		Drain:    30 * time.Second,
	}
	prepare(w)
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() { w.result <- w.Run(ctx, address("[::]:8000")) }()
	synctest.Wait()
	return w
}

func (w *world) expect(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(w.lines, lines) {
		t.Errorf("it went\n  %s\nexpected\n  %s", strings.Join(w.lines, "\n  "), strings.Join(lines, "\n  "))
	}
}

func TestShutdownOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(func(w *world) { w.inFlight = make(chan struct{}) })
		if w.Gate.Closed() != "" {
			t.Errorf("after the start the gate says %q", w.Gate.Closed())
		}
		time.Sleep(10 * time.Second)
		w.stop()
		synctest.Wait()
		if w.Gate.Closed() == "" {
			t.Error("the pod is still ready after SIGTERM")
		}
		time.Sleep(10 * time.Second)
		close(w.inFlight) // the last request ends
		if err := <-w.result; err != nil {
			t.Error(err)
		}
		w.expect(t,
			"0s Started server",
			"0s Application startup complete",
			"10s Shutting down",
			"13s server stops accepting",
			"20s pool closes",
			"20s Shutdown complete")
	})
}

func TestRequestsThatDoNotEndAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(func(w *world) { w.inFlight = make(chan struct{}) })
		w.stop()
		err := <-w.result
		if err == nil || !strings.Contains(err.Error(), "after 30s") {
			t.Errorf("got error %v", err)
		}
		w.expect(t,
			"0s Started server",
			"0s Application startup complete",
			"0s Shutting down",
			"3s server stops accepting",
			"33s server cuts connections",
			"33s pool closes",
			"33s Shutdown complete")
	})
}

func TestAFrozenPoolDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(func(w *world) { w.inUse = make(chan struct{}) })
		w.stop()
		if err := <-w.result; err != nil {
			t.Error(err)
		}
		w.expect(t,
			"0s Started server",
			"0s Application startup complete",
			"0s Shutting down",
			"3s server stops accepting",
			"3s pool closes",
			"5s Database connections did not close in time",
			"5s Shutdown complete")
		close(w.inUse)
	})
}

func TestTheStartWaitsForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(func(w *world) {
			w.ping = func(context.Context) error {
				if time.Since(w.begin) < time.Minute {
					return errors.New("refused")
				}
				return nil
			}
		})
		time.Sleep(59 * time.Second)
		if w.Gate.Closed() == "" {
			t.Error("it is ready without its database")
		}
		time.Sleep(4 * time.Second) // the pause between two attempts is 2 s at most
		if w.Gate.Closed() != "" {
			t.Errorf("with its database it is not ready: %s", w.Gate.Closed())
		}
		w.stop()
		if err := <-w.result; err != nil {
			t.Error(err)
		}
	})
}

func TestSIGTERMWhileStartingEndsAtOnce(t *testing.T) {
	for name, ping := range map[string]func(context.Context) error{
		"refused": func(context.Context) error { return errors.New("refused") },
		"frozen":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(func(w *world) { w.ping = ping })
				w.stop()
				if err := <-w.result; err != nil {
					t.Error(err)
				}
				if got := time.Since(w.begin); got != 0 {
					t.Errorf("it took %s", got)
				}
				if slices.Contains(w.lines, "0s Application startup complete") {
					t.Error("it claims to have started")
				}
			})
		})
	}
}

func TestAServerThatFailsEndsTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(func(w *world) { w.serveError = errors.New("no more sockets") })
		err := <-w.result
		if err == nil || !strings.Contains(err.Error(), "[::]:8000: no more sockets") {
			t.Errorf("got error %v", err)
		}
		w.stop()
	})
}
