package check

import (
	"fmt"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/redact"
)

const (
	// runAgain is what to do about what could not be tried, where the cause is named.
	runAgain = "Fix the cause named above, then run podproof again."
	// incomplete is what to do where a section of the evidence is there, and empty.
	incomplete = "Run podproof again: this evidence is incomplete."
	// logLess is what to do about a log of which not all lines were kept.
	logLess  = "Log less while the process starts: the first 1000 lines are kept, and the last 1000."
	fixBuild = "Fix the build first (build/succeeds), then run podproof again."
)

// fixFirst is what to do about what another check has to tell.
func fixFirst(id string) string { return "Fix " + id + " first, then run podproof again." }

// count says "1 layer", "2 layers".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// seconds says "4.2 s".
func seconds(s float64) string { return fmt.Sprintf("%.1f s", s) }

// list says "a", "a and b", "a, b and c".
func list(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:len(items)-1], ", ") + " and " + items[len(items)-1]
}

// brief cuts a text for a line on the terminal, at a character's boundary.
func brief(s string, limit int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// said is brief for a text that comes from outside: what looks like a secret is masked first.
func said(s string, limit int) string { return brief(redact.Text(s), limit) }

// kubeletSays is said for an event of the kubelet's, whose client of probes speaks of its own contexts.
func kubeletSays(s string, limit int) string { return said(plainer.Replace(s), limit) }

var plainer = strings.NewReplacer("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "no answer within its timeout",
	"context deadline exceeded", "no answer within its timeout", "context canceled", "given up")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// count01 is 1 where something holds, for sums.
func count01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// numbers says "0", "0 and 143".
func numbers(ns []int32) string {
	var out []string
	for _, n := range ns {
		out = append(out, strconv.Itoa(int(n)))
	}
	return list(out)
}
