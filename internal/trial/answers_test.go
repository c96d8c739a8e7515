package trial

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

// answers plays podproof's agent: it says what becomes of each request. One that is held is told
// to be, and sent to its end when it is released.
type answers func(s agent.Stream, at time.Time) evidence.Request

func fine(agent.Stream, time.Time) evidence.Request {
	return evidence.Request{Connected: 0.001, Answered: 0.002, End: 0.002, Status: 200}
}

// always answers each request with a status.
func always(n int) answers {
	return func(agent.Stream, time.Time) evidence.Request {
		return evidence.Request{Connected: 0.001, Answered: 0.002, End: 0.002, Status: n}
	}
}

// attach carries out the plan that is asked for, for as long as the stream lasts.
func (f answers) attach(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	words := bufio.NewScanner(in)
	words.Buffer(nil, 1<<20)
	if !words.Scan() {
		return words.Err()
	}
	var a agent.Attachment
	if err := json.Unmarshal(words.Bytes(), &a); err != nil {
		return err
	}
	x := &session{answers: f, out: json.NewEncoder(out), released: make(chan struct{}), stopped: make(chan struct{})}
	release, stop := sync.OnceFunc(func() { close(x.released) }), sync.OnceFunc(func() { close(x.stopped) })
	go func() {
		for words.Scan() {
			switch words.Text() {
			case agent.Clock:
				x.say(agent.Line{Clock: new(time.Now())})
			case agent.Release:
				release()
			case agent.Stop:
				release()
				stop()
			}
		}
	}()
	var streams sync.WaitGroup
	for i, s := range a.Plan.Streams {
		streams.Go(func() { x.run(ctx, i, s) })
	}
	streams.Wait()
	x.say(agent.Line{Done: true})
	return nil
}

type session struct {
	answers
	released, stopped chan struct{}

	mu  sync.Mutex
	seq int
	out *json.Encoder
}

func (x *session) say(l agent.Line) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if l.Clock == nil {
		x.seq++
		l.Seq = x.seq
	}
	_ = x.out.Encode(l) // whoever does not hear it is gone
}

func (x *session) run(ctx context.Context, of int, s agent.Stream) {
	for n := 0; s.Count == 0 || n < s.Count; n++ {
		began := time.Now()
		r := x.answers(s, began)
		r.Stream, r.Start = s.Name, began
		if s.Hold {
			x.say(agent.Line{Held: s.Name})
		}
		if s.Hold && r.Failure == "" {
			select {
			case <-x.released:
				_ = pause(ctx, time.Duration(s.HoldFor)*time.Millisecond)
			case <-ctx.Done():
				return
			}
			r.Released = time.Since(began).Seconds()
			r.End += r.Released
		}
		if pause(ctx, time.Until(r.Ended())) != nil {
			return
		}
		x.say(agent.Line{Of: of, Outcome: &r})
		select {
		case <-time.After(max(0, time.Until(began.Add(time.Duration(s.Every)*time.Millisecond)))):
		case <-x.stopped:
			return
		case <-ctx.Done():
			return
		}
	}
}
