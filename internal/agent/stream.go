package agent

import (
	"context"
	"errors"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// run sends the stream's requests until it is stopped, or has sent as many as it should.
func (s Stream) run(ctx context.Context, released, stopped <-chan struct{}, tell func(Line)) {
	var c connection
	defer func() { hangUp(c) }()
	x := &exchange{Stream: s, released: released, tell: tell}
	var last time.Time
	next := time.NewTimer(0)
	defer next.Stop()
	for n := 0; s.Count == 0 || n < s.Count; n++ {
		select {
		case <-stopped:
			return
		case <-ctx.Done():
			return
		case <-next.C:
		}
		next.Reset(time.Duration(s.Every) * time.Millisecond)
		var o evidence.Request
		o, c = x.request(ctx, c)
		if o.Reused {
			o.Idle = o.Start.Sub(last).Seconds()
		}
		last = o.Ended()
		tell(Line{Outcome: &o})
	}
}

// exchange is a stream at work.
type exchange struct {
	Stream
	released <-chan struct{} // closed when what is held back is to be sent
	tell     func(Line)
	pages    pages
}

// connection is one to the server, without a client that would quietly send a request again.
type connection interface {
	// ask sends one request and takes in its answer. Its error is that no whole answer came.
	ask(ctx context.Context, x *exchange, o *evidence.Request, since func() float64) error
	// open tells whether the server has kept an idle connection open, as any client looks
	// before it uses one again.
	open() bool
	// acked is how many bytes the other end has acknowledged, false where that is not known.
	acked() (uint64, bool)
	// resets tells whether the other end has reset a connection on which there was that error.
	resets(err error) bool
	Close() error
}

// atOnce is how long a server may take over a request that it is not taken to have read when it
// resets the connection: one that does so later may have read it, and thrown it away.
const atOnce = time.Second

// request sends one request and reads its answer. It returns the connection that the next
// one may use.
func (x *exchange) request(ctx context.Context, c connection) (o evidence.Request, rest connection) {
	o = evidence.Request{Stream: x.Name, Start: time.Now()}
	since := func() float64 { return time.Since(o.Start).Seconds() }
	ctx, cancel := context.WithDeadline(ctx, o.Start.Add(time.Duration(x.Timeout)*time.Millisecond))
	defer cancel()
	fail := func(err error) (evidence.Request, connection) {
		o.End, o.Failure, o.Error = since(), failure(err), err.Error()
		hangUp(c)
		return o, nil
	}
	connected := func() error {
		hangUp(c)
		var err error
		o.Reused = false
		c, err = x.connect(ctx, func() { o.Connected = since() })
		return err
	}
	if o.Reused = c != nil && c.open(); o.Reused {
		o.Connected = since()
	} else if err := connected(); err != nil {
		return fail(err)
	}
	before, known := c.acked()
	err := x.ask(ctx, c, &o, since)
	// It was over after all, and any client takes another one then.
	if o.Reused && errors.As(err, new(*unsent)) {
		if err := connected(); err != nil {
			return fail(err)
		}
		before, known = c.acked()
		err = x.ask(ctx, c, &o, since)
	}
	if err != nil {
		after, _ := c.acked()
		o.Closes = saidGoAway(err)
		crossed := known && after == before || since() < atOnce.Seconds() && c.resets(err)
		o.Unread = unread(err) || o.Answered == 0 && gone(err) && crossed
		return fail(err)
	}
	o.End = since()
	if !x.KeepAlive || o.Closes {
		hangUp(c)
		return o, nil
	}
	return o, c
}

// due waits until what is held back is to be sent. It is early where an answer came before.
func (x *exchange) due(ctx context.Context, answered <-chan error) (early bool, err error) {
	released := x.released
	var due <-chan time.Time
	for {
		select {
		case err := <-answered:
			return true, err
		case <-released:
			released, due = nil, time.After(time.Duration(x.HoldFor)*time.Millisecond)
		case <-due:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// ask gives up when the context ends, in the words of that.
func (x *exchange) ask(ctx context.Context, c connection, o *evidence.Request, since func() float64) error {
	err := c.ask(ctx, x, o, since)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func hangUp(c connection) {
	if c != nil {
		c.Close()
	}
}
