// Package report renders the verdicts of one run: for a person at a terminal, in a browser or in a pull request, for
// programs, for the pages of GitHub and GitLab. It also keeps evidence in a file, so that it can be judged again.
package report

import (
	_ "embed"
	"strings"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// SchemaVersion names the layout of a report. It changes when a field changes its meaning.
const SchemaVersion = "podproof/report/v1alpha1"

// Schema is the JSON Schema (draft 2020-12) of a report.
//
//go:embed schema/report.schema.json
var Schema string

// Report is what one run concluded.
type Report struct {
	SchemaVersion string       `json:"schemaVersion"`
	Run           evidence.Run `json:"run"`
	Subject       Subject      `json:"subject"`
	Result        check.Status `json:"result"` // check.Pass, check.Fail or check.Inconclusive
	// Incomplete is what stopped the run before its end: "--timeout of 7m0s". Empty where nothing did.
	Incomplete string          `json:"incomplete,omitempty"`
	Verdicts   []Verdict       `json:"verdicts"`
	Steps      []evidence.Step `json:"steps"`
	// IdleWaivers are the contract's that waive nothing, each in a sentence that says why.
	IdleWaivers []string `json:"idleWaivers,omitempty"`
	// Evidence is the file that holds what was observed; empty when none was kept.
	Evidence string `json:"evidence,omitempty"`
	// Until is when that file is removed, "10 more are written"; empty where it stays.
	Until string `json:"-"`
	// Answered is set where an earlier run, which is that of the report, answers for one that was not made.
	Answered *Answered `json:"answered,omitempty"`
	// Ending ends the last line of a report that is not a pass; empty tells where the evidence is.
	Ending string `json:"-"`

	among    string            // the contract's name, where several are verified
	home     Home              // where its files lie
	observed evidence.Evidence // what the drawings are made of
}

// Subject is what was verified, and where.
type Subject struct {
	Image string `json:"image"`
	// Digest is that of the image's configuration, by which Docker and the CRI know the image.
	// It is empty when no image came to be.
	Digest       string `json:"digest,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Workload     string `json:"workload,omitempty"`   // "deployment/api"
	Kubernetes   string `json:"kubernetes,omitempty"` // "v1.34.0"
	Cluster      string `json:"cluster,omitempty"`    // "kind"
}

// Verdict is what one check concluded.
type Verdict struct {
	ID       string       `json:"id"`
	Verdict  check.Status `json:"verdict"`
	Title    string       `json:"title"`
	Story    Story        `json:"story"`
	Why      string       `json:"why"`
	Promised string       `json:"promised"`
	Seen     string       `json:"seen"`
	// Fix is empty when there is nothing to fix.
	Fix string `json:"fix"`
	// Location is where to mend what does not hold; nil where that is not known.
	Location *check.Location `json:"location,omitempty"`
	Findings []check.Finding `json:"findings"`
	Seconds  float64         `json:"seconds"`
	// Timeline is what happened when in the trial, where there was one.
	Timeline []check.Moment   `json:"timeline,omitempty"`
	Waiver   *contract.Waiver `json:"waiver,omitempty"`
	// Undecided is set where a waiver accepts that nothing was decided.
	Undecided bool `json:"undecided,omitempty"`
	// Advice is set where it was skipped because the contract's profile does not ask for it, and it
	// would be broken.
	Advice bool `json:"advice,omitempty"`

	howTo   string // how it is fixed in general
	line    string // the few words for a promise that holds
	optIn   bool   // the contract has to ask for it
	byPlace bool   // a waiver may be about one of its findings
}

// Story is the group in which a verdict is told.
type Story struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// New makes the report of verdicts on evidence.
func New(c contract.Contract, e evidence.Evidence, vs []check.Verdict) Report {
	r := Report{
		SchemaVersion: SchemaVersion,
		Run:           e.Run,
		Subject:       subject(c, e),
		Result:        check.Result(vs),
		Incomplete:    e.Run.CutOff,
		Verdicts:      make([]Verdict, 0, len(vs)),
		Steps:         append([]evidence.Step{}, e.Steps...),
		IdleWaivers:   check.Idle(c.Waivers, vs, e.Run.Started),
		home:          HomeOf(c),
		observed:      e,
	}
	if r.Incomplete != "" && r.Result == check.Pass {
		r.Result = check.Inconclusive // nobody knows what the rest would have been
	}
	for _, v := range vs {
		out := Verdict{
			ID: v.Check.ID, Verdict: v.Status, Title: v.Check.Title,
			Story: Story(v.Check.Story), Why: v.Check.Why, howTo: v.Check.Fix,
			Promised: v.Promised, Seen: v.Seen, Fix: v.Fix,
			Location: v.Location, Findings: append([]check.Finding{}, v.Findings...),
			Seconds: v.Seconds, Timeline: v.Timeline, Waiver: v.Waiver, Undecided: v.Undecided, Advice: v.Advice, line: v.Line, optIn: v.Check.OptIn != "", byPlace: v.Check.ByPlace,
		}
		if v.Status == check.Pass || v.Status == check.Skipped {
			out.Fix = ""
		}
		r.Verdicts = append(r.Verdicts, out)
	}
	return r
}

func subject(c contract.Contract, e evidence.Evidence) Subject {
	s := Subject{Image: c.Image, Workload: c.Workload}
	if e.Build != nil {
		s.Digest = e.Build.ImageID
	}
	if e.Image != nil {
		s.Image, s.Digest, s.Architecture = e.Image.Ref, e.Image.ID, e.Image.Architecture
	}
	if e.Cluster != nil {
		s.Kubernetes, s.Cluster = e.Cluster.Kubernetes, e.Cluster.Provider
	}
	return s
}

// ExitCode is that of the whole run: 0 all promises hold, 1 one is broken, 3 one could not
// be decided.
func (r Report) ExitCode() int {
	switch r.Result {
	case check.Pass:
		return 0
	case check.Fail:
		return 1
	}
	return 3
}

// with returns the verdicts of one status, in their order.
func (r Report) with(s check.Status) []Verdict {
	var out []Verdict
	for _, v := range r.Verdicts {
		if v.Verdict == s {
			out = append(out, v)
		}
	}
	return out
}

func ids(vs []Verdict) string {
	var out []string
	for _, v := range vs {
		out = append(out, v.ID)
	}
	return strings.Join(out, ", ")
}

// byStory groups verdicts by their story, both in the order in which they come.
func byStory(vs []Verdict) [][]Verdict {
	var groups [][]Verdict
	place := map[Story]int{}
	for _, v := range vs {
		i, ok := place[v.Story]
		if !ok {
			i = len(groups)
			place[v.Story] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], v)
	}
	return groups
}
