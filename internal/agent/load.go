package agent

import (
	"context"
	"sync"
	"time"
)

// load is a plan that is carried out, with all that it has said so far.
type load struct {
	release, stop func()

	mu      sync.Mutex
	lines   []Line
	changed chan struct{} // closed and replaced at each line
	detach  func()        // ends the stream that is attached
	lonely  *time.Timer   // stops it when no stream is attached for too long
}

// begin carries out a plan, until it is stopped or has sent all that it should.
func begin(ctx context.Context, plan Plan) *load {
	ctx, cancel := context.WithCancel(ctx)
	released, stopped := make(chan struct{}), make(chan struct{})
	l := &load{changed: make(chan struct{})}
	l.release = sync.OnceFunc(func() { close(released) })
	l.stop = sync.OnceFunc(func() {
		l.release()
		close(stopped)
		time.AfterFunc(drainFor, cancel)
	})
	var streams sync.WaitGroup
	for i, s := range plan.Streams {
		tell := func(said Line) { said.Of = i; l.tell(said) }
		streams.Go(func() { s.run(ctx, released, stopped, tell) })
	}
	go func() {
		defer cancel()
		streams.Wait()
		l.tell(Line{Done: true})
	}()
	return l
}

func (l *load) tell(said Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	said.Seq = len(l.lines) + 1
	l.lines = append(l.lines, said)
	close(l.changed)
	l.changed = make(chan struct{})
}

// after are the lines behind the first n, and what closes when there are more.
func (l *load) after(n int) ([]Line, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[min(n, len(l.lines)):], l.changed
}

// attach makes a stream the one that is attached: the one before it is broken, although
// nobody may have noticed. Left is called when none has been attached for a while.
func (l *load) attach(detach func(), unattended time.Duration, left func()) (over func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.detach != nil {
		l.detach()
		l.lonely.Stop()
	}
	lonely := time.AfterFunc(unattended, left)
	lonely.Stop()
	l.detach, l.lonely = detach, lonely
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.lonely == lonely {
			lonely.Reset(unattended)
		}
	}
}
