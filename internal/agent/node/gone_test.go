package node

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestGone(t *testing.T) {
	for name, c := range map[string]struct {
		ends map[int]time.Duration // by process
		want func(began time.Time) string
	}{
		"one": {map[int]time.Duration{9: 170 * time.Millisecond}, between(150, 200)},
		// The times are those of the last that went, in any order.
		"several":         {map[int]time.Duration{9: 20 * time.Millisecond, 10: 990 * time.Millisecond, 11: 40 * time.Millisecond}, between(950, 1000)},
		"not in time":     {map[int]time.Duration{9: time.Second, 10: time.Hour}, func(time.Time) string { return "" }},
		"none":            {nil, func(time.Time) string { return "" }},
		"one that is new": {map[int]time.Duration{9: 170 * time.Millisecond, -12: time.Hour}, between(150, 200)},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			synctest.Test(t, func(t *testing.T) {
				tr := tree{tr.Host, t}
				began := time.Now()
				for pid, after := range c.ends {
					if pid < 0 { // it was not there when the wait began
						time.AfterFunc(time.Millisecond, func() { tr.process(-pid, onV1(id), nil) })
						continue
					}
					tr.process(pid, onV1(id), nil)
					defer time.AfterFunc(after, func() { tr.end(pid) }).Stop()
				}
				if got, want := tr.says("gone", id, "2"), c.want(began); got != want {
					t.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
}

// between is what is printed of an end between two times, in milliseconds since the beginning.
func between(from, to int) func(time.Time) string {
	return func(began time.Time) string {
		at := func(ms int) string { return clock(began.Add(time.Duration(ms) * time.Millisecond)) }
		return fmt.Sprintf("%s %s\n", at(from), at(to))
	}
}
