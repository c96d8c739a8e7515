package report

import (
	"fmt"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

func verdictsOf(broken, open, held int) Report {
	r := Report{Result: check.Pass}
	add := func(n int, s check.Status) {
		for i := range n {
			r.Verdicts = append(r.Verdicts, Verdict{ID: fmt.Sprintf("%s/%d", s, i), Verdict: s, Seen: "seen | `this` <b>\nand that", Fix: "fix it"})
		}
	}
	add(held, check.Pass)
	add(broken, check.Fail)
	add(open, check.Inconclusive)
	add(1, check.Skipped)
	switch {
	case broken > 0:
		r.Result = check.Fail
	case open > 0:
		r.Result = check.Inconclusive
	}
	return r
}

func TestTheResultInALine(t *testing.T) {
	for _, c := range []struct {
		broken, open, held int
		cut                string
		want               string
	}{
		{0, 0, 43, "", "PASS 43 of 43"},
		{2, 1, 40, "", "FAIL 2 of 43: fail/0, fail/1"},
		{0, 1, 42, "", "INCONCLUSIVE 1 of 43: inconclusive/0"},
		{1, 0, 1, "SIGTERM", "FAIL 1 of 2: fail/0 (cut off by SIGTERM)"},
	} {
		r := verdictsOf(c.broken, c.open, c.held)
		r.Incomplete = c.cut
		if got := Line(r); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := Line(verdictsOf(500, 0, 0)); len(got) > mostLine || !strings.HasSuffix(got, "…") {
		t.Errorf("the line has %d bytes: %s", len(got), got)
	}
}

func TestLastWordsFit(t *testing.T) {
	got := LastWords(verdictsOf(2, 1, 3))
	if want := "FAIL 2 of 6: fail/0, fail/1\nfail/0: seen | `this` <b>\nfail/1: seen | `this` <b>\ninconclusive/0 could not be checked: seen | `this` <b>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = LastWords(verdictsOf(300, 0, 0))
	if len(got) > mostLastWords || !strings.Contains(got, " more\n") || strings.Count(got, "\n") < 20 {
		t.Errorf("%d bytes in %d lines:\n%s", len(got), strings.Count(got, "\n"), got)
	}
}
