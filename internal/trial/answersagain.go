package trial

import (
	"context"
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// tellEvery is how often a person is told how long a route has not been answered.
	tellEvery = time.Second
	// hangsAlready is how long a request has waited of which that is told, rather than the answer before it.
	hangsAlready = 2 * time.Second
)

// answersAgain waits for the first success of the route that asks the dependency, and says meanwhile which one
// is waited for, and for how long. One that gave no success before this outage either has had its time after an earlier
// one: nothing follows from what it does now.
func (o *outager) answersAgain(ctx context.Context, load *Load, e evidence.Outage) error {
	stream, route := evidence.StreamReady, "GET "+o.Asked.Ready.Path
	if q := o.Asked.Query; q != nil {
		stream, route = evidence.StreamQuery, q.Method+" "+q.Path
	}
	success := succeeded(stream)
	if !o.optional && !load.some(func(r evidence.Request) bool { return success(r) && !r.Ended().After(e.Began) }) {
		return nil
	}
	back := func(r evidence.Request) bool { return r.Start.After(e.Healed) && success(r) }
	for !load.some(back) {
		seen := fmt.Sprintf("an answer of the %s route (%s), %s after %s was back (outage: %s); %s",
			stream, route, whole(time.Since(e.Healed)), o.out.Outages.Dependency, e.Kind, load.waits(stream))
		o.Observer.Tell(seen)
		err := answeredWithin(ctx, load, tellEvery, back)
		switch {
		case ctx.Err() != nil:
			return &workload.WaitError{Cause: context.Cause(ctx), Seen: "waiting for " + seen}
		case err != nil || load.isOver():
			return err
		}
	}
	return nil
}

// some tells whether one of the outcomes so far is wanted.
func (l *Load) some(wanted func(evidence.Request) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.outcomes, wanted)
}

// isOver tells whether nothing more will be heard of it.
func (l *Load) isOver() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// waits says how a stream fares: for how long its request under way has waited, or what the last answer was.
func (l *Load) waits(stream string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Backward(l.outcomes) {
		if r.Stream != stream {
			continue
		}
		switch waited := time.Since(r.Ended()); {
		case waited >= hangsAlready: // the next one follows at once
			return "its request has waited for " + whole(waited)
		case r.Failure != "":
			return fmt.Sprintf("its last request failed (%s) after %s", r.Failure, whole(time.Duration(r.End*float64(time.Second))))
		}
		return fmt.Sprintf("its last answer was status %d", r.Status)
	}
	return "it has not been answered at all"
}

// whole says a time in whole seconds.
func whole(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }
