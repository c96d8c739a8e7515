package pipeline

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/trial"
)

const (
	// setUp is what a step of the cluster's own may take: each takes seconds on a machine that
	// has nothing else to do.
	setUp = 4 * time.Minute
	// ask is what a step may take that asks what is there.
	ask = trial.Look
	// killed is how much later than its grace period a pod may be gone.
	killed = 15 * time.Second
)

// bounds are how long each step may take beside the trials, so that the end of a run is known from
// its beginning. What takes as long as an image is big has no bound but the run's.
func (r *run) bounds() map[string]time.Duration {
	l := r.limits()
	return map[string]time.Duration{
		"cluster": setUp, "boot": setUp, "node": setUp, "dns": setUp, "agent-image": setUp, "node-agent": setUp,
		"dependencies": setUp + time.Duration(len(r.plan.Contract.InCluster()))*3*time.Minute + l.Jobs,
		"startup":      ask + 2*l.Start, "ready": ask, "agent": ask + 2*l.Start, "admission": ask,
	}
}

// limits are what the contract allows a start and an end, of which each trial has as many as it
// makes one after the other; good ones take a small part of that.
func (r *run) limits() trial.Limits {
	return trial.Limits{Start: r.patience(), End: r.plan.Contract.Termination.Within.Std() + killed, Longest: r.plan.Contract.HTTP.Longest.Std(),
		Jobs: time.Duration(len(r.plan.Jobs)) * trial.JobWithin, Required: len(r.plan.Contract.Env.Required), Replicas: int(r.plan.Workload.Replicas)}
}

// endsWithin tells by when a run is over, for those who wait.
func endsWithin(steps []step, timeout time.Duration) string {
	most := longest(steps, atMost).Round(time.Second)
	if timeout > 0 && timeout < most {
		return fmt.Sprintf("This run ends within %s at the latest (--timeout); its steps could take %s, each trial with a limit of its own", timeout, most)
	}
	return fmt.Sprintf("This run ends within %s at the latest, the building and the moving of images aside, and within %s (--timeout) in any case", most, timeout)
}

func atMost(s step) time.Duration  { return s.within }
func usually(s step) time.Duration { return s.usual }

// longest is the time of the steps that wait for each other the longest, each of which takes so long. Steps
// come after those that they wait for.
func longest(steps []step, takes func(step) time.Duration) time.Duration {
	known := map[string]step{}
	for _, s := range steps {
		known[s.id] = s
	}
	ends := map[string]time.Duration{}
	var end func(string) time.Duration
	end = func(id string) time.Duration {
		s, ok := known[id]
		if t, done := ends[id]; done || !ok {
			return t
		}
		var begins time.Duration
		for _, before := range append(append([]string{}, s.after...), s.behind...) {
			begins = max(begins, end(before))
		}
		ends[id] = begins + takes(s)
		return ends[id]
	}
	var last time.Duration
	for _, s := range steps {
		last = max(last, end(s.id))
	}
	return last
}
