package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// fate is what became of a request that was sent with half of its body before SIGTERM.
type fate int

const (
	answeredWhole fate = iota
	lostAtSIGTERM
	answeredEarly // at once: nobody had waited for its body
	overByHook    // before SIGTERM came, while a preStop hook ran
	sentTooSoon   // its rest was sent before SIGTERM, or right after it
	heldTooLong   // until the grace period was over
	givenUp       // as also on a server that is not stopped
)

// flight is the trial with requests under way.
type flight struct {
	evidence.Termination
	sigterm time.Time
	ended   time.Time
	// upload is the status of the same request while nothing is stopped, 0 where it is not known.
	upload int
}

func flightOf(e evidence.Evidence) flight {
	t := *e.InFlight
	f := flight{Termination: t, sigterm: signalled(t, containerName(e)), ended: lasting(t.Deleted, t.Seconds)}
	for _, r := range e.Responses {
		if r.Name == "upload" && r.Request.Failure == "" {
			f.upload = r.Request.Status
		}
	}
	return f
}

func (f flight) fate(r evidence.Request) fate {
	switch over := r.Ended(); {
	case !over.After(f.Deleted) && r.Early:
		return answeredEarly
	case !over.After(f.Deleted):
		return sentTooSoon
	case over.Before(f.sigterm): // a preStop hook may take longer than a server waits for a body
		return overByHook
	case f.killedOver(r):
		return heldTooLong
	case f.wouldGiveUp(r):
		return givenUp
	case f.beforeItsRest(r) || !answeredAs(r, f.upload):
		return lostAtSIGTERM
	case f.heldFor(r) < f.atLeast():
		return sentTooSoon
	}
	return answeredWhole
}

// beforeItsRest tells whether a request ended while half of its body was held back.
func (f flight) beforeItsRest(r evidence.Request) bool {
	return r.Early || f.Released.IsZero() || r.Released == 0 && r.Ended().Before(f.Released)
}

// heldFor is how long after SIGTERM the rest of a request's body was sent. A podproof that
// sent all of them at once kept one time.
func (f flight) heldFor(r evidence.Request) time.Duration {
	if r.Released > 0 {
		return lasting(r.Start, r.Released).Sub(f.sigterm)
	}
	return f.Released.Sub(f.sigterm)
}

// atLeast is how long after SIGTERM a request must have been under way, since its time is
// known to about a second.
func (f flight) atLeast() time.Duration {
	if f.HeldFor > 0 {
		return min(time.Second, time.Duration(f.HeldFor/2*float64(time.Second)))
	}
	return time.Second
}

// killedOver tells whether a request was still held back when the kubelet killed the
// container: a preStop hook had taken the time that was left for it.
func (f flight) killedOver(r evidence.Request) bool {
	return f.HeldFor > 0 && r.Released == 0 && killedAtTheEnd(&f.Termination) && !r.Ended().Before(f.ended.Add(-time.Second))
}

// wouldGiveUp tells whether a server that is not stopped waits for a body no longer than this
// one did.
func (f flight) wouldGiveUp(r evidence.Request) bool {
	u := f.Undisturbed
	return u != nil && r.Released == 0 && (u.Early || !answeredAs(*u, f.upload)) && r.End > u.End-1
}

// undisturbedWords say how the same request fares while nothing is stopped.
func (f flight) undisturbedWords() string {
	if f.Undisturbed == nil {
		return "it was not sent then"
	}
	return requestWords(*f.Undisturbed)
}

// byItsExit tells whether a request was lost because the process was gone.
func (f flight) byItsExit(r evidence.Request) bool {
	return r.Failure != "" && !r.Ended().Before(f.ended.Add(-exitPrecision(f.Termination)))
}

// quick tells whether a request without a held body was under way when the pod was deleted.
func (f flight) quick(r evidence.Request) bool {
	return r.Stream != evidence.StreamSlow && r.Start.Before(f.Deleted) && !r.Ended().Before(f.Deleted)
}

// lostQuick tells whether such a request got no answer as before the deletion. Not to be
// ready is an answer, and a connection that is closed while it is idle loses nothing.
func (f flight) lostQuick(r evidence.Request) bool {
	switch {
	case r.Stream == evidence.StreamReady:
		return r.Failure != ""
	case closedWhileIdle(r):
		return false
	}
	return !answeredAs(r, ordinaryStatus(f.before(), r.Stream))
}

// before are the requests that were over when the pod was deleted.
func (f flight) before() []evidence.Request { return endedBefore(f.Requests, f.Deleted) }

// late tells whether a request failed that was sent after the deletion, other than by a
// listener that is closed.
func (f flight) late(r evidence.Request) bool {
	return r.Start.After(f.Deleted) && r.Start.Before(f.ended) && r.Failure != "" && r.Failure != evidence.FailureRefused && !closedWhileIdle(r)
}

// after says how long after the deletion it was.
func (f flight) after(at time.Time) string { return seconds(at.Sub(f.Deleted).Seconds()) }

// words say how a request was lost.
func (f flight) words(r evidence.Request) string {
	out := failureWords(r)
	if r.Failure != "" || r.Stream != evidence.StreamSlow {
		return out
	}
	if f.beforeItsRest(r) {
		out += " before the rest of its body was sent"
	}
	if f.upload > 0 && f.upload/100 != r.Status/100 {
		out += fmt.Sprintf(" (while nothing is stopped it is %d)", f.upload)
	}
	return out
}
