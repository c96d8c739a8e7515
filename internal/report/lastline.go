package report

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// lastLine is the result in a line. It says that all checks passed only when every check of
// the catalogue did, those aside that have to be asked for.
func (r Report) lastLine() (string, paint) {
	failed, undecided := r.with(check.Fail), r.with(check.Inconclusive)
	waived, skipped := r.with(check.Waived), r.leftOut()
	var parts []string
	color := green
	switch {
	case len(failed) > 0:
		color = red
		parts = append(parts, promises(len(failed), "is", "are")+" broken: "+ids(failed))
		if len(undecided) > 0 {
			parts = append(parts, promises(len(undecided), "", "")+" could not be checked")
		}
	case len(undecided) > 0:
		color = yellow
		which := promises(len(undecided), "", "") + " could not be checked"
		if len(undecided) <= 3 {
			which += ": " + ids(undecided)
		}
		parts = append(parts, which, "none was seen broken")
	default:
		parts = append(parts, r.passed(len(waived) > 0, len(skipped) > 0))
	}
	if len(waived) > 0 {
		parts = append(parts, fmt.Sprintf("%d waived: %s", len(waived), ids(waived)))
	}
	if len(skipped) > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", len(skipped)))
	}
	text := strings.Join(parts, "; ") + "."
	if r.Result == check.Pass {
		return text, color
	}
	if r.Ending != "" {
		return text + " " + r.Ending, color
	}
	if r.Evidence == "" {
		return text + " Run it again with --evidence FILE to keep what was seen.", color
	}
	return text + " Evidence: " + r.Kept(), color
}

// Kept is the file of the evidence, with how long it stays.
func (r Report) Kept() string {
	if r.Until == "" {
		return r.Evidence
	}
	return r.Evidence + " (kept until " + r.Until + ")"
}

// leftOut are the verdicts that a run skipped; none where these are only of promises that
// have to be asked for.
func (r Report) leftOut() []Verdict {
	skipped := r.with(check.Skipped)
	if !slices.ContainsFunc(skipped, func(v Verdict) bool { return !v.optIn }) {
		return nil
	}
	return skipped
}

func (r Report) passed(waived, skipped bool) string {
	var stories []string
	for _, vs := range byStory(r.with(check.Pass)) {
		stories = append(stories, vs[0].Story.ID)
	}
	if len(stories) == 0 && waived {
		return "No check passed"
	}
	if len(stories) == 0 {
		return "No promise was checked: every check that was selected is skipped"
	}
	in := " passed (" + strings.Join(stories, " + ") + ")"
	switch {
	case waived && skipped:
		return "All other checks that were run" + in
	case waived:
		return "All other checks" + in
	case skipped:
		return "All checks that were run" + in
	}
	return "All checks" + in
}

// promises counts them, followed by the verb that agrees with the number.
func promises(n int, one, many string) string {
	if n == 1 {
		return strings.TrimSpace("1 promise " + one)
	}
	return strings.TrimSpace(fmt.Sprintf("%d promises %s", n, many))
}
