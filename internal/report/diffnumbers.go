package report

import (
	"fmt"
	"math"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report/drawing"
)

// A Trend is how a number changed.
type Trend string

// The trends.
const (
	Same   Trend = "same" // or by so little that two runs of one image differ as much
	Better Trend = "better"
	Worse  Trend = "worse"
	Other  Trend = "other" // it changed, and that is neither
)

// Number is one figure of both runs.
type Number struct {
	Name          string
	Before, After float64
	Trend         Trend
	// Share and Least are what it has to change by, both of them, to count: a part of what it was, and so much.
	Share, Least float64
	say          func(float64) string
}

// figure is a number that can be compared, and how.
type figure struct {
	name         string
	share, least float64 // see Number
	say          func(float64) string
	kind         int
	// of takes it from the evidence, and says whether it is there.
	of func(evidence.Evidence) (float64, bool)
}

// The kinds of figures: the less the better but for one that is only told, and times, which a busy machine makes long.
const (
	less = iota
	timed
	neutral
	runs // how long the run took, which is podproof's and the machine's
)

// figures are what is compared. The least changes are above what runs of one image differ by: a test
// holds them to recorded good runs.
var figures = []figure{
	{"image size", 0.01, 100 << 10, bytesOf, less, func(e evidence.Evidence) (float64, bool) {
		return sizeOf(e, func(s evidence.ImageSize) int64 { return s.Uncompressed })
	}},
	{"image size, compressed", 0.01, 100 << 10, bytesOf, less, func(e evidence.Evidence) (float64, bool) {
		return sizeOf(e, func(s evidence.ImageSize) int64 { return s.Compressed })
	}},
	{"wasted in layers", 0.01, 100 << 10, bytesOf, less, func(e evidence.Evidence) (float64, bool) {
		v, ok := sizeOf(e, func(s evidence.ImageSize) int64 { return s.Wasted })
		return v, ok || e.Image != nil && e.Image.Size != nil
	}},
	{"layers", 0, 1, wholes, neutral, func(e evidence.Evidence) (float64, bool) {
		if e.Image == nil {
			return 0, false
		}
		return float64(len(e.Image.Layers)), len(e.Image.Layers) > 0
	}},
	{"time to Ready", 0.3, 2, seconds, timed, func(e evidence.Evidence) (float64, bool) {
		return ofStart(e)
	}},
	{"memory, idle", 0.15, 4 << 20, bytesOf, less, func(e evidence.Evidence) (float64, bool) {
		return used(e, func(r evidence.Resources) evidence.Usage { return r.Idle })
	}},
	{"memory, under load", 0.15, 4 << 20, bytesOf, less, func(e evidence.Evidence) (float64, bool) {
		return used(e, func(r evidence.Resources) evidence.Usage { return r.Loaded })
	}},
	{"end of a pod after its deletion", 0.3, 2, seconds, timed, func(e evidence.Evidence) (float64, bool) {
		if e.Termination == nil || !e.Termination.Exited {
			return 0, false
		}
		return e.Termination.Seconds, true
	}},
	{"requests lost in rollouts", 0.1, 1, percents, less, lostShare},
	{"rollout restart", 0.3, 4, seconds, timed, func(e evidence.Evidence) (float64, bool) {
		for _, r := range e.Rollouts {
			if r.Kind == evidence.RolloutRestart && r.PreStopSleep == 0 && r.Finished {
				return r.Seconds, true
			}
		}
		return 0, false
	}},
	{"the run", 0.25, 15, seconds, runs, func(e evidence.Evidence) (float64, bool) {
		d := e.Run.Finished.Sub(e.Run.Started)
		return d.Seconds(), d > 0 && e.Run.CutOff == ""
	}},
}

func sizeOf(e evidence.Evidence, of func(evidence.ImageSize) int64) (float64, bool) {
	if e.Image == nil || e.Image.Size == nil {
		return 0, false
	}
	n := of(*e.Image.Size)
	return float64(n), n > 0
}

func ofStart(e evidence.Evidence) (float64, bool) {
	if e.Startup == nil || !e.Startup.Ready {
		return 0, false
	}
	return e.Startup.Seconds, true
}

func used(e evidence.Evidence, of func(evidence.Resources) evidence.Usage) (float64, bool) {
	if e.Resources == nil || e.Resources.Ended != nil || e.Resources.Summed {
		return 0, false
	}
	u := of(*e.Resources)
	return float64(u.Memory), u.Memory > 0
}

// lostShare is how many of the requests of the rollouts on the manifests as they are were lost, in percent.
func lostShare(e evidence.Evidence) (float64, bool) {
	lost, all := 0, 0
	for _, r := range e.Rollouts {
		if r.PreStopSleep == 0 && r.Problem == "" {
			lost, all = lost+len(check.Lost(r)), all+len(r.Requests)
		}
	}
	if all == 0 {
		return 0, false
	}
	return 100 * float64(lost) / float64(all), true
}

// numbers compares what both runs know. How long they took says something where they tried alike.
func numbers(a, b evidence.Evidence, busier, alike bool) []Number {
	var out []Number
	for _, f := range figures {
		if f.kind == runs && !alike {
			continue
		}
		before, ok1 := f.of(a)
		after, ok2 := f.of(b)
		if !ok1 || !ok2 {
			continue
		}
		n := Number{Name: f.name, Before: before, After: after, Trend: Same, Share: f.share, Least: f.least, say: f.say}
		by := math.Abs(after - before)
		switch {
		case by < f.least || by < f.share*before:
		case f.kind == neutral, f.kind == runs, f.kind == timed && busier:
			n.Trend = Other
		case after < before:
			n.Trend = Better
		default:
			n.Trend = Worse
		}
		out = append(out, n)
	}
	return out
}

// busier says that the machine was so much busier in one of the runs that times say nothing of the image.
func busier(a, b evidence.Evidence) string {
	before, ok1 := waiting(a)
	after, ok2 := waiting(b)
	if !ok1 || !ok2 || math.Abs(after-before) < 0.25 {
		return ""
	}
	return fmt.Sprintf("processes waited for a CPU %.0f %% of the time before, and %.0f %% now", 100*before, 100*after)
}

// waiting is the share of the time in which some process waited for a CPU.
func waiting(e evidence.Evidence) (float64, bool) {
	sum := 0.0
	for _, p := range e.Pressure {
		sum += p.Waiting
	}
	return sum / max(1, float64(len(e.Pressure))), len(e.Pressure) > 0
}

func bytesOf(v float64) string  { return drawing.Size(int64(v)) }
func wholes(v float64) string   { return fmt.Sprintf("%.0f", v) }
func percents(v float64) string { return fmt.Sprintf("%.1f %%", v) }
