package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// ghAnnotations is how many annotations of a kind GitHub shows of one step. It leaves the others out
// without a word.
const ghAnnotations = 10

// WriteGitHub writes a job's annotations as workflow commands, and appends the report to the step's
// summary where the runner names a file for it.
func WriteGitHub(w io.Writer, r Report, _ Console) error {
	if text := r.answeredText(); text != "" {
		if _, err := fmt.Fprintf(w, "::notice title=podproof::%s\n", ghData(text)); err != nil {
			return err
		}
	}
	all := r.alerts()
	// One promise with many findings does not keep the others from being seen.
	slices.SortStableFunc(all, func(a, b alert) int { return a.nth - b.nth })
	for _, kind := range []struct {
		command string
		status  check.Status
	}{{"error", check.Fail}, {"warning", check.Inconclusive}} {
		n := 0
		for _, a := range all {
			if a.Verdict.Verdict != kind.status {
				continue
			}
			if n++; n > ghAnnotations {
				continue
			}
			text := fmt.Sprintf("%s\nPromised: %s\nWhat to do: %s", cut(a.what(), sarifText), cut(a.Promised, sarifText), cut(a.Fix, sarifText))
			if _, err := fmt.Fprintf(w, "::%s file=%s,line=%d,title=%s::%s\n", kind.command, ghProperty(a.file), a.line, ghProperty(a.ID+": "+a.Title), ghData(text)); err != nil {
				return err
			}
		}
		if n > ghAnnotations {
			if _, err := fmt.Fprintf(w, "::notice title=podproof::and %d more of the kind %s, in the job's summary and log\n", n-ghAnnotations, kind.command); err != nil {
				return err
			}
		}
	}
	if file := os.Getenv("GITHUB_STEP_SUMMARY"); file != "" {
		if err := appendSummary(file, r); err != nil {
			return fmt.Errorf("GITHUB_STEP_SUMMARY: %w", err)
		}
	}
	return nil
}

// appendSummary leaves room for what the step has written there already.
func appendSummary(file string, r Report) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return unwritable(file, err)
	}
	there := 0
	if info, err := f.Stat(); err == nil {
		there = int(info.Size())
	}
	text := markdown(r, summarySize-there)
	if there+len(text) > summarySize {
		text = nil // more would make GitHub drop what others wrote
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// The runner undoes exactly these, in the text of a command and in a property of it.
var (
	ghInData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	ghInProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func ghData(s string) string     { return ghInData.Replace(Clean(s)) }
func ghProperty(s string) string { return ghInProperty.Replace(Clean(s)) }
