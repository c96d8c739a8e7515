// Package recall keeps the records of runs that passed, each with what the run stood on, and finds the one
// that answers a run which stands on the same.
package recall

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// Memory answers one run from the records in a folder; it is a pipeline.Memory.
type Memory struct {
	Store
	// MaxAge is how old a run may be that answers: it must have begun later. Zero answers by none.
	MaxAge time.Duration
	// Contract is the run's own, and Selected are the checks that it was asked for.
	Contract contract.Contract
	Selected []check.Check
	// Debug is told why a run is not answered; Now is the clock.
	Debug func(string)
	Now   func() time.Time
}

// May tells whether one may be on record that stood on these grounds, to which the image may be missing.
func (m *Memory) May(on pipeline.Grounds) bool {
	if m.MaxAge == 0 {
		return false
	}
	k, err := m.key(on)
	if err != nil {
		m.anew(err.Error())
		return false
	}
	if len(m.files(near(k))) == 0 {
		m.anew(m.differs(k))
		return false
	}
	return true
}

// Recall is what the youngest run on record saw that stood on the same and passed, judged by this podproof
// and today.
func (m *Memory) Recall(on pipeline.Grounds) *pipeline.Result {
	if m.MaxAge == 0 {
		return nil
	}
	k, err := m.key(on)
	if err != nil {
		m.anew(err.Error())
		return nil
	}
	why := ""
	for _, file := range m.files(whole(k)) {
		rec, err := m.read(file)
		if err == nil {
			err = m.answers(rec, k)
		}
		if err == nil {
			return &pipeline.Result{Contract: rec.Contract.At(m.Contract), Evidence: rec.Evidence, Record: file}
		}
		if why == "" {
			why = fmt.Sprintf("%s does not: %v", file, err)
		}
	}
	if why == "" {
		why = m.differs(k)
	}
	m.anew(why)
	return nil
}

func (m *Memory) anew(why string) {
	m.Debug("No record of an earlier run answers this one: " + why)
}

// answers says what keeps a record from answering a run that stands on what the key tells.
func (m *Memory) answers(rec report.Record, k report.Key) error {
	now := m.Now()
	run := rec.Evidence.Run
	age := now.Sub(run.Started)
	switch {
	case rec.Key == nil || rec.Key.Sum != k.Sum || !maps.Equal(rec.Key.Parts, k.Parts):
		return fmt.Errorf("that run stood on something else")
	case age < 0:
		return fmt.Errorf("it says that the run began at %s, which is yet to come", run.Started.Format(time.RFC3339))
	case age >= m.MaxAge:
		return fmt.Errorf("the run is of %s, and older than --max-age %s", run.Started.Format(time.RFC3339), m.MaxAge)
	case run.CutOff != "":
		return fmt.Errorf("the run was stopped by %s", run.CutOff)
	case !slices.Equal(rec.Selected, ids(m.Selected)):
		return fmt.Errorf("other checks were selected")
	}
	for _, w := range rec.Contract.Waivers {
		if w.Over(now) && !w.Over(run.Started) {
			return fmt.Errorf("%s has ended since", w)
		}
	}
	r := report.New(rec.Contract, rec.Evidence, check.Judge(m.Selected, rec.Contract, rec.Evidence))
	if r.Result != check.Pass || r.ExitCode() != 0 {
		return fmt.Errorf("judged now, the run did not pass: %s", r.Result)
	}
	for _, v := range r.Verdicts {
		if v.Undecided { // another run may decide it
			return fmt.Errorf("%s was not decided, and is waived", v.ID)
		}
	}
	return nil
}

// differs names what the youngest run on record stood on that this one does not.
func (m *Memory) differs(k report.Key) string {
	files := m.files("*")
	if len(files) == 0 {
		return "no run that passed is on record"
	}
	rec, err := m.read(files[0])
	if err != nil || rec.Key == nil {
		return "none that passed stood on the same"
	}
	var other []string
	for _, name := range slices.Sorted(maps.Keys(k.Parts)) {
		if rec.Key.Parts[name] != k.Parts[name] {
			other = append(other, name)
		}
	}
	return fmt.Sprintf("none that passed stood on the same; the last one, %s, had another %s", filepath.Base(files[0]), strings.Join(other, ", "))
}

func ids(checks []check.Check) []string {
	var out []string
	for _, c := range checks {
		out = append(out, c.ID)
	}
	return out
}
