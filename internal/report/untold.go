package report

import (
	"strings"

	"podproof.dev/podproof/internal/check"
)

// untold are the findings that what was seen does not tell already. Of one that it tells without its place
// the place is left, which then says that it is one.
func (v Verdict) untold(all []check.Finding) []check.Finding {
	same := map[string]int{}
	for _, f := range v.Findings {
		if !f.Note {
			same[f.Message]++
		}
	}
	var out []check.Finding
	for _, f := range all {
		switch {
		case f.Note, f.Waiver != nil:
		case strings.Contains(v.Seen, findingText(f)), f.Where != "" && strings.Contains(v.Seen, f.Where+" "+f.Message):
			continue
		case same[f.Message] == 1 && f.Where != "" && strings.Contains(v.Seen, f.Message):
			f.Where, f.Message = "at: "+f.Where, ""
		}
		out = append(out, f)
	}
	return out
}
