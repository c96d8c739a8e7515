package trial

import (
	"cmp"
	"context"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

const (
	// firstHeld is how long at least half of a body is held back after the stop signal, where
	// the service promises to answer for as long.
	firstHeld = 2 * time.Second
	// leastHeld is how long a body is held back also where a preStop hook leaves no time: the
	// kubelet grants two seconds after it (kuberuntime_container.go, killContainer).
	leastHeld = time.Second
	// toAnswer is what is left to answer the last request, and to end, when its rest was sent.
	toAnswer = 2 * time.Second
	// usuallyLasts is how long a request may last where nobody says.
	usuallyLasts = 5 * time.Second
)

// holds are how long after the stop signal the rest of the body of each slow request is held
// back: spread over the time within which the service promises to answer, as far as the grace
// period has room for that beside a preStop hook. Of a hook that takes nobody knows how long,
// half of the grace period is supposed.
func (b *TestBed) holds(graceSeconds int64) []time.Duration {
	room := time.Duration(graceSeconds) * time.Second
	if b.Asked.EndsWithin > 0 {
		room = min(room, b.Asked.EndsWithin)
	}
	hook := b.preStopSleep()
	if b.hooked() {
		hook = room / 2
	}
	longest := min(cmp.Or(b.Asked.Longest, usuallyLasts), max(leastHeld, room-hook-toAnswer))
	out := make([]time.Duration, slowRequests)
	for i := range out {
		out[i] = max(longest*time.Duration(i+1)/slowRequests, min(firstHeld, longest))
	}
	return out
}

// givenUpAfter is how long a slow request had been held when it ended, although the process
// lived on: a server may wait no longer for a body. It is 0 where none did.
func givenUpAfter(t *evidence.Termination) time.Duration {
	ended := t.Deleted.Add(time.Duration(t.Seconds * float64(time.Second)))
	var first time.Duration
	for _, r := range t.Requests {
		held := time.Duration(r.End * float64(time.Second))
		if r.Stream != evidence.StreamSlow || r.Released > 0 || r.Ended().Before(t.Deleted) || !r.Ended().Before(ended) {
			continue
		}
		if first == 0 || held < first {
			first = held
		}
	}
	return first
}

// undisturbed sends the slow request to a pod of a trial's own that is not stopped, and holds it
// for a time. It is nil where that pod does not become Ready.
func (b *TestBed) undisturbed(ctx context.Context, held time.Duration) (*evidence.Request, error) {
	e, err := b.ending(ctx, "undisturbed-request")
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.remove(context.WithoutCancel(ctx), e.name) }()
	defer e.release(ctx)
	if err := e.awaitReady(ctx, b.Patience); err != nil || !e.t.WasReady {
		return nil, err
	}
	s, _ := b.Asked.slow(e.now.Status.PodIP)
	s.HoldFor = int(held.Milliseconds())
	s.Timeout = int((requestTimeout + held).Milliseconds())
	load, err := b.StartLoad(ctx, agent.Plan{Streams: []agent.Stream{s}})
	if err != nil {
		return nil, err
	}
	defer load.cancel()
	if err := load.Release(); err != nil {
		return nil, err
	}
	if err := load.Until(ctx, func(_ int, rs []evidence.Request) bool { return len(rs) == 1 }); err != nil {
		return nil, err
	}
	rs, err := load.Stop(ctx)
	if err != nil || len(rs) != 1 {
		return nil, err
	}
	return &rs[0], nil
}
