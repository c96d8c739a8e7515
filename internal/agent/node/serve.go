package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// order is a line of what Serve reads: an Op to carry out, or, with End, one that goes on to be ended.
type order struct {
	ID   int      `json:"id"`
	Op   string   `json:"op,omitempty"`
	Args []string `json:"args,omitempty"`
	End  bool     `json:"end,omitempty"`
}

// answer is a line of what it writes: a part of what an Op prints, or how it ended.
type answer struct {
	ID    int    `json:"id"`
	Out   []byte `json:"out,omitempty"`
	Done  bool   `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

// Serve carries out what it is asked for, side by side, until its input ends, which ends all of it.
// A program that stays costs a node a tenth of one that is started for each look.
func Serve(ctx context.Context, h Host, in io.Reader, out io.Writer) error {
	s := &serving{host: h, out: json.NewEncoder(out), ends: map[int]context.CancelFunc{}}
	defer s.going.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for orders := json.NewDecoder(in); ; {
		var o order
		switch err := orders.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading what is asked for: %w", err)
		case o.End:
			s.end(o.ID)
		default:
			s.begin(ctx, o)
		}
	}
}

type serving struct {
	host  Host
	going sync.WaitGroup

	saying sync.Mutex
	out    *json.Encoder

	mu   sync.Mutex
	ends map[int]context.CancelFunc
}

func (s *serving) begin(ctx context.Context, o order) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.ends[o.ID] = cancel
	s.mu.Unlock()
	s.going.Go(func() {
		defer s.end(o.ID)
		said := answer{ID: o.ID, Done: true}
		if err := s.carryOut(ctx, o); err != nil {
			said.Error = err.Error()
		}
		_ = s.say(said) // whoever does not hear it is gone
	})
}

func (s *serving) end(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.ends[id]; cancel != nil {
		cancel()
		delete(s.ends, id)
	}
}

// carryOut turns a bug of one Op into its error: the others go on.
func (s *serving) carryOut(ctx context.Context, o order) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("agent node %s: this broke (%v): a bug in podproof, please report it", o.Op, p)
		}
	}()
	ops := Ops()
	i := slices.IndexFunc(ops, func(x Op) bool { return x.Name == o.Op })
	if i < 0 {
		return fmt.Errorf("agent node: there is no %q", o.Op)
	}
	in, open := io.Pipe()
	defer context.AfterFunc(ctx, func() { open.Close() })()
	if err := ops[i].Run(ctx, s.host, o.Args, in, part{s, o.ID}); err != nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("agent node %s: it was ended", o.Op) // by its caller, or with all the others
}

func (s *serving) say(a answer) error {
	s.saying.Lock()
	defer s.saying.Unlock()
	return s.out.Encode(a)
}

// part writes what an Op prints.
type part struct {
	*serving
	id int
}

func (p part) Write(b []byte) (int, error) {
	if err := p.say(answer{ID: p.id, Out: b}); err != nil {
		return 0, err
	}
	return len(b), nil
}
