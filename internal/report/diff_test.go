package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
)

// turned are the changes as "ID: turn", worse ones with a mark.
func turned(d Diff) string {
	var out []string
	for _, c := range d.Changes {
		s := c.After.ID + ": " + string(c.Turn)
		if c.Worse() {
			s += "!"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func changedNumbers(d Diff) string {
	var out []string
	for _, n := range d.Numbers {
		if n.Trend != Same {
			out = append(out, n.Name+": "+string(n.Trend))
		}
	}
	return strings.Join(out, ", ")
}

func TestCompareRecordedRuns(t *testing.T) {
	for _, c := range []struct {
		a, b, turns, numbers string
		untried              int
		worse                bool
	}{
		// Two runs of one image, of which an earlier podproof wrote one: whatever differs is noise.
		{"good-v1alpha1", "good", "", "", 0, false},
		{"good", "good-v1alpha1", "", "", 0, false},
		{"good", "closes-its-pool-first", "rollout/no-lost-requests: broken now!, rollout/scale-down: broken now!",
			"layers: other, requests lost in rollouts: worse, rollout restart: better", 39, true},
		{"closes-its-pool-first", "good", "rollout/no-lost-requests: kept now, rollout/scale-down: kept now",
			"layers: other, requests lost in rollouts: better, rollout restart: worse", 39, true},
		{"ready-without-database", "one-connection-for-life", "database/recovers: broken now!, probes/liveness-survives-outage: undecided now!, " +
			"probes/readiness-tells-the-truth: not seen broken now, and undecided, startup/waits-for-database: kept now", "layers: other, the run: other", 0, true},
		{"runs-as-root", "good", "identity/non-root: kept now, security/restricted: kept now, image/user-non-root: kept now", "", 34, false},
	} {
		d := Compare(recorded(t, c.a), recorded(t, c.b))
		if got := turned(d); got != c.turns {
			t.Errorf("%s to %s:\ngot  %s\nwant %s", c.a, c.b, got, c.turns)
		}
		if got := changedNumbers(d); got != c.numbers {
			t.Errorf("%s to %s:\ngot  %s\nwant %s", c.a, c.b, got, c.numbers)
		}
		if len(d.Untried) != c.untried || d.Worse() != c.worse {
			t.Errorf("%s to %s: %d untried, worse: %v", c.a, c.b, len(d.Untried), d.Worse())
		}
	}
}

func TestTurns(t *testing.T) {
	as := func(s check.Status) Report {
		vs := allPass()
		with(t, vs, "termination/exit-zero", func(v *check.Verdict) { v.Status = s })
		return New(promised(), observed(), vs)
	}
	for _, c := range []struct {
		was, is check.Status
		want    string
	}{
		{check.Pass, check.Fail, "broken now!"}, {check.Inconclusive, check.Fail, "broken now!"}, {check.Waived, check.Fail, "broken now!"},
		{check.Pass, check.Inconclusive, "undecided now!"}, {check.Waived, check.Inconclusive, "undecided now"}, {check.Fail, check.Inconclusive, "not seen broken now, and undecided"},
		{check.Pass, check.Waived, "waived now!"}, {check.Fail, check.Waived, "waived now"},
		{check.Fail, check.Pass, "kept now"}, {check.Inconclusive, check.Pass, "kept now"}, {check.Waived, check.Pass, "kept now"},
		{check.Fail, check.Fail, ""}, {check.Pass, check.Pass, ""}, {check.Skipped, check.Fail, ""}, {check.Pass, check.Skipped, ""},
	} {
		want := c.want
		if want != "" {
			want = "termination/exit-zero: " + want
		}
		d := Compare(as(c.was), as(c.is))
		if got := turned(d); got != want || d.Worse() != strings.HasSuffix(want, "!") {
			t.Errorf("%s to %s: got %q, want %q", c.was, c.is, got, want)
		}
	}
}

// A promise that is broken still got worse with a finding that was not there, whatever line it is in.
func TestMoreFindingsAreWorse(t *testing.T) {
	as := func(prints ...string) Report {
		vs := allPass()
		with(t, vs, "image/no-secrets-in-history", func(v *check.Verdict) {
			v.Status, v.Check.ByPlace = check.Fail, true
			for i, p := range prints {
				v.Findings = append(v.Findings, check.Finding{Where: fmt.Sprintf("line %d", i), Message: "a key", Fingerprint: p})
			}
			v.Findings = append(v.Findings, check.Finding{Message: strings.Join(prints, ""), Note: true})
		})
		return New(promised(), observed(), vs)
	}
	for _, c := range []struct {
		a, b []string
		want string
	}{
		{[]string{"x"}, []string{"y", "x"}, "image/no-secrets-in-history: broken still, in more places!"},
		{[]string{"x", "y"}, []string{"y"}, "image/no-secrets-in-history: broken still, in fewer places"},
		{[]string{"x", "y"}, []string{"y", "x"}, ""},
	} {
		d := Compare(as(c.a...), as(c.b...))
		if got := turned(d); got != c.want {
			t.Errorf("%v to %v: got %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

func TestNumbersBelowTheirBoundsAreNoise(t *testing.T) {
	as := func(size int64, ready float64, memory int64, busy float64) evidence.Evidence {
		e := observed()
		e.Image.Size = &evidence.ImageSize{Uncompressed: size}
		e.Startup = &evidence.Startup{Ready: true, Seconds: ready}
		e.Resources = &evidence.Resources{Loaded: evidence.Usage{Memory: memory}}
		e.Pressure = []evidence.Pressure{{Waiting: busy}}
		return e
	}
	before := as(100<<20, 4, 100<<20, 0.2)
	for _, c := range []struct {
		after evidence.Evidence
		want  string
	}{
		{as(100<<20+900<<10, 5.9, 114<<20, 0.4), ""},
		{as(102<<20, 6.1, 116<<20, 0.4), "image size: worse, time to Ready: worse, memory, under load: worse"},
		{as(98<<20, 1.9, 84<<20, 0.4), "image size: better, time to Ready: better, memory, under load: better"},
		// Times of a machine that was much busier say nothing of the image.
		{as(100<<20, 9, 100<<20, 0.9), "time to Ready: other"},
	} {
		d := Compare(New(promised(), before, allPass()), New(promised(), c.after, allPass()))
		if got := changedNumbers(d); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	small := as(10<<20, 1, 1<<20, 0)
	if got := changedNumbers(Compare(New(promised(), small, nil), New(promised(), as(10<<20, 2.9, 3<<20, 0), nil))); got != "" {
		t.Errorf("what is small changed by much of itself, and by little: %q", got)
	}
	if got := numbers(evidence.Evidence{}, before, false, true); got != nil {
		t.Errorf("what one of the runs does not know is compared: %v", got)
	}
}

func TestDiffText(t *testing.T) {
	text := func(a, b Report, c Console) string {
		var out strings.Builder
		c.Name = "diff"
		if err := WriteDiff(&out, Compare(a, b), c); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	a := New(promised(), observed(), allPass())
	e := observed()
	e.Run.Started = e.Run.Started.Add(24 * time.Hour)
	e.Run.Finished = e.Run.Started.Add(100 * time.Second)
	vs := allPass()
	with(t, vs, "termination/exit-zero", broken)
	with(t, vs, "startup/ready", func(v *check.Verdict) { v.Status, v.Seen = check.Skipped, "not selected" })
	b := New(promised(), e, vs)
	for _, want := range []string{
		"[diff] before      reactbin-api-prod:latest (sha256:4f6a0c3d2b1e), on Kubernetes v1.34.0 (kind), in 41.3 s, 2026-03-04 05:06 UTC, by podproof v0.1.0\n",
		"[diff] Broken now\n[diff]   termination/exit-zero: SIGTERM ends the process with exit 0\n[diff]     before      pass: what was seen for termination/exit-zero\n[diff]     now         fail: exit code 137",
		"[diff]     what to do  Use the exec form",
		"[diff] Not compared: 1 promise, tried before alone\n",
		"[diff] Worse: 1 broken now.\n",
	} {
		if got := text(a, b, Console{}); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := text(a, a, Console{}); !strings.HasSuffix(got, "[diff] Nothing is worse, and no verdict changed.\n") || strings.Contains(got, "same ") {
		t.Error(got)
	}
	if got := text(a, a, Console{Verbose: true}); !strings.Contains(got, "same    the run: 41.3 s, before 41.3 s (as before; counts from 25 % and 15.0 s on)") {
		t.Error(got)
	}
	if got := text(b, a, Console{}); !strings.Contains(got, "[diff] Nothing is worse: 1 kept now.") {
		t.Error(got)
	}
}

// Of a promise that is broken now a person reads where it is mended, as after a run.
func TestADiffSaysWhereAPromiseIsMended(t *testing.T) {
	vs := allPass()
	with(t, vs, "identity/non-root", func(v *check.Verdict) {
		v.Status, v.Seen, v.Location = check.Fail, "no user", &check.Location{File: "k8s/api.yaml", Line: 7}
	})
	now := New(promised(), observed(), vs)
	now.home = Home{Folder: "svc"}
	var out strings.Builder
	if err := WriteDiff(&out, Compare(New(promised(), observed(), allPass()), now), Console{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "where       svc/k8s/api.yaml:7\n") {
		t.Error(out.String())
	}
}
