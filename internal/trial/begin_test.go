package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

// loaded starts a load that is answered so.
func loaded(t *testing.T, a answers, streams ...agent.Stream) *Load {
	t.Helper()
	t.Cleanup(func() { time.Sleep(2 * letGo) })
	l, err := startLoad(t.Context(), &Load{plan: agent.Plan{Streams: streams}, redact: func(s string) string { return s }, attach: a.attach, gone: there})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.cancel)
	return l
}

func hanging(agent.Stream, time.Time) evidence.Request {
	return evidence.Request{End: 60, Failure: evidence.FailureTimeout, Error: "deadline exceeded"}
}

func someAnswer(_ int, rs []evidence.Request) bool { return len(rs) > 0 }

func TestALoadThatIsNotAnsweredInTime(t *testing.T) {
	fresh := agent.Stream{Name: evidence.StreamNew, Path: "/health", Every: 1000}
	other := agent.Stream{Name: evidence.StreamHealth, Path: "/live", Every: 1000}
	for _, c := range []struct {
		name     string
		answers  answers
		stream   agent.Stream
		done     func(int, []evidence.Request) bool
		want     string
		unserved bool
		took     time.Duration
	}{
		{"it hangs", hanging, fresh, someAnswer, "the load's GET /health was not answered within 40s", true, beginWithin},
		{"it fails", refusedAtOnce, fresh, someAnswer, "the load's GET /health failed: connection refused", true, servedWithin},
		{"an error", always(500), fresh, someAnswer, "the load's GET /health was answered 500: name a route", true, servedWithin},
		{"gRPC's word", says("NOT_SERVING", 503), agent.Stream{Name: evidence.StreamKept, Protocol: "grpc", Every: 1000}, someAnswer, "the load's gRPC health was answered NOT_SERVING", true, servedWithin},
		{"another stream hangs", hanging, other, someAnswer, "the workload did not answer the first requests of podproof's agent within 40s: none has an answer", false, beginWithin},
		{"another stream fails", refusedAtOnce, other, func(int, []evidence.Request) bool { return false }, "within 40s: one of the stream health failed: connection refused", false, beginWithin},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := loaded(t, c.answers, c.stream).Begin(t.Context(), c.done)
				if took := time.Since(began).Round(time.Second); err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, errUnserved) != c.unserved || took != c.took {
					t.Errorf("after %s: %v, want %q", took, err, c.want)
				}
			})
		})
	}
}

func refusedAtOnce(agent.Stream, time.Time) evidence.Request {
	return evidence.Request{Failure: evidence.FailureRefused, Error: "connection refused"}
}

func says(body string, status int) answers {
	return func(agent.Stream, time.Time) evidence.Request { return evidence.Request{Status: status, Body: body} }
}

// A first success is awaited a moment longer, of each stream of the load and of no other.
func TestALoadThatIsAnsweredAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := loaded(t, func(s agent.Stream, at time.Time) evidence.Request {
			if s.Name == evidence.StreamHealth || time.Since(began) < 2*time.Second {
				return always(500)(s, at)
			}
			return fine(s, at)
		}, agent.Stream{Name: evidence.StreamNew, Every: 500}, agent.Stream{Name: evidence.StreamKept, Every: 500}, agent.Stream{Name: evidence.StreamHealth, Every: 500})
		if err := l.Begin(t.Context(), someAnswer); err != nil || time.Since(began).Round(time.Second) != 2*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the run is ended, which is no fault of the workload's
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := loaded(t, hanging, agent.Stream{Name: evidence.StreamNew}).Begin(ctx, someAnswer); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errUnserved) {
			t.Errorf("got %v", err)
		}
	})
}

// A stream that cannot be had for a while is an error, with what broke it.
func TestAStreamThatStaysBroken(t *testing.T) {
	broken := func(context.Context, io.Reader, io.Writer) error { return io.ErrUnexpectedEOF }
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := startLoad(t.Context(), &Load{attach: broken, gone: there})
		time.Sleep(2 * letGo)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "no other could be made for 1m0s") || !errors.Is(err, io.ErrUnexpectedEOF) || took < attachWithin || took > attachWithin+3*letGo {
			t.Errorf("after %s: %v", took, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // one that breaks after each line goes on
		began := time.Now()
		lines := 0
		attach := func(_ context.Context, _ io.Reader, out io.Writer) error {
			time.Sleep(attachWithin / 2)
			if lines++; lines > 4 {
				_, err := io.WriteString(out, `{"clock":"2026-03-01T12:00:00Z"}`+"\n"+`{"seq":9,"done":true}`+"\n")
				return err
			}
			_, _ = fmt.Fprintf(out, `{"seq":%d}`+"\n", lines)
			return io.ErrUnexpectedEOF
		}
		l, err := startLoad(t.Context(), &Load{attach: attach, gone: there})
		if err != nil || time.Since(began) < 2*attachWithin {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if _, err := l.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // the run is ended
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := startLoad(ctx, &Load{attach: broken, gone: there})
		time.Sleep(2 * letGo)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatTheAgentSaysWrongly(t *testing.T) {
	for said, want := range map[string]string{
		`{"problem":"there is no plan"}`: "podproof's agent: there is no plan",
		`{"seq":1,"done":true}`:          "",
	} {
		synctest.Test(t, func(t *testing.T) {
			attach := func(_ context.Context, _ io.Reader, out io.Writer) error {
				_, err := io.WriteString(out, said+"\n")
				return err
			}
			_, err := startLoad(t.Context(), &Load{attach: attach, gone: there})
			time.Sleep(2 * letGo)
			if (err == nil) != (want == "") || err != nil && err.Error() != want {
				t.Errorf("%s: %v", said, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // what is no line of its is a broken stream
		attach := func(_ context.Context, _ io.Reader, out io.Writer) error {
			_, err := io.WriteString(out, "error: unable to upgrade connection\n")
			return err
		}
		_, err := startLoad(t.Context(), &Load{attach: attach, gone: there})
		time.Sleep(2 * letGo)
		if err == nil || !strings.Contains(err.Error(), `the agent said "error: unable to upgrade connection\n"`) {
			t.Errorf("got %v", err)
		}
	})
}

// The agent's own clock may be another one, also for what it told before it was asked for the time.
func TestRequestsAreToldByOurClock(t *testing.T) {
	now := time.Now()
	l := &Load{redact: strings.ToLower, changed: make(chan struct{}), answered: map[int][]evidence.Request{}, asked: now}
	ahead := func(d time.Duration) *time.Time { return new(now.Add(time.Hour + d)) }
	l.take(agent.Line{Seq: 1, Outcome: &evidence.Request{Start: *ahead(0)}})
	l.take(agent.Line{Clock: ahead(0)})
	if off := l.outcomes[0].Start.Sub(now).Abs(); off > time.Minute {
		t.Errorf("what came before the clock is told %s off", off)
	}
	l.take(agent.Line{Clock: ahead(0)}) // over another stream
	l.take(agent.Line{Seq: 2, Outcome: &evidence.Request{Start: *ahead(0)}})
	l.take(agent.Line{Seq: 2, Outcome: &evidence.Request{Start: *ahead(0)}}) // told again
	l.take(agent.Line{Seq: 3, Held: "slow"})
	l.take(agent.Line{Seq: 3, Held: "slow"})
	if len(l.outcomes) != 2 || l.held != 1 || l.heard != 3 || l.done {
		t.Fatalf("%d requests, %d held, %d lines", len(l.outcomes), l.held, l.heard)
	}
	for _, o := range l.outcomes {
		if off := o.Start.Sub(now).Abs(); off > time.Minute {
			t.Errorf("a request is told %s off", off)
		}
	}
	l.take(agent.Line{Seq: 4, Done: true})
	l.take(agent.Line{Clock: ahead(0)})
	if !l.done {
		t.Error("it was over")
	}
}

func TestTheFirstAnswersAreKept(t *testing.T) {
	l := &Load{answered: map[int][]evidence.Request{}}
	for _, status := range []int{500, 503, 200, 404, 201} {
		l.note(0, evidence.Request{Status: status})
	}
	l.note(1, evidence.Request{Status: 200})
	l.note(1, evidence.Request{Status: 201})
	if k := l.answered[0]; len(k) != 2 || k[0].Status != 500 || k[1].Status != 200 || len(l.answered[1]) != 1 {
		t.Errorf("got %+v", l.answered)
	}
}

// A load whose agent does not hear that it is given up is left, in a while.
func TestALoadThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		attach := func(ctx context.Context, in io.Reader, out io.Writer) error {
			go func() { _, _ = io.Copy(io.Discard, in) }()
			_, _ = io.WriteString(out, `{"clock":"2026-03-01T12:00:00Z"}`+"\n")
			<-ctx.Done()
			ended.Store(true)
			return ctx.Err()
		}
		l, err := startLoad(t.Context(), &Load{attach: attach, gone: there})
		if err != nil {
			t.Fatal(err)
		}
		l.cancel()
		time.Sleep(letGo - time.Second)
		if ended.Load() {
			t.Error("it had no time to hear it")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !ended.Load() {
			t.Error("it goes on")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("interrupted")
		cancel(cause)
		l.ended = make(chan struct{})
		if _, err := l.Stop(ctx); err != cause {
			t.Errorf("got %v", err)
		}
	})
}

func TestNothingIsAskedOfAPortThatIsNotKnown(t *testing.T) {
	if _, err := (&TestBed{}).StartLoad(t.Context(), agent.Plan{Streams: []agent.Stream{{Address: "10.0.0.7:0"}}}); err != errNoPort {
		t.Errorf("got %v", err)
	}
}
