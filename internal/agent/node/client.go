package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Client asks Serve, over a stream each way. It may be used side by side.
type Client struct {
	asking sync.Mutex // while an order is written; answers are heard meanwhile
	to     *json.Encoder

	mu    sync.Mutex
	last  int
	calls map[int]*calling
	lost  error // why nothing is answered any more
}

// NewClient asks over to, and hears the answers from from until that ends.
func NewClient(to io.Writer, from io.Reader) *Client {
	c := &Client{to: json.NewEncoder(to), calls: map[int]*calling{}}
	go c.hear(json.NewDecoder(from))
	return c
}

// calling is a call that is under way. What it prints waits here for its caller, so that a slow one
// does not keep the others from theirs.
type calling struct {
	news chan struct{} // of one place: there is something new

	mu    sync.Mutex
	parts [][]byte
	done  bool
	err   error
}

// Lost says why the client is of no use any more, nil while it is.
func (c *Client) Lost() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// endsWithin is how long an Op may take to end once nobody wants it any more.
const endsWithin = 3 * time.Second

// Run asks for an Op and writes what it prints as it comes, until it has ended. When the context ends
// so does the Op, and the error is the context's cause.
func (c *Client) Run(ctx context.Context, out io.Writer, op string, args ...string) error {
	id, x, err := c.begin(op, args)
	if err != nil {
		return err
	}
	defer c.forget(id)
	stopped, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		parts, done, err := x.take()
		for _, p := range parts {
			if _, err := out.Write(p); err != nil {
				c.end(id)
				return fmt.Errorf("agent node %s: passing on what it printed: %w", op, err)
			}
		}
		switch {
		case done && ctx.Err() != nil:
			return context.Cause(ctx)
		case done:
			return err
		}
		select {
		case <-x.news:
		case <-stopped:
			c.end(id)
			stopped, late = nil, time.After(endsWithin)
		case <-late:
			return context.Cause(ctx)
		}
	}
}

func (c *Client) begin(op string, args []string) (int, *calling, error) {
	x := &calling{news: make(chan struct{}, 1)}
	c.mu.Lock()
	c.last++
	id, lost := c.last, c.lost
	if lost == nil {
		c.calls[id] = x
	}
	c.mu.Unlock()
	if lost != nil {
		return 0, nil, lost
	}
	if err := c.ask(order{ID: id, Op: op, Args: args}); err != nil {
		c.forget(id)
		return 0, nil, fmt.Errorf("asking the agent: %w", err)
	}
	return id, x, nil
}

func (c *Client) ask(o order) error {
	c.asking.Lock()
	defer c.asking.Unlock()
	return c.to.Encode(o)
}

func (c *Client) end(id int) {
	_ = c.ask(order{ID: id, End: true}) // where it is not heard, nothing goes on
}

func (c *Client) forget(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

func (c *Client) hear(answers *json.Decoder) {
	for {
		var a answer
		if err := answers.Decode(&a); err != nil {
			c.lose(err)
			return
		}
		c.mu.Lock()
		x := c.calls[a.ID]
		c.mu.Unlock()
		if x == nil {
			continue // nobody wants it any more
		}
		var err error
		if a.Error != "" {
			err = errors.New(a.Error)
		}
		x.add(a.Out, a.Done, err)
	}
}

func (c *Client) lose(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = fmt.Errorf("the agent does not answer any more: %w", err)
	for _, x := range c.calls {
		x.add(nil, true, c.lost)
	}
}

func (x *calling) add(out []byte, done bool, err error) {
	x.mu.Lock()
	if len(out) > 0 {
		x.parts = append(x.parts, out)
	}
	if done {
		x.done, x.err = true, err
	}
	x.mu.Unlock()
	select {
	case x.news <- struct{}{}:
	default: // there is something new already
	}
}

func (x *calling) take() (parts [][]byte, done bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	parts, x.parts = x.parts, nil
	return parts, x.done, x.err
}
