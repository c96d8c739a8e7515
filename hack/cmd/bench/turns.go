package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// task is what a row is measured of. What goes before and after a run is not measured; what goes after is done
// also where the run failed.
type task struct {
	name          string
	command       command
	also          []int // exit codes that are no error, beside 0
	before, after func(context.Context) error
	remark        func(finish) []string // what a row has to tell of such a run
	record        string                // files that a run leaves, as a pattern
}

// row is what was measured of a task.
type row struct {
	name    string
	runs    []once
	remarks map[string]int // in how many of the runs
}

// once is one run: its wall time, its peak of resident memory in bytes (getrusage), the seconds of processors that
// other processes used meanwhile, and the bytes of its record, compressed.
type once struct {
	seconds float64
	rss     int64
	others  float64
	record  int64
}

// turns says how often tasks run.
type turns struct {
	n       int
	longest time.Duration               // after which slow ones end, once they ran least times; 0: never
	settle  func(context.Context) error // before each turn; may be nil
}

const (
	least = 5  // how often a program runs that takes long
	slow  = 10 // seconds, from which on each run is told when it is over
)

// measure runs all tasks one after the other, and that again and again, so that a slow minute hits all of them. The
// first turn does not count: images are built then, files come into memory, and what later runs use again is made.
func (t turns) measure(ctx context.Context, b bench, tasks ...task) ([]row, error) {
	rows := make([]row, len(tasks))
	for i, of := range tasks {
		rows[i] = row{name: of.name, remarks: map[string]int{}}
	}
	var began time.Time
	for turn := range t.n + 1 {
		if turn == 1 {
			began = time.Now()
		}
		if t.longest > 0 && turn > min(least, t.n) && time.Since(began) > t.longest {
			break
		}
		if t.settle != nil {
			if err := t.settle(ctx); err != nil {
				return rows, err
			}
		}
		for i, of := range tasks {
			one, remarks, err := of.run(ctx, b)
			if err != nil {
				return rows, fmt.Errorf("%s, turn %d of %d: %w", of.name, turn, t.n, err)
			}
			if one.seconds > slow {
				fmt.Fprintf(os.Stderr, "[bench] turn %d of %d: %.1f s: %s\n", turn, t.n, one.seconds, of.name)
			}
			if turn > 0 {
				rows[i].add(one, remarks)
			}
		}
	}
	for _, r := range rows {
		fmt.Fprintln(os.Stderr, "[bench]", r.line())
	}
	return rows, nil
}

func (t task) run(ctx context.Context, b bench) (one once, remarks []string, err error) {
	if t.before != nil {
		if err := t.before(ctx); err != nil {
			return one, nil, err
		}
	}
	if t.after != nil {
		defer func() { err = errors.Join(err, removing(ctx, t.after)) }()
	}
	one, end, err := b.once(ctx, t.command, t.also...)
	if err != nil {
		return one, nil, err
	}
	if t.remark != nil {
		remarks = t.remark(end)
	}
	if t.record != "" {
		one.record, err = takeRecords(t.record)
	}
	return one, remarks, err
}

// removing takes away what was made, also when the bench was stopped.
func removing(ctx context.Context, what func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
	defer cancel()
	return what(ctx)
}

func (r *row) add(one once, remarks []string) {
	r.runs = append(r.runs, one)
	for _, text := range remarks {
		r.remarks[text]++
	}
}

// title is the row's name, with what is to be told of its runs.
func (r row) title() string {
	title := r.name
	for _, text := range slices.Sorted(maps.Keys(r.remarks)) {
		title += fmt.Sprintf(" (%s: %d of %d)", text, r.remarks[text], len(r.runs))
	}
	return title
}
