package trial

import (
	"context"
	"errors"
	"io"
	"sync"

	"podproof.dev/podproof/internal/agent/proxy"
)

// faultLine tells podproof's proxy what to do over one stream to a command in its pod, which stays: to
// start one for each order would take more of a small node's CPU than the proxy itself.
type faultLine struct {
	mu   sync.Mutex
	open *openLine
}

// openLine is a stream that is there.
type openLine struct {
	*proxy.Line
	end  func()
	over chan struct{} // closed once the command has ended, with why
	why  error
}

// tell says something to a proxy, and returns its state. A stream that has broken is made anew where what
// was said only asks.
func (l *faultLine) tell(ctx context.Context, p *proxied, words []string) (proxy.State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for again := false; ; again = true {
		had := l.open != nil
		if !had {
			l.open = p.dial(ctx)
		}
		o := l.open
		stop := context.AfterFunc(ctx, o.end)
		s, broken, err := o.Tell(words)
		stop()
		switch {
		case ctx.Err() != nil:
			l.hang()
			return s, context.Cause(ctx)
		case !broken:
			return s, err
		}
		l.hang()
		<-o.over
		if o.why != nil {
			err = o.why
		}
		if asks := words[0] == "state" || words[0] == "reach" || words[0] == "await"; !had || again || !asks {
			return s, err
		}
	}
}

// hang ends the stream; the next thing that is said opens another one.
func (l *faultLine) hang() {
	if l.open != nil {
		l.open.end()
		l.open = nil
	}
}

// close ends the stream for good.
func (l *faultLine) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hang()
}

// errLineEnded is a command that has ended by itself.
var errLineEnded = errors.New("the command in its pod has ended")

// dial opens a stream, which outlives what is said first.
func (p *proxied) dial(ctx context.Context) *openLine {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	orders, say := io.Pipe()
	hear, answers := io.Pipe()
	o := &openLine{Line: proxy.NewLine(say, hear), over: make(chan struct{})}
	o.end = func() {
		cancel()
		say.Close()
		hear.Close()
	}
	go func() {
		defer close(o.over)
		err := p.TestBed.exec(ctx, containerPlace{p.Namespace, p.name, "proxy"}, []string{"agent", "fault"}, orders, answers)
		if ctx.Err() == nil {
			if o.why = err; err == nil {
				o.why = errLineEnded
			}
		}
		orders.CloseWithError(errLineEnded)
		answers.CloseWithError(errLineEnded)
	}()
	return o
}
