package trial

import "time"

// usually is how long a trial takes with an image that keeps its promise: a part of its own, and the
// starts of pods that it waits for one after the other.
type usually struct {
	own    time.Duration
	starts int
	// each is what every required variable adds.
	each time.Duration
}

// usual are the medians of runs of podproof's own example, on two cores, rounded.
var usual = map[string]usually{
	Health.ID:           {own: time.Second},
	Identity.ID:         {own: time.Second},
	Termination.ID:      {own: 3 * time.Second, starts: 1},
	RequiredEnv.ID:      {own: 14 * time.Second, starts: 1, each: time.Second},
	EarlyTermination.ID: {own: 5 * time.Second},
	MalformedEnv.ID:     {own: 8 * time.Second, starts: 1, each: time.Second},
	ReadOnlyRoot.ID:     {starts: 1},
	ArbitraryUID.ID:     {starts: 1},
	Responses.ID:        {own: time.Second},
	Resources.ID:        {own: 8 * time.Second},
	InFlight.ID:         {own: 5 * time.Second, starts: 1},
	Rollouts.ID:         {own: 17 * time.Second, starts: 2},
	Outages.ID:          {own: 25 * time.Second, starts: 1},
	Frozen.ID:           {own: 46 * time.Second, starts: 1},
	Slow.ID:             {own: 50 * time.Second, starts: 1},
	Final.ID:            {own: time.Second},
}

// Usual is how long the trial takes where all is well, with l.Start as a start usually is.
func (t Trial) Usual(l Limits) time.Duration {
	u := usual[t.ID]
	return u.own + time.Duration(u.starts)*l.Start + time.Duration(l.Required)*u.each
}
