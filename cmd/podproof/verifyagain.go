package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/recall"
	"podproof.dev/podproof/internal/report"
)

// maxAgeVariable is --max-age where that is not given.
const maxAgeVariable = "PODPROOF_MAX_AGE"

// againFlags say whether an earlier run may answer one that would try the same.
type againFlags struct {
	maxAge time.Duration
	fresh  bool
	given  *pflag.FlagSet
}

func (f *againFlags) add(c *cobra.Command) {
	f.given = c.Flags()
	f.given.DurationVar(&f.maxAge, "max-age", 0, "run nothing where a run that tried just the same has passed within this `DURATION`, and report by its record (default: always run; from "+maxAgeVariable+")")
	f.given.BoolVar(&f.fresh, "fresh", false, "run all the same, whatever --max-age says")
}

// read takes the environment's word where the flag is not given, and says what is wrong with either.
func (f *againFlags) read() error {
	name := "--max-age"
	if text := os.Getenv(maxAgeVariable); text != "" && (f.given == nil || !f.given.Changed("max-age")) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s=%s: %q is not a duration; write it with its unit, such as 30m or 24h", maxAgeVariable, text, text)
		}
		name, f.maxAge = maxAgeVariable, d
	}
	if f.maxAge < 0 {
		return fmt.Errorf("%s %s: give a time above zero, such as 30m or 24h, or 0 to run always", name, f.maxAge)
	}
	return nil
}

// passedRuns is where the records of runs that passed lie, for those that try the same.
func passedRuns() (recall.Store, error) {
	dir, err := cacheDir()
	return recall.Store{Dir: filepath.Join(dir, "passed")}, err
}

// memory is what a run is answered by, and where its record is kept; nil where nobody asks for it.
func (f *againFlags) memory(o *pipeline.Options) (*recall.Memory, error) {
	if f.maxAge == 0 && !f.fresh {
		return nil, nil
	}
	s, err := passedRuns()
	if err != nil {
		return nil, err
	}
	m := &recall.Memory{Store: s, MaxAge: f.maxAge, Contract: o.Contract, Selected: o.Selected, Debug: func(text string) { o.Debug(text) }, Now: time.Now}
	if f.fresh {
		m.MaxAge = 0
	}
	o.Memory = m
	return m, nil
}

// remember keeps the record of a run that passed for the next one. What keeps it from that fails no run.
func remember(m *recall.Memory, o pipeline.Options, r pipeline.Result) {
	if m == nil || r.On == nil || r.Record != "" {
		return
	}
	if _, err := m.Keep(recordOf(o.Selected, r), r.On); err != nil {
		fmt.Fprintln(os.Stderr, "podproof: the record of this run is not kept for the next one:", err)
	}
}

// answeredBy marks a report as that of an earlier run, where it is.
func answeredBy(r report.Report, result pipeline.Result) report.Report {
	if result.Record == "" {
		return r
	}
	return r.AnsweredBy(result.Record, time.Now())
}

// ofAnEarlierRun says of a proof what run it is of, and when that was.
func ofAnEarlierRun(result pipeline.Result) string {
	run := result.Evidence.Run
	return fmt.Sprintf("--attest: the proof is of the run of %s, %s, and says so", run.Started.UTC().Format(time.RFC3339), report.Ago(time.Since(run.Started).Seconds()))
}
