package drawing

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
)

// usage draws the memory and the CPU that a container took beside what it asks for and may have.
func usage(e evidence.Evidence) []Drawing {
	r := e.Resources
	if r == nil || r.Idle.Window == 0 {
		return nil
	}
	var declared corev1.ResourceRequirements
	if e.Workload != nil {
		for _, c := range e.Workload.Template.Spec.Containers {
			if c.Name == e.Workload.Container {
				declared = c.Resources
			}
		}
	}
	d := Drawing{Section: evidence.SectionResources, Title: "Memory and CPU beside requests and limits"}
	y := d.gauge(0, "Memory", []level{{"idle", float64(r.Idle.Memory)}, {"under load", float64(r.Loaded.Memory)}}, declared, corev1.ResourceMemory,
		func(v float64) string { return Size(int64(v)) })
	y = d.gauge(y, "CPU", []level{{"idle", r.Idle.CPU}, {"under load", r.Loaded.CPU}}, declared, corev1.ResourceCPU,
		func(v float64) string { return fmt.Sprintf("%.3f CPUs", v) })
	d.key("ok", "used")
	d.Height = y
	d.ground(y)
	return []Drawing{d}
}

type level struct {
	what  string
	value float64
}

// gauge draws a bar for each level on one scale, with the request and the limit as lines through them.
func (d *Drawing) gauge(y int, what string, levels []level, declared corev1.ResourceRequirements, name corev1.ResourceName, words func(float64) string) int {
	request, limit := -1.0, -1.0
	if q, ok := declared.Requests[name]; ok {
		request = q.AsApproximateFloat64()
	}
	if q, ok := declared.Limits[name]; ok {
		limit = q.AsApproximateFloat64()
	}
	most := max(request, limit)
	for _, l := range levels {
		most = max(most, l.value)
	}
	if most <= 0 {
		return y
	}
	at := func(v float64) float64 { return 100 * v / (most * 1.02) }
	said := []string{"no request", "no limit"}
	if request >= 0 {
		said[0] = "request " + words(request)
	}
	if limit >= 0 {
		said[1] = "limit " + words(limit)
	}
	d.Texts = append(d.Texts, Text{Y: y + 12, Class: "cap strong", Anchor: "start", From: narrow, S: what + ": " + strings.Join(said, ", ")})
	d.tell("%s: %s", what, strings.Join(said, ", "))
	y += capHeight
	top := y
	for _, l := range levels {
		if l.value <= 0 {
			continue
		}
		class := "ok"
		if limit >= 0 && l.value > 0.9*limit {
			class = "bad"
		}
		d.Texts = append(d.Texts, Text{Y: y + 12, Class: "cap", Anchor: "start", From: narrow, S: l.what + ", " + words(l.value)})
		d.Rects = append(d.Rects, Rect{X: 0, W: 100, Y: y + capHeight, H: 10, Class: "track"},
			Rect{X: 0, W: max(0.4, at(l.value)), Y: y + capHeight, H: 10, Class: class})
		d.tell("%s %s", l.what, words(l.value))
		y += capHeight + 14
	}
	for _, m := range []struct {
		value float64
		class string
		what  string
	}{{request, "edge", "request"}, {limit, "limit", "limit"}} {
		if m.value < 0 {
			continue
		}
		x := at(m.value)
		d.Lines = append(d.Lines, Line{X: x, Y1: top + capHeight - 3, Y2: y - 4, Class: m.class})
		d.label(x, y+9, "at", m.what)
		d.key(m.class, m.what)
	}
	return y + 14 + laneGap
}

// Size says how much data it is: "24.1 MiB".
func Size(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.0f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/(unit*unit))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(unit*unit*unit))
}
