package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Socket is where the agent listens: a name in Linux' abstract namespace, for its root file
// system is read-only (unix(7)). Only its own pod reaches it.
const Socket = "@podproof-agent"

const (
	// Unattended is how long a load goes on, and is remembered, that no stream is attached to.
	Unattended = 2 * time.Minute
	// longestLine bounds an attachment, which holds the bodies of its plan's requests.
	longestLine = 16 << 20
)

// Serve carries out the plans of those who connect, until the context ends.
func Serve(ctx context.Context, l net.Listener) error {
	return (&server{loads: map[string]*load{}, unattended: Unattended}).serve(ctx, l)
}

type server struct {
	mu         sync.Mutex
	loads      map[string]*load
	unattended time.Duration
}

func (s *server) serve(ctx context.Context, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("waiting for a plan: %w", err)
		}
		go s.stream(ctx, c)
	}
}

// stream tells one who is attached what a load says, and the load what that one says.
func (s *server) stream(whole context.Context, c net.Conn) {
	ctx, cancel := context.WithCancel(whole)
	defer cancel()
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	words := bufio.NewScanner(c)
	words.Buffer(nil, longestLine)
	w := &writer{out: json.NewEncoder(c)}
	l, from, err := s.load(whole, words)
	if err != nil {
		_ = w.write(Line{Problem: err.Error()}) // whoever does not hear it is gone
		return
	}
	left := func() {
		l.stop()
		s.forget(l)
	}
	defer l.attach(cancel, s.unattended, left)()
	go func() {
		defer cancel()
		l.hear(words, w)
	}()
	for {
		lines, more := l.after(from)
		for _, line := range lines {
			if w.write(line) != nil || line.Done {
				return
			}
		}
		from += len(lines)
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

// load is the one that the first line of a stream's input is about.
func (s *server) load(ctx context.Context, words *bufio.Scanner) (*load, int, error) {
	if !words.Scan() {
		return nil, 0, errors.Join(errors.New("there is no plan on the first line of the input"), words.Err())
	}
	var a Attachment
	if err := json.Unmarshal(words.Bytes(), &a); err != nil {
		return nil, 0, fmt.Errorf("the first line of the input is not a plan: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.loads[a.ID]
	switch {
	case l != nil:
	case a.From > 0:
		return nil, 0, fmt.Errorf("the agent knows nothing of the load any more: its container was started again, or nobody was attached for %s", s.unattended)
	default:
		l = begin(ctx, a.Plan)
		s.loads[a.ID] = l
	}
	return l, a.From, nil
}

func (s *server) forget(l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, other := range s.loads {
		if other == l {
			delete(s.loads, id)
		}
	}
}

// hear does what is said, until nothing more is.
func (l *load) hear(words *bufio.Scanner, w *writer) {
	for words.Scan() {
		switch words.Text() {
		case Release:
			l.release()
		case Stop:
			l.stop()
		case Clock:
			now := time.Now()
			_ = w.write(Line{Clock: &now}) // whoever does not hear it is gone
		}
	}
}

// writer keeps lines apart that are written side by side.
type writer struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (w *writer) write(l Line) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Encode(l)
}

// Attach passes on what is said to the agent that listens at an address, and what it says,
// until either has nothing more to say.
func Attach(ctx context.Context, address string, in io.Reader, out io.Writer) error {
	c, err := reach(ctx, address)
	if err != nil {
		return fmt.Errorf("the agent cannot be reached: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	go func() {
		defer c.Close() // whoever says nothing more is gone
		_, _ = io.Copy(c, in)
	}()
	_, err = io.Copy(out, c)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// reachWithin is how long a container that runs may take to listen.
const reachWithin = 10 * time.Second

func reach(ctx context.Context, address string) (c net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	var d net.Dialer
	for {
		if c, err = d.DialContext(ctx, "unix", address); err == nil {
			return c, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}
