package report

import (
	"encoding/json"
	"io"
	"time"

	"podproof.dev/podproof/internal/check"
)

// DiffVersion names the layout of a difference as JSON. It changes when a field changes its meaning.
const DiffVersion = "podproof/diff/v1alpha1"

// diffJSON is a Diff for a program.
type diffJSON struct {
	SchemaVersion string       `json:"schemaVersion"`
	Before        diffRun      `json:"before"`
	After         diffRun      `json:"after"`
	Worse         bool         `json:"worse"` // as the exit code says
	Changes       []diffTurn   `json:"changes"`
	Numbers       []diffNumber `json:"numbers"`
	// Busier is why the times of the two are not judged.
	Busier string `json:"busier,omitempty"`
	// Untried are the promises that one of the two alone tried.
	Untried []diffTurn `json:"untried"`
}

type diffRun struct {
	Run     string       `json:"run"`
	Started time.Time    `json:"started"`
	Version string       `json:"podproofVersion"`
	Image   string       `json:"image"`
	Digest  string       `json:"digest,omitempty"`
	Result  check.Status `json:"result"`
}

type diffTurn struct {
	ID     string      `json:"id"`
	Title  string      `json:"title"`
	Turn   Turn        `json:"turn,omitempty"` // none for what one alone tried
	Worse  bool        `json:"worse"`
	Before diffVerdict `json:"before"`
	After  diffVerdict `json:"after"`
	// New and Gone are findings of one of the two alone.
	New  []check.Finding `json:"new,omitempty"`
	Gone []check.Finding `json:"gone,omitempty"`
}

type diffVerdict struct {
	Verdict  check.Status    `json:"verdict"`
	Seen     string          `json:"seen"`
	Fix      string          `json:"fix,omitempty"`
	Location *check.Location `json:"location,omitempty"`
}

type diffNumber struct {
	Name   string  `json:"name"`
	Before float64 `json:"before"` // bytes, seconds or a count
	After  float64 `json:"after"`
	Trend  Trend   `json:"trend"`
	// Share and Least are what it has to change by, both of them, to be better or worse.
	Share float64 `json:"share"`
	Least float64 `json:"least"`
}

// WriteDiffJSON writes a difference for a program: all numbers, also those that did not change.
func WriteDiffJSON(w io.Writer, d Diff) error {
	out := diffJSON{SchemaVersion: DiffVersion, Before: diffRunOf(d.A), After: diffRunOf(d.B), Worse: d.Worse(),
		Changes: diffTurns(d.Changes), Untried: diffTurns(d.Untried), Numbers: []diffNumber{}, Busier: d.Busier}
	for _, n := range d.Numbers {
		out.Numbers = append(out.Numbers, diffNumber{n.Name, n.Before, n.After, n.Trend, n.Share, n.Least})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func diffRunOf(r Report) diffRun {
	return diffRun{r.Run.ID, r.Run.Started, r.Run.Version, r.Subject.Image, r.Subject.Digest, r.Result}
}

func diffTurns(cs []Change) []diffTurn {
	out := []diffTurn{}
	for _, c := range cs {
		out = append(out, diffTurn{c.After.ID, c.After.Title, c.Turn, c.Worse(), diffVerdictOf(c.Before), diffVerdictOf(c.After), c.New, c.Gone})
	}
	return out
}

func diffVerdictOf(v Verdict) diffVerdict { return diffVerdict{v.Verdict, v.Seen, v.Fix, v.Location} }
