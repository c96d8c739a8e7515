package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// table prints what was measured, with ratios to podproof's cold run.
func table(w io.Writer, all []result) {
	_, _ = fmt.Fprintf(w, "%s, %d cores\n", processor(), runtime.NumCPU())
	for _, r := range all {
		_, _ = fmt.Fprintf(w, "\n### %s: %d MB (%s)\n\n", r.image.name, r.bytes/1e6, r.made)
		_, _ = fmt.Fprintln(w, "| program | median | least to most | runs | peak RSS | to podproof cold | others' CPU |\n|---|---:|---:|---:|---:|---:|---:|")
		cold := median(r.rows[0].runs)
		for _, p := range r.rows {
			_, _ = fmt.Fprintln(w, p.line(cold))
		}
		_, _ = fmt.Fprintf(w, "\nSecrets, says podproof: %s\n", r.found)
	}
}

// line is the row in Markdown, with its ratio to a time in seconds.
func (r row) line(cold float64) string {
	least, most, rss := r.runs[0].seconds, 0.0, int64(0)
	for _, one := range r.runs {
		least, most, rss = min(least, one.seconds), max(most, one.seconds), max(rss, one.rss)
	}
	return fmt.Sprintf("| %s | %.2f s | %.2f to %.2f s | %d | %d MB | %.2f | %.0f %% |",
		r.name, median(r.runs), least, most, len(r.runs), rss/1e6, median(r.runs)/cold, 100*r.others)
}

func median(runs []once) float64 {
	var s []float64
	for _, r := range runs {
		s = append(s, r.seconds)
	}
	slices.Sort(s)
	return (s[len(s)/2] + s[(len(s)-1)/2]) / 2
}

// A machine that does other things at the same time is waited for, for a while.
const (
	quiet    = 0.2 // of its processors
	sample   = 3 * time.Second
	patience = time.Minute
)

// settle waits until other processes are quiet. Where they are not in time, the table tells.
func settle(ctx context.Context) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := busySeconds()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(sample):
		}
		if busySeconds()-before < quiet*sample.Seconds()*float64(runtime.NumCPU()) {
			return nil
		}
	}
	fmt.Fprintln(os.Stderr, "[bench] The machine does not come to rest.")
	return nil
}

func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}
