package check

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/contract"
)

// waive accepts a promise that is broken, or that could not be decided, when the contract
// names it, with a reason, and the day of the run is not past the waiver's last day. The run's
// own clock decides, so that judging the same evidence later gives the same verdict. A waiver of
// one finding accepts that one; the promise is waived when none is left that nobody accepts.
func waive(v *Verdict, ws []contract.Waiver, day time.Time) {
	if v.Status != Fail && v.Status != Inconclusive {
		return
	}
	var of []*contract.Waiver // single findings
	for i := range ws {
		w := &ws[i]
		switch {
		case !w.For(v.Check.ID):
		case w.Over(day):
			v.Findings = append(v.Findings, Finding{Where: "contract", Note: true, Message: fmt.Sprintf("%s ended on %s", w, w.Until)})
		case w.Where == "":
			v.Undecided = v.Status == Inconclusive
			v.Status, v.Waiver = Waived, w
			return
		default:
			of = append(of, w)
		}
	}
	if v.Status == Fail && v.Check.ByPlace {
		v.acceptFindings(of)
	}
}

func (v *Verdict) acceptFindings(ws []*contract.Waiver) {
	var first *contract.Waiver
	left := 0
	for i := range v.Findings {
		f := &v.Findings[i]
		if f.Note {
			continue
		}
		for _, w := range ws {
			if f.at(w.Where) {
				f.Waiver = w
				break
			}
		}
		switch {
		case f.Waiver == nil:
			left++
		case first == nil:
			first = f.Waiver
		}
	}
	if first != nil && left == 0 {
		v.Status, v.Waiver = Waived, first
	}
}

// at tells whether a finding is the one that a waiver names: by its fingerprint, or by a path.
func (f Finding) at(where string) bool {
	if where == f.Fingerprint {
		return true
	}
	if f.Location == nil {
		return false
	}
	patterns := contract.NewPaths([]string{where})
	for _, p := range []string{f.Location.Path, f.Location.File} {
		if fits, _ := patterns.Match(p); p != "" && fits != "" {
			return true
		}
	}
	return false
}

// Idle says of each waiver that waives nothing why that is so: its day is past, or what it accepts
// is not there any more. Of one whose checks decided nothing, or were not run, nothing is said.
func Idle(ws []contract.Waiver, vs []Verdict, day time.Time) []string {
	var out []string
	for _, w := range ws {
		switch {
		case w.Over(day):
			out = append(out, fmt.Sprintf("%s ended on %s, so it waives nothing: keep the promise, or decide on a new day", w, w.Until))
		case isIdle(w, vs):
			out = append(out, fmt.Sprintf("%s waives nothing: %s; remove it", w, whyIdle(w)))
		}
	}
	return out
}

// isIdle tells that the checks of a waiver were judged, and that it accepted nothing.
func isIdle(w contract.Waiver, vs []Verdict) bool {
	judged := false
	for _, v := range vs {
		switch {
		case !w.For(v.Check.ID):
		case v.accepts(w), v.Status == Inconclusive:
			return false
		case v.Status == Pass, v.Status == Fail:
			judged = true
		}
	}
	return judged
}

// accepts tells whether a waiver accepts the verdict, or a finding of it.
func (v Verdict) accepts(w contract.Waiver) bool {
	return v.Waiver != nil && *v.Waiver == w ||
		slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Waiver != nil && *f.Waiver == w })
}

func whyIdle(w contract.Waiver) string {
	if w.Where != "" {
		return "nothing is found there"
	}
	return "what it accepts is not broken"
}
