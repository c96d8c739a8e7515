package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// The elements are those that the JUnit schemas of Ant and of Jenkins both accept, in the
// order that the stricter one (Ant's) asks for.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []junitSuite
}

type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	ID         int             `xml:"id,attr"`
	Package    string          `xml:"package,attr"`
	Name       string          `xml:"name,attr"`
	Timestamp  string          `xml:"timestamp,attr"` // UTC, without a zone
	Hostname   string          `xml:"hostname,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"` // decimal seconds
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Out        string          `xml:"system-out"`
	Err        string          `xml:"system-err"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"` // GitLab links it
	Time    string        `xml:"time,attr"`
	Skipped *junitSkipped `xml:"skipped"`
	Error   *junitTrouble `xml:"error"`
	Failure *junitTrouble `xml:"failure"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitTrouble struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes one test suite for each story. A broken promise is a failure, one that
// could not be decided an error, a waived or skipped one is skipped.
func WriteJUnit(w io.Writer, r Report, _ Console) error {
	return junitSuites{Suites: r.junitSuites()}.write(w)
}

func (r Report) junitSuites() (out []junitSuite) {
	for i, vs := range byStory(r.Verdicts) {
		out = append(out, r.junitSuite(i, vs))
	}
	return out
}

func (doc junitSuites) write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	// The encoder replaces what XML forbids, such as control characters in a log line.
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r Report) junitSuite(id int, vs []Verdict) junitSuite {
	s := junitSuite{
		ID: id, Package: "podproof", Name: vs[0].Story.ID + " " + vs[0].Story.Title,
		Timestamp: r.Run.Started.UTC().Format("2006-01-02T15:04:05"),
		Hostname:  "localhost", // by the schema: where the host does not matter
		Tests:     len(vs),
		Properties: []junitProperty{
			{"image", r.Subject.Image}, {"digest", r.Subject.Digest},
			{"run", r.Run.ID}, {"podproofVersion", r.Run.Version},
		},
	}
	if r.among != "" {
		s.Name = r.among + ": " + s.Name
		s.Properties = append(s.Properties, junitProperty{"contract", r.among})
	}
	if r.Incomplete != "" {
		s.Properties = append(s.Properties, junitProperty{"incomplete", r.Incomplete})
	}
	var seconds float64
	var notes strings.Builder
	if text := r.answeredText(); text != "" {
		s.Properties = append(s.Properties, junitProperty{"answered", text})
		if id == 0 {
			fmt.Fprintln(&notes, text)
		}
	}
	if id == 0 { // they are about the run, and are told once
		for _, w := range r.IdleWaivers {
			fmt.Fprintf(&notes, "waiver: %s\n", w)
		}
	}
	for _, v := range vs {
		seconds += v.Seconds
		c := junitCase{Name: v.ID, Class: r.junitClass(v), File: r.junitFile(v), Time: decimal(v.Seconds)}
		switch v.Verdict {
		case check.Fail:
			s.Failures++
			c.Failure = &junitTrouble{v.Seen, v.ID, r.junitText(v)}
		case check.Inconclusive:
			s.Errors++
			c.Error = &junitTrouble{v.Seen, string(v.Verdict), r.junitText(v)}
		case check.Waived:
			s.Skipped++
			c.Skipped = &junitSkipped{waiverText(v) + "; seen: " + v.Seen}
		case check.Skipped:
			s.Skipped++
			c.Skipped = &junitSkipped{v.Seen}
		case check.Pass:
			for _, f := range v.Findings {
				fmt.Fprintf(&notes, "%s: %s\n", v.ID, findingText(f))
			}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Time, s.Out = decimal(seconds), notes.String()
	return s
}

// junitClass names the image, and the contract among several, too: of tests of one name and class GitLab counts the first alone, and one
// pipeline may verify several images. Jenkins takes what stands before the last dot for a package.
func (r Report) junitClass(v Verdict) string {
	parts := []string{"podproof", dotless(r.among), dotless(repository(r.Subject.Image)), v.Story.ID}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ".")
}

func dotless(s string) string { return strings.ReplaceAll(s, ".", "_") }

// junitFile is the first file of the repository that a promise is broken in, empty where none is known.
func (r Report) junitFile(v Verdict) string {
	for _, a := range r.alertsOf(v) {
		if a.placed {
			return a.file
		}
	}
	return ""
}

func (r Report) junitText(v Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\npromised: %s\nseen: %s\nwhat to do: %s\nwhy: %s\n", v.Title, v.Promised, v.Seen, v.Fix, v.Why)
	if place := placeRow(r.home, v); place != "" {
		fmt.Fprintf(&b, "where: %s\n", place)
	}
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "- %s\n", findingText(f))
	}
	for _, l := range drawn(v.Timeline) {
		fmt.Fprintf(&b, "%s%s\n", l.label, l.what)
	}
	if r.Evidence != "" {
		fmt.Fprintf(&b, "evidence: %s\n", r.Evidence)
	}
	return b.String()
}

func findingText(f check.Finding) string {
	text := f.Message
	switch {
	case text == "":
		text = f.Where
	case f.Where != "":
		text = f.Where + ": " + text
	}
	if f.Waiver != nil {
		text += fmt.Sprintf(" (waived by %s until %s: %s)", f.Waiver.By, f.Waiver.Until, f.Waiver.Reason)
	}
	if f.Note {
		text = "note: " + text
	}
	return text
}

// broken are the findings that break the promise.
func (v Verdict) broken() []string {
	var out []string
	for _, f := range v.Findings {
		if !f.Note {
			out = append(out, findingText(f))
		}
	}
	return out
}

func waiverText(v Verdict) string {
	if v.Waiver == nil {
		return "waived"
	}
	if v.Waiver.Where != "" {
		return fmt.Sprintf("waived finding by finding: %s", strings.Join(v.broken(), "; "))
	}
	text := fmt.Sprintf("waived by %s until %s: %s", v.Waiver.By, v.Waiver.Until, v.Waiver.Reason)
	if v.Undecided {
		text += " (not known to be broken: it could not be decided)"
	}
	return text
}

func decimal(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }
