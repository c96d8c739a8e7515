package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// Socket is where the proxy is told what to do: a name in Linux' abstract namespace, which only its
// own pod reaches (unix(7)).
const Socket = "@podproof-proxy"

// The words beside the modes.
const (
	wordState = "state"
	wordReach = "reach"
	wordAwait = "await"
)

// Words say how the proxy is told, for a person.
const Words = `  pass                     pass everything on
  refused                  refuse connections, and reset those that are open
  frozen                   accept connections, and neither read nor answer
  slow TIME                let a round trip take so much longer
  disconnected             end the open connections, and go on
  restarted TIME           refuse for a time, and then pass everything on
  state                    say what it does, and has seen
  reach TIME               wait until the dependency accepts a connection
  await TIME ADDRESS…      wait until one of the addresses has a connection to the dependency`

// order is what the proxy is told, and report what it answers: a line of JSON each.
type order struct {
	Words []string `json:"words"`
}

type report struct {
	State *State `json:"state,omitempty"`
	Error string `json:"error,omitempty"`
}

// Obey does what those who connect say, until the context ends.
func (p *Proxy) Obey(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("waiting for an order: %w", err)
		}
		p.going.Go(func() { p.hear(ctx, c) })
	}
}

func (p *Proxy) hear(ctx context.Context, c net.Conn) {
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	var o order
	in := json.NewDecoder(c)
	err := in.Decode(&o)
	go func() {
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), c))
		cancel() // whoever asked is gone
	}()
	if err == nil {
		err = p.do(ctx, o.Words)
	}
	s := p.State()
	r := report{State: &s}
	if err != nil {
		r = report{Error: err.Error()}
	}
	_ = json.NewEncoder(c).Encode(r) // whoever does not hear it is gone
}

// do carries out what was said. What it comes to stands in the state.
func (p *Proxy) do(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return errors.New("nothing was said; it takes:\n" + Words)
	}
	switch word, args := words[0], words[1:]; word {
	case wordState:
		return none(args)
	case wordReach, wordAwait:
		if len(args) == 0 {
			return fmt.Errorf("%s takes a time", word)
		}
		limit, err := time.ParseDuration(args[0])
		if err != nil {
			return fmt.Errorf("%q is not a time such as 5s", args[0])
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		if word == wordReach {
			return errors.Join(none(args[1:]), p.Reach(ctx))
		}
		var from []netip.Addr
		for _, a := range args[1:] {
			addr, err := netip.ParseAddr(a)
			if err != nil {
				return err
			}
			from = append(from, addr)
		}
		p.Await(ctx, from...)
		return nil
	default:
		f, err := ParseFault(word, args)
		if err == nil {
			_, err = p.Set(ctx, f)
		}
		return err
	}
}

func none(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q is too much", args)
	}
	return nil
}

// tellWithin is how long a container that runs may take to listen.
const tellWithin = 10 * time.Second

// Tell has the proxy at an address do something, and returns its state.
func Tell(ctx context.Context, address string, words []string) (State, error) {
	c, err := dialControl(ctx, address)
	if err != nil {
		return State{}, fmt.Errorf("the proxy cannot be reached: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := json.NewEncoder(c).Encode(order{words}); err != nil {
		return State{}, fmt.Errorf("telling the proxy: %w", err)
	}
	var r report
	switch err := json.NewDecoder(c).Decode(&r); {
	case ctx.Err() != nil:
		return State{}, context.Cause(ctx)
	case err != nil:
		return State{}, fmt.Errorf("the proxy did not answer: %w", err)
	}
	return r.read()
}

// Relay tells the proxy at an address what each line of the input says, and writes what that comes to, a
// line for each, until the input ends.
func Relay(ctx context.Context, address string, in io.Reader, out io.Writer) error {
	said, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		switch err := said.Decode(&o); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("reading an order: %w", err)
		}
		s, err := Tell(ctx, address, o.Words)
		r := report{State: &s}
		if err != nil {
			r = report{Error: err.Error()}
		}
		if err := answers.Encode(r); err != nil {
			return fmt.Errorf("answering an order: %w", err)
		}
	}
}

// Line is the other end of Relay. It is used by one at a time.
type Line struct {
	said    *json.Encoder
	answers *json.Decoder
}

// NewLine is one that writes orders, and reads answers.
func NewLine(to io.Writer, from io.Reader) *Line {
	return &Line{json.NewEncoder(to), json.NewDecoder(from)}
}

// Tell has the proxy do something, and returns its state. Broken tells that the line has ended.
func (l *Line) Tell(words []string) (s State, broken bool, err error) {
	if err := l.said.Encode(order{words}); err != nil {
		return State{}, true, err
	}
	var r report
	if err := l.answers.Decode(&r); err != nil {
		return State{}, true, err
	}
	s, err = r.read()
	return s, false, err
}

func (r report) read() (State, error) {
	switch {
	case r.Error != "":
		return State{}, errors.New(r.Error)
	case r.State == nil:
		return State{}, errors.New("the proxy's answer has no state")
	}
	return *r.State, nil
}

func dialControl(ctx context.Context, address string) (c net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	for {
		if c, err = new(net.Dialer).DialContext(ctx, "unix", address); err == nil {
			return c, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}
