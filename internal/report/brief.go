package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"podproof.dev/podproof/internal/check"
)

const (
	// mostLastWords is how much of a container's 4096 bytes for its last words is used: Tekton takes some.
	mostLastWords = 3 << 10
	// mostLine is how long the result in a line may be.
	mostLine = 512
)

// Line is the result in a line: "FAIL 2 of 43: termination/exit-zero, image/size-budget".
func Line(r Report) string {
	vs := decisive(r)
	asked := len(r.Verdicts) - len(r.with(check.Skipped))
	out := fmt.Sprintf("%s %d of %d", strings.ToUpper(string(r.Result)), len(vs), asked)
	if r.Result == check.Pass {
		out = fmt.Sprintf("PASS %d of %d", len(r.with(check.Pass)), asked)
	} else if len(vs) > 0 {
		out += ": " + ids(vs)
	}
	if r.Incomplete != "" {
		out += " (cut off by " + r.Incomplete + ")"
	}
	return cutBytes(Clean(out), mostLine)
}

// decisive are the verdicts by which the result is what it is.
func decisive(r Report) []Verdict {
	if r.Result == check.Pass {
		return nil
	}
	return r.with(r.Result)
}

// LastWords are the Line, and then a line for each promise that is broken or undecided, in at most 3 KiB.
func LastWords(r Report) string {
	lines := []string{Line(r)}
	for _, v := range slices.Concat(r.with(check.Fail), r.with(check.Inconclusive)) {
		what := ""
		if v.Verdict == check.Inconclusive && r.Result == check.Fail {
			what = " could not be checked"
		}
		lines = append(lines, v.ID+what+": "+short(Clean(v.Seen)))
	}
	out := ""
	for i, l := range lines {
		more := fmt.Sprintf("and %d more\n", len(lines)-i)
		if len(out)+len(l)+1+len(more) > mostLastWords {
			return out + more
		}
		out += l + "\n"
	}
	return out
}

// cutBytes shortens a text to so many bytes.
func cutBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	s = s[:most-len("…")]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
