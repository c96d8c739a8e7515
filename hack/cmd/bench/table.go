package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
)

// table prints what was measured of images, with ratios to podproof's cold run.
func table(w io.Writer, all []result) {
	_, _ = fmt.Fprintf(w, "%s, %d cores\n", processor(), runtime.NumCPU())
	for _, r := range all {
		_, _ = fmt.Fprintf(w, "\n### %s: %d MB (%s)\n\n", r.image.name, r.bytes/1e6, r.made)
		head(w, "program", []string{"to podproof cold"}, "others' CPU")
		for _, p := range r.rows {
			_, _ = fmt.Fprintln(w, p.line(median(r.rows[0].runs)))
		}
		_, _ = fmt.Fprintf(w, "\nSecrets, says podproof: %s\n", r.found)
	}
}

// head prints the titles of rows' lines: that of their names, of each ratio, and of what comes after.
func head(w io.Writer, names string, to []string, after ...string) {
	titles := slices.Concat([]string{names, "median", "least to most", "runs", "peak RSS"}, to, after)
	_, _ = fmt.Fprintf(w, "| %s |\n|---|%s\n", strings.Join(titles, " | "), strings.Repeat("---:|", len(titles)-1))
}

// line is the row in Markdown, with its ratios to times in seconds.
func (r row) line(to ...float64) string {
	least, most, sum, others, rss := r.runs[0].seconds, 0.0, 0.0, 0.0, int64(0)
	for _, one := range r.runs {
		least, most, rss = min(least, one.seconds), max(most, one.seconds), max(rss, one.rss)
		sum, others = sum+one.seconds, others+one.others
	}
	ratios := ""
	for _, base := range to {
		ratios += fmt.Sprintf(" %.2f |", median(r.runs)/base)
	}
	return fmt.Sprintf("| %s | %.2f s | %.2f to %.2f s | %d | %d MB |%s %.0f %% |",
		r.title(), median(r.runs), least, most, len(r.runs), rss/1e6, ratios, 100*max(0, others)/(sum*float64(runtime.NumCPU())))
}

func median(runs []once) float64 {
	var s []float64
	for _, r := range runs {
		s = append(s, r.seconds)
	}
	slices.Sort(s)
	return (s[len(s)/2] + s[(len(s)-1)/2]) / 2
}
