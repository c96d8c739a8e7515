//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
)

// The second run of the same makes nothing, and is answered by the record of the first, in every format, and is run
// where anything is another, and where the record was changed.
func TestNothingIsRunTwice(t *testing.T) {
	podproof(t, nil, "build").want(t, exitPass)
	cache, dir := t.TempDir(), t.TempDir()
	env := []string{"XDG_CACHE_HOME=" + cache}
	in := func(name string) string { return filepath.Join(dir, name) }
	verify := func(more ...string) finished {
		t.Helper()
		return podproof(t, env, append([]string{"verify", "-v", "--max-age", "1h", "--only", "build/succeeds,startup/ready,identity/non-root,image/size-budget"}, more...)...)
	}
	first := verify("-o", "terminal", "-o", "json="+in("first.json"))
	first.want(t, exitPass, "no run that passed is on record", "Cluster created")

	second := verify("-o", "terminal", "-o", "json="+in("second.json"), "-o", "junit="+in("second.xml"), "-o", "markdown="+in("second.md"), "-o", "html="+in("second.html"), "-o", "sarif="+in("second.sarif"), "--evidence", in("second.evidence"))
	second.want(t, exitPass, "[verify] answered from the run of ", "; --fresh runs all the same")
	if strings.Contains(second.stdout, "Creating a kind cluster") {
		t.Errorf("it made a cluster:\n%s", second.stdout)
	}
	a, b := verdicts(t, in("first.json")), verdicts(t, in("second.json"))
	if a.Run.ID != b.Run.ID || a.Answered != nil || b.Answered == nil || !strings.HasPrefix(b.Answered.Record, cache) || strings.Join(with(a, check.Pass), " ") != strings.Join(with(b, check.Pass), " ") {
		t.Errorf("first %+v, second %+v answered by %+v", a.Run, b.Run, b.Answered)
	}
	for _, file := range []string{"second.xml", "second.md", "second.html", "second.sarif"} {
		text, err := os.ReadFile(in(file))
		if err != nil || !strings.Contains(string(text), "answered from the run of ") {
			t.Errorf("%s does not say so (%v)", file, err)
		}
	}
	judgedAgain(t, in("second.evidence"), b)

	text, err := os.ReadFile(b.Answered.Record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.Answered.Record, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	verify().want(t, exitPass, "is taken for changed", "Cluster created")
	verify("--no-node-access").want(t, exitPass, "had another cluster", "Cluster created")
	last := verify()
	last.want(t, exitPass, "answered from the run of ")
	if strings.Contains(last.stdout, "Creating a kind cluster") {
		t.Errorf("it made a cluster:\n%s", last.stdout)
	}
	podproof(t, env, "clean").want(t, exitPass, "Removed the records by which --max-age answers: 2")
	wantClean(t)
}
