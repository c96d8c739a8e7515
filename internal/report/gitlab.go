package report

import (
	"encoding/json"
	"io"

	"podproof.dev/podproof/internal/check"
)

// gitlabIssue is an entry of GitLab's code quality report, with what GitLab reads of it.
type gitlabIssue struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	// Fingerprint is an entry's own in all reports of a pipeline, whose images may share files.
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"` // relative, without "./"
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

// WriteGitLab writes what is broken and what is undecided as a code quality report.
func WriteGitLab(w io.Writer, r Report, _ Console) error { return writeGitLab(w, r.gitlabIssues()) }

func (r Report) gitlabIssues() []gitlabIssue {
	issues := []gitlabIssue{}
	for _, a := range r.alerts() {
		i := gitlabIssue{
			Description: Clean(cut(a.ID+": "+a.what(), sarifText)) + "\nWhat to do: " + Clean(cut(a.Fix, sarifText)),
			CheckName:   a.ID, Severity: "major",
			Fingerprint: hash(repository(r.Subject.Image), a.fingerprint),
		}
		if r.among != "" {
			i.Fingerprint = hash(r.among, i.Fingerprint)
		}
		if a.Verdict.Verdict == check.Inconclusive {
			i.Severity = "minor"
		}
		i.Location.Path, i.Location.Lines.Begin = a.file, a.line
		issues = append(issues, i)
	}
	return issues
}

func writeGitLab(w io.Writer, issues []gitlabIssue) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(issues)
}
