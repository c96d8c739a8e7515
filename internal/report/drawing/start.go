package drawing

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// mostPods is how many pods of a start are drawn.
const mostPods = 6

// starts draw the start of the workload's pods.
func starts(e evidence.Evidence) []Drawing {
	s := e.Startup
	if s == nil || s.Applied.IsZero() || len(s.Pods) == 0 {
		return nil
	}
	end := s.Applied.Add(time.Duration(s.Seconds * float64(time.Second)))
	a := axisOf(s.Applied, end, 0)
	d := Drawing{Section: evidence.SectionStartup, Title: "Start of the workload", Bad: !s.Ready}
	how := fmt.Sprintf("all Ready after %s", seconds(s.Seconds))
	if !s.Ready {
		how = fmt.Sprintf("not all Ready after %s", seconds(s.Seconds))
	}
	d.tell("%s, from its manifests' being applied: %s, %s", d.Title, plural(len(s.Pods), "pod"), how)
	y := 0
	for i, p := range s.Pods {
		if i == mostPods {
			d.caption(y+11, fmt.Sprintf("and %s more", plural(len(s.Pods)-i, "pod")), "")
			y += capHeight
			break
		}
		t := track{name: p.Name, marks: p.Timeline}
		d.caption(y+11, "Pod "+p.Name, "Pod "+shortName(p.Name))
		y += capHeight
		states := t.states()
		d.bar(a, y, "pod "+shortName(p.Name), states, time.Time{})
		for _, s := range states {
			if s.class == "ready" {
				d.tell("Pod %s was Ready at %s", shortName(p.Name), a.since(s.at))
				break
			}
		}
		y += barHeight + 2
		if n := d.failedProbes(a, y, p.Events); n > 0 {
			d.tell("Its probes failed %s", plural(n, "time"))
			y += 8
		}
		y += laneGap - 4
	}
	d.Height = y
	d.scale(a, 0)
	return []Drawing{d}
}
