package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/contract"
)

// waive accepts a promise that is broken, or that could not be decided, when the contract
// names it, with a reason, and the day of the run is not past the waiver's last day. The run's
// own clock decides, so that judging the same evidence later gives the same verdict.
func waive(v *Verdict, ws []contract.Waiver, day time.Time) {
	if v.Status != Fail && v.Status != Inconclusive {
		return
	}
	for i, w := range ws {
		if w.ID != v.Check.ID {
			continue
		}
		if until, err := time.Parse(time.DateOnly, w.Until); err == nil && day.Before(until.AddDate(0, 0, 1)) {
			v.Undecided = v.Status == Inconclusive
			v.Status, v.Waiver = Waived, &ws[i]
			return
		}
		v.Findings = append(v.Findings, Finding{Where: "contract", Note: true,
			Message: fmt.Sprintf("the waiver of %s by %s ended on %s", w.ID, w.By, w.Until)})
	}
}
