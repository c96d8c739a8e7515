package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// The flag goes before the environment, and what is wrong with either is told before anything is done.
func TestHowOldARunMayBe(t *testing.T) {
	alone(t)
	if err := os.WriteFile("podproof.yaml", []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ env, args, says string }{
		{"", "verify --max-age -1m", "--max-age -1m0s: give a time above zero"},
		{"soon", "verify", `PODPROOF_MAX_AGE=soon: "soon" is not a duration; write it with its unit`},
		{"-1h", "verify", "PODPROOF_MAX_AGE -1h0m0s: give a time above zero"},
		{"soon", "verify -f podproof.yaml -f ./other.yaml", "PODPROOF_MAX_AGE=soon"},
	} {
		t.Setenv(maxAgeVariable, x.env)
		err := execute(context.Background(), newRoot(), strings.Fields(x.args))
		var code exitError
		if !errors.As(err, &code) || code.code != exitUsage || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s %s: %v, want %q", x.env, x.args, err, x.says)
		}
	}
	for _, x := range []struct {
		env  string
		flag []string
		want time.Duration
	}{{"", nil, 0}, {"2h", nil, 2 * time.Hour}, {"2h", []string{"--max-age", "1h"}, time.Hour}, {"2h", []string{"--max-age", "0"}, 0}} {
		t.Setenv(maxAgeVariable, x.env)
		c := newVerify()
		var f againFlags
		c.ResetFlags()
		f.add(c)
		if err := c.ParseFlags(x.flag); err != nil {
			t.Fatal(err)
		}
		if err := f.read(); err != nil || f.maxAge != x.want {
			t.Errorf("%s %v: %s, want %s (%v)", x.env, x.flag, f.maxAge, x.want, err)
		}
	}
}

// A run that passed is kept where --max-age or --fresh asks for it, answers the next one with its report
// and exit code, and goes with `podproof clean`.
func TestARunThatIsAnswered(t *testing.T) {
	alone(t)
	rec := goodRun(t)
	selected, err := check.Select([]string{"startup/ready"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	on := pipeline.Grounds{"image": "sha256:1"}
	made := pipeline.Result{Contract: rec.Contract, Evidence: rec.Evidence, On: on}
	ask := func(f againFlags) *pipeline.Result {
		t.Helper()
		o := pipeline.Options{Selected: selected, Debug: func(string) {}}
		m, err := f.memory(&o)
		if err != nil {
			t.Fatal(err)
		}
		if (m == nil) != (o.Memory == nil) {
			t.Fatal("the run has another memory")
		}
		if m == nil {
			remember(m, o, made)
			return nil
		}
		known := m.Recall(on)
		if known == nil {
			remember(m, o, made)
		}
		return known
	}
	hour := againFlags{maxAge: time.Hour}
	ask(againFlags{}) // which keeps nothing
	if ask(hour) != nil {
		t.Error("a run without --max-age is kept")
	}
	known := ask(hour)
	if known == nil || known.Record == "" {
		t.Fatalf("it is not answered: %+v", known)
	}
	if ask(againFlags{maxAge: time.Hour, fresh: true}) != nil {
		t.Error("--fresh is answered")
	}
	known = ask(hour)
	outs, err := report.ParseOutputs([]string{"json=report.json", "terminal"})
	if err != nil {
		t.Fatal(err)
	}
	f := judgeFlags{evidence: "kept.json"}
	if err := f.report(selected, *known, outs, report.Console{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("report.json")
	if err != nil || !strings.Contains(string(text), `"record": "`+known.Record+`"`) || !strings.Contains(string(text), `"evidence": "kept.json"`) {
		t.Errorf("the report is %.300s (%v)", text, err)
	}
	if kept, err := report.ReadFile("kept.json"); err != nil || kept.Evidence.Run.ID != rec.Evidence.Run.ID || kept.Key != nil {
		t.Errorf("--evidence is of %s (%v)", kept.Evidence.Run.ID, err)
	}
	if says := ofAnEarlierRun(*known); !strings.Contains(says, "the proof is of the run of "+rec.Evidence.Run.Started.Format(time.RFC3339)+", 2 minutes ago") {
		t.Errorf("of a proof it says %q", says)
	}
	var notes []string
	if err := forgetPassed(func(s string) { notes = append(notes, s) }); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "--max-age answers: 1") {
		t.Errorf("clean says %q (%v)", notes, err)
	}
	if ask(hour) != nil {
		t.Error("what was removed answers")
	}
}
