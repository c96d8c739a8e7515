package report

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// A finding that is what was seen is not told beside it; of others there may be many.
func TestFindingsSayWhatWasSeenOnce(t *testing.T) {
	const root, token = "it runs as UID 0", "the value of secret/db:PASSWORD stands in it"
	for _, x := range []struct {
		name, seen string
		findings   []check.Finding
		want       map[string]int
	}{
		{"the same", "pod a, PID 1: " + root, []check.Finding{{Where: "pod a, PID 1", Message: root}, {Where: "pod a", Message: "the log", Note: true}},
			map[string]int{root: 1, "note: pod a: the log": 1}},
		{"the same without its place", "not Ready: " + root, []check.Finding{{Where: "pod a", Message: root}},
			map[string]int{root: 1, "- at: pod a\n": 1}},
		{"one of several", "pod a, log: " + token, []check.Finding{{Where: "pod a, log", Message: token}, {Where: "pod b, log", Message: token}},
			map[string]int{token: 2, "- pod b, log: " + token: 1}},
		{"one of several, and no other says it", "three rules: " + root, []check.Finding{{Where: "pod a", Message: root}, {Where: "pod b", Message: token}},
			map[string]int{root: 1, "- at: pod a\n": 1, "- pod b: " + token: 1}},
		{"its place and a blank before it", "without DB_URL " + root, []check.Finding{{Where: "without DB_URL", Message: root}, {Where: "without DB_USER", Message: root}},
			map[string]int{root: 2, "- without DB_USER: " + root: 1, "- at:": 0}},
		{"another", "12 values in the history", []check.Finding{{Where: "history 3", Message: "ENV A=***"}}, map[string]int{"- history 3: ENV A=***": 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			vs := allPass()
			with(t, vs, "identity/non-root", func(v *check.Verdict) { v.Status, v.Seen, v.Findings = check.Fail, x.seen, x.findings })
			r := inRoot(New(promised(), observed(), vs))
			text := terminal(t, r, Console{})
			for s, n := range x.want {
				if got := strings.Count(text, s); got != n {
					t.Errorf("%d times %q, want %d:\n%s", got, s, n, text)
				}
			}
			if len(r.with(check.Fail)[0].Findings) != len(x.findings) {
				t.Error("JSON has not all of them")
			}
		})
	}
	row := Report{}.mdRow(Verdict{Verdict: check.Fail, Seen: "pod a: " + root, Findings: []check.Finding{{Where: "pod a", Message: root}}})
	if strings.Count(row, root) != 1 {
		t.Errorf("told again: %s", row)
	}
}
