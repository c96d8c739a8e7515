package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// fates are what became of all requests of a flight.
type fates struct {
	flight
	// n counts those that were sent with half of their body, and first is the first of each fate.
	n     map[fate]int
	first map[fate]evidence.Request
	// lost are all that were under way and got no answer, afterwards those that failed and were sent after the deletion.
	lost, afterwards ways
	byExit           int           // lost because the process was gone
	longest          time.Duration // from SIGTERM to the rest of a body that was answered whole
}

func fatesOf(f flight) fates {
	out := fates{flight: f, n: map[fate]int{}, first: map[fate]evidence.Request{}}
	for _, r := range f.Requests {
		after := r.Ended().Sub(f.Deleted)
		switch {
		case r.Stream == evidence.StreamSlow:
			out.addHeld(r, after)
		case f.quick(r) && f.lostQuick(r):
			out.lost.add(r, f.words(r), after)
		case f.late(r):
			out.afterwards.add(r, f.words(r), after)
		}
	}
	return out
}

// addHeld counts a request that was sent with half of its body.
func (f *fates) addHeld(r evidence.Request, after time.Duration) {
	fate := f.fate(r)
	if f.n[fate]++; f.n[fate] == 1 {
		f.first[fate] = r
	}
	switch fate {
	case lostAtSIGTERM:
		f.byExit += count01(f.byItsExit(r))
		f.lost.add(r, f.words(r), after)
	case answeredWhole:
		f.longest = max(f.longest, f.heldFor(r))
	}
}

// findings are the requests that were lost, and those that are worth telling and prove nothing.
func (f fates) findings() []Finding {
	var j Judgement
	for _, w := range f.lost.list {
		j.broken(w.where(), "%s", w.words())
	}
	for _, w := range f.afterwards.list {
		j.note(w.where(), "%s; it was sent after that", w.words())
	}
	where := func(n int) string { return count(n, "request") + " " + requestPlace(evidence.StreamSlow) }
	if n := f.n[givenUp]; n > 0 {
		j.note(where(n), "%s; the server gives up on a slow body just as soon while nothing is stopped (%s)", requestWords(f.first[givenUp]), f.undisturbedWords())
	}
	if n := f.n[heldTooLong]; n > 0 {
		j.note(where(n), "a preStop hook left no time to answer before the grace period of %d s was over", f.GraceSeconds)
	}
	return j.Findings
}

// lostWords say how many requests were lost, and how the first of them was.
func (f fates) lostWords() string {
	if f.lost.n == 0 {
		return ""
	}
	how := " under way at SIGTERM got an incomplete response or none: " + f.lost.list[0].words()
	if held := f.n[lostAtSIGTERM]; f.lost.n == held {
		return fmt.Sprintf("%d of %s", held, count(held+f.n[answeredWhole], "request")) + how
	}
	return count(f.lost.n, "request") + how
}

// shortOf notes that the contract promises to answer requests that take longer than any that was tried.
func (f fates) shortOf(c contract.Contract) []Finding {
	held := max(time.Duration(f.HeldFor*float64(time.Second)), f.longest)
	if c.HTTP.Longest.Std() <= held+time.Second {
		return nil
	}
	why := ""
	if f.HeldFor > 0 {
		why = fmt.Sprintf(": the grace period of %d s, less a preStop hook, and the contract's termination.within leave no more time", f.GraceSeconds)
	}
	return []Finding{{Where: "http.longest", Message: fmt.Sprintf("%s are promised, and only %s were tried%s", c.HTTP.Longest, seconds(held.Seconds()), why), Note: true}}
}

// ways are requests that failed, together where they failed in the same way.
type ways struct {
	n    int
	list []way
}

type way struct {
	stream, what string
	n            int
	first        time.Duration // after the deletion
}

func (w *ways) add(r evidence.Request, what string, after time.Duration) {
	w.n++
	for i := range w.list {
		if x := &w.list[i]; x.stream == r.Stream && x.what == what {
			x.n, x.first = x.n+1, min(x.first, after)
			return
		}
	}
	w.list = append(w.list, way{r.Stream, what, 1, after})
}

func (w way) where() string { return count(w.n, "request") + " " + requestPlace(w.stream) }

func (w way) words() string {
	return fmt.Sprintf("%s, %s after the deletion", w.what, seconds(w.first.Seconds()))
}
