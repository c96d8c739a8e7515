package trial

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/runtime"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

const (
	// attachWithin is how long a stream to the agent that broke is tried again: an API server
	// that is started again is back by then.
	attachWithin = time.Minute
	attachEvery  = 500 * time.Millisecond
	// letGo is how long a load that is given up has to hear so.
	letGo = 5 * time.Second
)

// Load is a load generator at work. The agent carries its plan out whether a stream to it
// lasts or not; one that breaks is made again, and goes on where it broke.
type Load struct {
	id     string
	plan   agent.Plan
	redact func(string) string
	attach func(ctx context.Context, in io.Reader, out io.Writer) error
	gone   func(context.Context) string // why the agent cannot be reached any more
	giveUp context.CancelFunc

	mu       sync.Mutex
	outcomes []evidence.Request
	answered map[int][]evidence.Request // the first answer of each stream of the plan, and the first success
	held     int
	heard    int      // the number of the last line
	words    []string // that were said so far
	asked    time.Time
	clocked  bool
	offset   time.Duration // of the agent's clock from ours, once it is clocked
	changed  chan struct{} // closed and replaced at each line and each word
	done     bool
	err      error
	ended    chan struct{}
}

var errNoPort = errors.New("podproof knows no port on which to ask the workload: name http.port in the contract")

// StartLoad lets the agent carry out a plan. Its input is a stream over the API server,
// its requests are sent from inside the cluster.
func (b *TestBed) StartLoad(ctx context.Context, plan agent.Plan) (*Load, error) {
	for _, s := range plan.Streams {
		if strings.HasSuffix(s.Address, ":0") {
			return nil, errNoPort
		}
	}
	return startLoad(ctx, &Load{plan: plan, redact: b.Redact, attach: b.attach, gone: b.agentGone})
}

func startLoad(ctx context.Context, l *Load) (*Load, error) {
	ctx, l.giveUp = context.WithCancel(ctx)
	l.id, l.changed, l.ended = rand.Text(), make(chan struct{}), make(chan struct{})
	l.answered = map[int][]evidence.Request{}
	go l.follow(ctx)
	if err := l.Until(ctx, func(int, []evidence.Request) bool { return l.clocked }); err != nil {
		l.cancel()
		return nil, err
	}
	return l, nil
}

// follow listens to the agent until all is said, over as many streams as that takes.
func (l *Load) follow(ctx context.Context) {
	defer runtime.HandleCrash()
	defer close(l.ended)
	since := time.Now()
	for {
		before := l.heard
		err := l.stream(ctx)
		if l.done || l.err != nil {
			return
		}
		if ctx.Err() != nil {
			l.end(context.Cause(ctx))
			return
		}
		if l.heard > before {
			since = time.Now()
		}
		if why := l.gone(ctx); why != "" {
			l.end(fmt.Errorf("podproof's agent cannot be reached: %s", why))
			return
		}
		if time.Since(since) > attachWithin {
			l.end(fmt.Errorf("the stream to podproof's agent broke, and no other could be made for %s: %w", attachWithin, err))
			return
		}
		_ = pause(ctx, attachEvery)
	}
}

func (l *Load) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// stream attaches to the load once, and hears what it says until the stream ends.
func (l *Load) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() {
		err := l.attach(ctx, inR, outW)
		inR.CloseWithError(io.ErrClosedPipe)
		outW.CloseWithError(errors.Join(err, io.EOF))
	})
	both.Go(func() {
		defer inW.Close()
		_ = l.speak(ctx, inW) // that nobody hears it is told by the other end
	})
	defer outR.Close()
	defer cancel()
	return l.listen(bufio.NewReader(outR))
}

// speak attaches, asks for the time, and says all words, those of a stream that broke again.
func (l *Load) speak(ctx context.Context, in io.Writer) error {
	l.mu.Lock()
	first, err := json.Marshal(agent.Attachment{ID: l.id, From: l.heard, Plan: l.plan})
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if _, err := in.Write(append(first, '\n')); err != nil { // it is read once there is a stream
		return err
	}
	l.mu.Lock()
	l.asked = time.Now()
	l.mu.Unlock()
	if _, err := io.WriteString(in, agent.Clock+"\n"); err != nil {
		return err
	}
	said := 0
	for {
		l.mu.Lock()
		words, changed := l.words[said:], l.changed
		l.mu.Unlock()
		for _, w := range words {
			if _, err := io.WriteString(in, w+"\n"); err != nil {
				return err
			}
		}
		said += len(words)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// listen takes in the agent's lines. What follows the last end of a line is a part of one.
func (l *Load) listen(out *bufio.Reader) error {
	for {
		text, err := out.ReadBytes('\n')
		if err != nil {
			return err
		}
		var line agent.Line
		if err := json.Unmarshal(text, &line); err != nil {
			return fmt.Errorf("the agent said %q: %w", brief(string(text)), err)
		}
		if l.take(line); l.done || l.err != nil {
			return nil
		}
	}
}

func (l *Load) take(line agent.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case line.Problem != "":
		l.err = fmt.Errorf("podproof's agent: %s", line.Problem)
	case line.Clock != nil:
		l.offset = clockOffset(l.asked, time.Now(), *line.Clock)
		for i := range l.outcomes {
			if !l.clocked {
				l.outcomes[i].Start = l.outcomes[i].Start.Add(-l.offset)
			}
		}
		l.clocked = true
	case line.Seq <= l.heard:
		return // it was said over an earlier stream
	case line.Outcome != nil:
		o := *line.Outcome
		o.Start = o.Start.Add(-l.offset)
		o.Head, o.Body = l.redact(o.Head), page(l.redact(o.Body), int(o.Bytes) > len(o.Body))
		l.outcomes = append(l.outcomes, o)
		l.note(line.Of, o)
	case line.Held != "":
		l.held++
	}
	l.heard = max(l.heard, line.Seq)
	l.done = l.done || line.Done
	l.wake()
}

// wake lets those look again who wait for something to change.
func (l *Load) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// page is an answer's body with its secrets taken out. Where there was more of it than was
// kept, the end goes that may be half a secret.
func page(body string, cut bool) string {
	if cut {
		body = body[:max(0, len(body)-agent.Margin)]
	}
	return body
}

// clockOffset is that of another clock, which said what time it was between asked and now.
// One that may be the same, as with a cluster on this machine, is taken for the same.
func clockOffset(asked, now, said time.Time) time.Duration {
	if !said.Before(asked) && !said.After(now) {
		return 0
	}
	return said.Sub(asked.Add(now.Sub(asked) / 2))
}

func (l *Load) say(word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.words = append(l.words, word)
	l.wake()
}

// Until waits until the load has come as far as done says, which is given the number of
// requests that hold half of their body back, and the outcomes so far.
func (l *Load) Until(ctx context.Context, done func(held int, outcomes []evidence.Request) bool) error {
	for {
		l.mu.Lock()
		over, changed := done(l.held, l.outcomes), l.changed
		l.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-changed:
		case <-l.ended:
			return l.whole()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// whole is nil where the load has said all.
func (l *Load) whole() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Release lets the bodies go that are held back.
func (l *Load) Release() error {
	l.say(agent.Release)
	return nil
}

// Stop starts no more requests, waits for those under way, and returns what became of all,
// by podproof's own clock.
func (l *Load) Stop(ctx context.Context) ([]evidence.Request, error) {
	l.say(agent.Stop)
	select {
	case <-l.ended:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	l.giveUp()
	return l.outcomes, l.whole()
}

// cancel lets a load end that nobody wants to hear of any more.
func (l *Load) cancel() {
	l.say(agent.Stop)
	go func() {
		select {
		case <-l.ended:
		case <-time.After(letGo):
		}
		l.giveUp()
	}()
}
