package trial

import (
	"context"
	"slices"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

// outageLoad are the requests of an outage; nil where the workload is one that nobody can ask.
type outageLoad struct{ *Load }

// firstQuery is how long a query may take to succeed before anything is taken away: a pool may
// still have connections that the outage before it ended.
const firstQuery = 5 * time.Second

// ask begins to ask the pod, and returns when each stream has an answer. A query that has not
// succeeded in time is evidence.
func (o *outager) ask(ctx context.Context, ip string) (*outageLoad, error) {
	if !o.Asked.serves() {
		return nil, nil
	}
	plan := o.plan(ip)
	load, err := o.StartLoad(ctx, plan)
	if err != nil {
		return nil, err
	}
	err = load.Begin(ctx, func(_ int, rs []evidence.Request) bool { return len(streamsOf(rs)) == len(plan.Streams) })
	if err == nil && o.Asked.Query != nil {
		err = answeredWithin(ctx, load, firstQuery, succeeded(evidence.StreamQuery))
	}
	if err != nil {
		load.cancel()
		return nil, err
	}
	return &outageLoad{load}, nil
}

// answeredWithin waits for an outcome for a time. That the time is over is no error.
func answeredWithin(ctx context.Context, l *Load, limit time.Duration, wanted func(evidence.Request) bool) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := l.Until(limited, func(_ int, rs []evidence.Request) bool { return slices.ContainsFunc(rs, wanted) })
	if limited.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// quit ends the requests, whatever becomes of them.
func (l *outageLoad) quit() {
	if l != nil {
		l.cancel()
	}
}

// over ends the requests, and returns what became of them.
func (l *outageLoad) over(ctx context.Context) ([]evidence.Request, error) {
	if l == nil {
		return nil, nil
	}
	return l.Stop(ctx)
}

// succeeded matches the requests of a stream that were answered with success.
func succeeded(stream string) func(evidence.Request) bool {
	return func(r evidence.Request) bool {
		return r.Stream == stream && r.Failure == "" && r.Status >= 200 && r.Status < 300
	}
}

// plan asks the pod for its health, its readiness, and what it knows from its dependency.
func (o *outager) plan(ip string) agent.Plan {
	a := o.Asked
	streams := []agent.Stream{stream(evidence.StreamHealth, a.Health, at(ip, a.Health)), stream(evidence.StreamReady, a.Ready, at(ip, a.Ready))}
	if a.Query != nil {
		streams = append(streams, a.request(evidence.StreamQuery, *a.Query, ip))
	}
	for i := range streams {
		streams[i].Every = outageEvery
	}
	return agent.Plan{Streams: streams}
}
