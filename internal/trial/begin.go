package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const (
	// beginWithin is how long the first answers of a load may take.
	beginWithin = requestTimeout + 10*time.Second
	// servedWithin is how long after them the first success may come: a pod that is Ready has
	// no reason to answer otherwise.
	servedWithin = 3 * time.Second
)

// errUnserved is that a load was not answered with success before anything was disturbed: what
// is lost of it then, or is not, tells nothing.
var errUnserved = errors.New("nothing was tried, since a load of errors shows nothing")

// Begin waits as Until does, before anything is disturbed. Each stream of the load itself
// (evidence.StreamNew, evidence.StreamKept) has been answered with success by then. Where they are not in time,
// the error names the first answer, and wraps errUnserved.
func (l *Load) Begin(ctx context.Context, done func(held int, outcomes []evidence.Request) bool) error {
	err := l.untilWithin(ctx, beginWithin, done)
	if err == nil {
		err = l.untilWithin(ctx, servedWithin, func(int, []evidence.Request) bool { return l.unserved() == nil })
	}
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.unserved(); s != nil {
		return fmt.Errorf("%s: %w", l.firstAnswer(*s), errUnserved)
	}
	seen := "none has an answer"
	for _, r := range l.outcomes {
		if r.Failure != "" {
			seen = fmt.Sprintf("one of the stream %s failed: %s", r.Stream, r.Error)
		}
	}
	return fmt.Errorf("the workload did not answer the first requests of podproof's agent within %s: %s", beginWithin, seen)
}

func (l *Load) untilWithin(ctx context.Context, d time.Duration, done func(int, []evidence.Request) bool) error {
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return l.Until(limited, done)
}

// note keeps the first answer of each stream, and the first success.
func (l *Load) note(of int, o evidence.Request) {
	kept := l.answered[of]
	if len(kept) == 0 || len(kept) == 1 && !served(kept[0]) && served(o) {
		l.answered[of] = append(kept, o)
	}
}

// served tells whether a request was answered with success, as a kubelet takes it.
func served(r evidence.Request) bool { return r.Failure == "" && contract.Healthy(r.Status) }

// unserved is the place of the first stream of the load that has had no success, nil where all have.
func (l *Load) unserved() *int {
	for i, s := range l.plan.Streams {
		if s.Name != evidence.StreamNew && s.Name != evidence.StreamKept {
			continue
		}
		if kept := l.answered[i]; len(kept) == 0 || !served(kept[len(kept)-1]) {
			return &i
		}
	}
	return nil
}

// firstAnswer says how a stream was answered first, and what to do about that.
func (l *Load) firstAnswer(stream int) string {
	s, kept := l.plan.Streams[stream], l.answered[stream]
	what := "the load's " + asks(s)
	switch {
	case len(kept) == 0:
		return fmt.Sprintf("%s was not answered within %s", what, beginWithin)
	case kept[0].Failure != "":
		return fmt.Sprintf("%s failed: %s", what, kept[0].Error)
	case s.Protocol == contract.ProtocolGRPC:
		return fmt.Sprintf("%s was answered %s", what, kept[0].Body)
	}
	return fmt.Sprintf("%s was answered %d: name a route that answers with success in http.health or http.query", what, kept[0].Status)
}

// asks says what a stream asks.
func asks(s agent.Stream) string {
	return contract.Endpoint{Protocol: s.Protocol, Path: s.Path, Service: s.Service}.String()
}
