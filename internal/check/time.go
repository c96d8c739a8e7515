package check

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var startupTime = Check{
	ID:    "startup/time",
	Title: "Startup time is measured and within the limit",
	Why: "The time from a pod's creation to Ready is how long a rollout, a scale-up or the loss of a node takes to be over. " +
		"Knowing its parts tells whether the image, the process or the probe is what to make faster.",
	Fix:   "Look at the longest part: a large image, a slow start of the process, or a probe that asks too rarely.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionStartup},
	At:    []Spot{inContainer("startupProbe"), theProgram},
	Judge: judgeStartupTime,

	Timeline: func(e evidence.Evidence) []Moment { return startMoments(e.Startup) },
}

func judgeStartupTime(c contract.Contract, e evidence.Evidence) Judgement {
	limit := within(c)
	j := Judgement{Promised: fmt.Sprintf("each pod Ready within %s of its creation", limit)}
	s := e.Startup
	if s == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	slowest := time.Duration(0)
	var parts string
	for _, p := range s.Pods {
		took, split, ok := startOf(s.Applied, p)
		if !ok {
			continue
		}
		j.detail("pod "+p.Name, "%s", split)
		if took > slowest {
			slowest, parts = took, split
		}
	}
	j.Seconds = slowest.Seconds()
	switch {
	case slowest == 0:
		return j.undecided("no pod became Ready, so no start can be timed", "See startup/ready.")
	case slowest > limit:
		return j.late(e, s.Applied, s.Applied.Add(slowest), fmt.Sprintf("Ready after %s: %s", seconds(slowest.Seconds()), parts), "")
	}
	return j.pass(fmt.Sprintf("Start takes %s", seconds(slowest.Seconds())), parts)
}

// startOf splits a pod's start by what the watch showed: "scheduled 0.1 s, started 1.0 s, Ready 2.1 s".
func startOf(applied time.Time, p evidence.Pod) (took time.Duration, split string, ok bool) {
	var parts []string
	last := applied
	step := func(name string, match func(evidence.Mark) bool) bool {
		for _, m := range p.Timeline {
			if match(m) {
				parts = append(parts, fmt.Sprintf("%s %s", name, seconds(m.At.Sub(last).Seconds())))
				last = m.At
				return true
			}
		}
		return false
	}
	step("scheduled in", func(m evidence.Mark) bool { return became(m, corev1.PodScheduled) })
	step("container started in", func(m evidence.Mark) bool {
		return m.Kind == evidence.MarkContainer && m.Value == evidence.StateRunning
	})
	ok = step("Ready in", func(m evidence.Mark) bool { return became(m, corev1.PodReady) })
	return last.Sub(applied), strings.Join(parts, ", "), ok
}
