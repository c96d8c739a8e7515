package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A row of the table is all that a format needs to be offered, explained and rendered.
func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for i, f := range formats {
		if f.Name == "" || f.File == "" || f.Render == nil || strings.ContainsAny(f.Name, "=, ") || seen[f.Name] || seen[f.File] {
			t.Errorf("row %d is incomplete, or there twice: %q, %q", i, f.Name, f.File)
			continue
		}
		seen[f.Name], seen[f.File] = true, true
		if !strings.Contains(FormatsUsage(), f.Name) {
			t.Errorf("the help does not name %s: %s", f.Name, FormatsUsage())
		}
		if c := FormatsCompletion(); !slices.Contains(c, f.Name) || i > 0 && !slices.Contains(c, f.Name+"="+f.File) {
			t.Errorf("the completion does not offer %s: %v", f.Name, c)
		}
		var b bytes.Buffer
		if err := f.Render(&b, cases(t)["fail"], Console{}); err != nil || b.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", f.Name, b.Len(), err)
		}
	}
	if !formats[0].Live {
		t.Error("what a run prints when nothing was asked for is not for a terminal")
	}
	if got, want := FormatsUsage(), "report as `FORMAT[=FILE]`: terminal, json, junit, sarif, markdown, html, github or gitlab; may be repeated (default terminal, with github where GITHUB_ACTIONS is set, with gitlab=gl-code-quality-report.json where GITLAB_CI is set)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
