package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// Every report but GitLab's list of issues says that it is of an earlier run, and where a person reads
// it, says so first.
func TestAReportOfAnEarlierRun(t *testing.T) {
	r := New(promised(), observed(), allPass())
	now := r.Run.Started.Add(12*time.Minute + 30*time.Second)
	r = r.AnsweredBy("/cache/passed/1.json", now)
	const text = "answered from the run of 12 minutes ago, /cache/passed/1.json; --fresh runs all the same"
	first := map[string]string{"terminal": "[verify] " + text + "\n", "markdown": "answered from the run of 12 minutes ago", "github": "::notice title=podproof::" + text + "\n"}
	for _, f := range formats {
		var b bytes.Buffer
		if err := f.Render(&b, r, Console{}); err != nil {
			t.Fatal(err)
		}
		want := "answered from the run of 12 minutes ago"
		switch f.Name {
		case "json":
			want = `"secondsAgo": 750`
			if err := compileSchema(t).Validate(asJSON(t, r)); err != nil {
				t.Error(err)
			}
		case "gitlab":
			want = ""
		}
		if !strings.Contains(b.String(), want) || !strings.HasPrefix(b.String(), first[f.Name]) {
			t.Errorf("%s does not say %q, or not first %q:\n%s", f.Name, want, first[f.Name], b.String())
		}
	}
	var b bytes.Buffer
	if err := WriteTerminal(&b, r, Console{Quiet: true}); err != nil || b.String() != "[verify] "+text+"\n" {
		t.Errorf("with -q it says %q (%v)", b.String(), err)
	}
	if r.Evidence != "/cache/passed/1.json" || r.ExitCode() != 0 {
		t.Errorf("the evidence is %q, the exit code %d", r.Evidence, r.ExitCode())
	}
	if got := (One{Report: &r}).seen(); got != "answered from the run of 12 minutes ago" {
		t.Errorf("in a table: %q", got)
	}
}

func TestAgo(t *testing.T) {
	for seconds, want := range map[float64]string{0: "a moment ago", 1: "1 second ago", 59.9: "59 seconds ago", 60: "1 minute ago", 3599: "59 minutes ago", 3600: "1 hour ago", 86400 * 2.5: "2 days ago"} {
		if got := Ago(seconds); got != want {
			t.Errorf("%v s: %q, want %q", seconds, got, want)
		}
	}
}
