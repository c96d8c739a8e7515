package trial

import "time"

// usually is how long a trial takes with an image that keeps its promise: a part of its own, and the
// starts of pods that it waits for one after the other. The figures are medians of runs of podproof's
// own example, on two cores, rounded.
type usually struct {
	own    time.Duration
	starts int
	// each is what every required variable adds.
	each time.Duration
}

// Usual is how long the trial takes where all is well, with l.Start as a start usually is.
func (t Trial) Usual(l Limits) time.Duration {
	u := t.usually
	return u.own + time.Duration(u.starts)*l.Start + time.Duration(l.Required)*u.each
}
