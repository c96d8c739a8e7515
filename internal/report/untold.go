package report

import (
	"strings"

	"podproof.dev/podproof/internal/check"
)

// untold are the findings that what was seen does not tell already. Of one that it tells without its place
// the place is left.
func (v Verdict) untold(all []check.Finding) []check.Finding {
	alone := len(v.broken()) == 1
	var out []check.Finding
	for _, f := range all {
		switch {
		case f.Note, f.Waiver != nil:
		case strings.Contains(v.Seen, findingText(f)):
			continue
		case alone && f.Where != "" && strings.Contains(v.Seen, f.Message):
			f.Message = ""
		}
		out = append(out, f)
	}
	return out
}
