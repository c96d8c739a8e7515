package check

import (
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// signalled is when the container got SIGTERM, as whoever looked on tells it, or a little before: the
// kubelet's event has whole seconds, and comes before a preStop hook, of which a sleep tells
// how long it takes. A time that is not between the deletion and the end of the process comes
// from a clock that is not podproof's.
func signalled(t evidence.Termination, container string) time.Time {
	ended := lasting(t.Deleted, t.Seconds)
	if fits(t.Signalled, t.Deleted, ended) {
		return t.Signalled
	}
	for _, ev := range t.Pod.Events {
		if ev.Reason != "Killing" || ev.At.Before(t.Deleted.Truncate(time.Second)) {
			continue
		}
		at := ev.At
		if c := specContainer(t.Pod, container); c != nil && c.Lifecycle != nil && c.Lifecycle.PreStop != nil && c.Lifecycle.PreStop.Sleep != nil {
			at = at.Add(time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second)
		}
		if at.Before(ended) {
			return at
		}
		break
	}
	return t.Deleted
}

func fits(at, from, to time.Time) bool { return !at.Before(from) && !at.After(to) && !at.IsZero() }

// exitPrecision is how much earlier than told a process may have ended.
func exitPrecision(t evidence.Termination) time.Duration {
	if t.ExitExact() {
		return atOnce/3 + time.Duration(t.ExitBlur*float64(time.Second))
	}
	return 2 * time.Second
}
