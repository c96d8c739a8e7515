// Package check is the catalogue of promises. A check is a pure function from
// the contract and the evidence to a verdict: it does no I/O and knows no clock.
package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Status is what a check concluded. It is never a bool: evidence that decides
// nothing is Inconclusive, and says what was missing.
type Status string

// The statuses.
const (
	Pass         Status = "pass"
	Fail         Status = "fail"
	Inconclusive Status = "inconclusive"
	Waived       Status = "waived"
	Skipped      Status = "skipped"
)

// Story groups checks as a team tells them.
type Story struct {
	ID    string
	Title string
}

// The stories, in the order in which they are told.
var (
	Reliable     = Story{"US1", "runs reliably"}
	Minimal      = Story{"US2", "minimal and secure"}
	Reproducible = Story{"US3", "fast, reproducible builds"}
)

// Stories lists the stories in the order in which they are told.
func Stories() []Story { return []Story{Reliable, Minimal, Reproducible} }

// Check is one promise.
type Check struct {
	ID    string // "termination/exit-zero"
	Title string // the promise, as a short statement
	Why   string // what happens in production to those who break it
	Fix   string // how it is fixed, in general
	Story Story
	// ByPlace is set where each finding breaks the promise by itself and all are listed, so that a
	// waiver may be about one of them.
	ByPlace bool
	// Profile is the first that asks for it (contract.Profiles), empty for the first of all. Under those
	// before it is advice. Opinion says which findings another one asks for.
	Profile, Opinion string
	// Needs are the sections of the evidence that Judge looks at; a run collects no others.
	Needs []evidence.Section
	// OptIn is the contract's field that asks for it, empty for a promise that each run looks at.
	// To skip it is no news where the contract does not ask.
	OptIn string
	// At is where in the user's files it is kept, the likeliest first, for a finding that names no place.
	At []Spot
	// Judge concludes from the evidence alone.
	Judge func(contract.Contract, evidence.Evidence) Judgement
	// Timeline tells what happened when, where the promise is about a trial; nil where not.
	Timeline func(evidence.Evidence) []Moment
}

// Judgement is what one check concluded.
type Judgement struct {
	Status   Status
	Promised string // what the contract, the manifests or good sense ask for
	Seen     string // what was observed
	Fix      string // what to change, given what was seen; empty: the check's own Fix
	// Enabling is what to write, and where, for a promise that was skipped to be tried; empty where
	// nothing would do that.
	Enabling string
	// Advice tells that it was skipped because the contract's profile does not ask for it, and that it
	// would be broken.
	Advice bool
	// Line is the few words for a terminal when the promise holds: "Graceful shutdown OK (exit 0)".
	Line     string
	Findings []Finding
	// Seconds is how long the trial took that this rests on.
	Seconds float64
}

// Finding is one place where a promise is broken, or a note about one.
type Finding struct {
	Where   string `json:"where"`   // "layer 3, /app/.env", "pod api-7d9f, container api"
	Message string `json:"message"` // what is wrong there; never a secret value
	// Location is the same place for a program, nil where there is none.
	Location *Location `json:"location,omitempty"`
	// Note is set for what is worth telling and breaks nothing.
	Note bool `json:"note,omitempty"`
	// Detail is set for a note that explains a promise that does not hold, and is only for
	// the curious where it does.
	Detail bool `json:"detail,omitempty"`
	// Fingerprint tells the findings of a promise that is broken apart, and is the same from run to
	// run although lines and layers move. Notes have none.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Waiver is what accepts this finding, nil where none does.
	Waiver *contract.Waiver `json:"waiver,omitempty"`

	profile string // the first that asks for it, empty for the check's
	key     string // what the fingerprint is made of; empty: the place and the message
}

// Verdict is a check's judgement together with the check itself.
type Verdict struct {
	Check  Check
	Waiver *contract.Waiver
	// Undecided is set where what the waiver accepts is that nothing was decided.
	Undecided bool
	// Location is where to mend a promise that does not hold; nil where that is not known.
	Location *Location
	Judgement
	Timeline []Moment
}

// Moment is one thing that happened in a trial, on the clock of podproof.
type Moment struct {
	At time.Time `json:"at"`
	// Seconds since the trial began, negative before that.
	Seconds float64 `json:"seconds"`
	// Resolution of the time, in seconds: metav1 has whole ones.
	Resolution float64 `json:"resolution"`
	// Source is who told the time: "podproof", "watch", "kubelet", "node", "cri", "agent".
	Source string `json:"source"`
	What   string `json:"what"`
}

// inconclusive is the judgement when a section of the evidence is missing.
func inconclusive(e evidence.Evidence, s evidence.Section, promised string) Judgement {
	return Judgement{Promised: promised}.undecided(e.Why(s), fixOf(e, s))
}

// pass, fail and undecided complete a judgement whose promise is already said.
func (j Judgement) pass(line, seen string) Judgement {
	j.Status, j.Line, j.Seen = Pass, line, seen
	return j
}

func (j Judgement) fail(seen, fix string) Judgement {
	j.Status, j.Seen, j.Fix = Fail, seen, fix
	return j
}

func (j Judgement) undecided(seen, fix string) Judgement {
	j.Status, j.Seen, j.Fix = Inconclusive, seen, fix
	return j
}

func (j Judgement) skip(why string) Judgement {
	j.Status, j.Seen = Skipped, why
	return j
}

// until adds to a skipped promise the line that has it tried.
func (j Judgement) until(line string) Judgement {
	j.Enabling = line
	return j
}

// broken and note add a finding.
func (j *Judgement) broken(where, format string, args ...any) {
	j.Findings = append(j.Findings, Finding{Where: where, Message: fmt.Sprintf(format, args...)})
}

func (j *Judgement) note(where, format string, args ...any) {
	j.Findings = append(j.Findings, Finding{Where: where, Message: fmt.Sprintf(format, args...), Note: true})
}

// brokenAs is broken for a finding that stays the same while its place and its words change.
func (j *Judgement) brokenAs(key, where, format string, args ...any) {
	j.Findings = append(j.Findings, Finding{Where: where, Message: fmt.Sprintf(format, args...), key: key})
}

// detail adds a note that a terminal leaves out when the promise holds.
func (j *Judgement) detail(where, format string, args ...any) {
	j.Findings = append(j.Findings, Finding{Where: where, Message: fmt.Sprintf(format, args...), Note: true, Detail: true})
}

// firstBroken is the first finding that breaks the promise, nil when none does.
func (j Judgement) firstBroken() *Finding {
	for i := range j.Findings {
		if !j.Findings[i].Note {
			return &j.Findings[i]
		}
	}
	return nil
}
