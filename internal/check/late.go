package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// whenQuiet is what to do about a verdict that a busy machine has cost.
const whenQuiet = "Run podproof again while the machine has less to do."

// Starved tells whether the node got so little of a machine that was that busy, that its pods
// are slower than they are elsewhere.
func Starved(p evidence.Pressure) bool { return p.Waiting > 0.8 && p.Others > 0.4 }

// late is the failure of what took too long, or was not there in time. Where the node was
// short of CPU meanwhile it says nothing of the image.
func (j Judgement) late(e evidence.Evidence, from, to time.Time, seen, fix string) Judgement {
	if why := starved(e, from, to); why != "" {
		return j.undecided(seen+"; "+why, whenQuiet)
	}
	return j.fail(seen, fix)
}

// endsLate judges an end that came too late, unless the node, or its kubelet, took the time.
func (j Judgement) endsLate(c contract.Contract, e evidence.Evidence, t evidence.Termination, seen, fix string) Judgement {
	if why := begunLate(t, terminationLimit(c, &t)); why != "" {
		return j.undecided(seen+"; "+why, whenQuiet)
	}
	return j.late(e, t.Deleted, lasting(t.Deleted, t.Seconds), seen, fix)
}

// begunLate says how long a kubelet took to begin with the end of a pod, where the end came in time from then on. The
// kubelet tells of it before the hook and the signal, in whole seconds (pkg/kubelet/kuberuntime, killContainer).
func begunLate(t evidence.Termination, limit time.Duration) string {
	for _, ev := range t.Pod.Events {
		waited := ev.At.Sub(t.Deleted).Seconds()
		if ev.Reason == "Killing" && waited >= 2 && t.Seconds-waited <= limit.Seconds() {
			return fmt.Sprintf("the node's kubelet began to stop it only about %.0f s after the deletion", waited)
		}
	}
	return ""
}

// starved says how short of CPU the node was for at least half of a time, empty where it was
// not, and where that is not known.
func starved(e evidence.Evidence, from, to time.Time) string {
	n, short := 0, 0
	waiting, others := 0.0, 0.0
	for _, p := range e.Pressure {
		if p.At.Before(from) || p.At.After(to.Add(time.Second)) {
			continue
		}
		n++
		if Starved(p) {
			short++
			waiting, others = waiting+p.Waiting, others+p.Others
		}
	}
	if n == 0 || 2*short < n {
		return ""
	}
	return fmt.Sprintf("the node was short of CPU in %d of these %d s: other programs had %.0f %% of it, and some process waited for it for %.0f %% of the time",
		short, n, others/float64(short)*100, waiting/float64(short)*100)
}

// nearby is how far around a single event the node's pressure is looked at.
const nearby = 10 * time.Second

// crowded tells whether the node was anywhere near being short of CPU about a moment. A probe that
// got no answer in time then says nothing: it takes a second of waiting, which no average shows.
func crowded(e evidence.Evidence, at time.Time) bool {
	return slices.ContainsFunc(e.Pressure, func(p evidence.Pressure) bool {
		return p.At.After(at.Add(-nearby)) && p.At.Before(at.Add(nearby)) && p.Waiting > 0.5 && p.Others > 0.25
	})
}

// lasting is the end of what began then, and took so many seconds.
func lasting(from time.Time, seconds float64) time.Time {
	return from.Add(time.Duration(seconds * float64(time.Second)))
}

// silent are the words of probes that got no answer, or none in time.
var silent = regexp.MustCompile(`(?i)deadline exceeded|timeout|timed out|refused|reset|EOF|no route`)

// slow are those that none came in time.
var slow = regexp.MustCompile(`(?i)deadline exceeded|timeout|timed out`)

// saysNo tells whether one of the probes got an answer from the pod, and that was no: that
// is not for want of time.
func saysNo(p evidence.Pod, probes ...string) bool {
	for _, ev := range p.Events {
		probe, _, _ := strings.Cut(ev.Message, " ")
		if ev.Reason == "Unhealthy" && slices.Contains(probes, probe) && !silent.MatchString(ev.Message) {
			return true
		}
	}
	return false
}
