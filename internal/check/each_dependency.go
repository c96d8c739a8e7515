package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// judgeOne judges what one dependency's being away led to: the contract's first. Further ones tell
// that the workload has others, and are judged apart.
type judgeOne func(contract.Contract, evidence.Evidence) Judgement

// eachDependency judges every dependency of the contract by the same function, and puts the judgements
// together. They rest on the section of the evidence; the fix is the check's own, for a database.
func eachDependency(section evidence.Section, fix string, judge judgeOne) func(contract.Contract, evidence.Evidence) Judgement {
	return func(c contract.Contract, e evidence.Evidence) Judgement {
		cases, untaken := apart(c, e)
		var all []judged
		for _, x := range cases {
			j := judge(x.c, x.e)
			if j.Status == Pass && x.missing[section] != "" { // what was not tried might break what the rest left whole
				j = inconclusive(x.e, section, j.Promised)
			}
			if j.Status == Fail && j.Fix == "" && noun(x.c) != "database" {
				j.Fix = ofA(noun(x.c), fix)
			}
			all = append(all, judged{x.name, j})
		}
		j := together(all, fix)
		for _, name := range untaken {
			j.note(name, "it was not taken away: the podproof that wrote this evidence did that to the contract's first dependency alone")
		}
		return j
	}
}

// alone is one dependency with what is known of it.
type alone struct {
	name string
	c    contract.Contract
	e    evidence.Evidence
	// missing is what was in the way of this dependency's own sections.
	missing map[evidence.Section]string
}

// judged is what a check concluded of one dependency.
type judged struct {
	name string
	Judgement
}

// apart are the contract's dependencies, each with its own evidence. Untaken are those that an earlier
// podproof did not take away, and knew nothing of. Without any there is one case, to be told so.
func apart(c contract.Contract, e evidence.Evidence) (cases []alone, untaken []string) {
	if len(c.Dependencies) == 0 {
		return []alone{{c: c, e: e}}, nil
	}
	all := e.Taken()
	for i, d := range c.Dependencies {
		own := e
		var missing map[evidence.Section]string
		own.Outages, own.Slow, own.OutageTermination, own.Further = nil, nil, nil, nil
		at := slices.IndexFunc(all, func(t evidence.Taken) bool { return d.Is(t.Dependency) || t.Dependency == "" && i == 0 })
		switch {
		case at >= 0:
			t := all[at]
			own.Outages, own.Slow, own.OutageTermination = t.Outages, t.Slow, t.Termination
			if missing = t.Missing; len(missing) > 0 {
				own.Missing = map[evidence.Section]string{}
				maps.Copy(own.Missing, e.Missing)
				maps.Copy(own.Missing, missing)
			}
		case i > 0 && e.FirstAlone():
			untaken = append(untaken, d.String())
			continue
		}
		first := c
		first.Dependencies = append([]contract.Dependency{d}, slices.Delete(slices.Clone(c.Dependencies), i, i+1)...)
		cases = append(cases, alone{d.String(), first, own, missing})
	}
	return cases, untaken
}

// severity orders verdicts: the worst decides.
var severity = map[Status]int{Skipped: 0, Pass: 1, Inconclusive: 2, Fail: 3}

// otherwiseSaid are the words for what is told beside the worst.
var otherwiseSaid = map[Status]string{Skipped: "does not apply", Pass: "holds", Inconclusive: "not decided"}

// together is the worst of the judgements, told with the names of the dependencies.
func together(all []judged, fix string) Judgement {
	if len(all) == 1 {
		return all[0].Judgement
	}
	var out Judgement
	for _, x := range all {
		if out.Status == "" || severity[x.Status] > severity[out.Status] {
			out.Status = x.Status
		}
	}
	var promised, seen, lines, fixes, fixed []string
	for _, x := range all {
		out.Seconds += x.Seconds
		promised = append(promised, x.name+": "+x.Promised)
		for _, f := range x.Findings {
			f.Where = x.name + ", " + f.Where
			f.Note = f.Note || out.Status != x.Status
			out.Findings = append(out.Findings, f)
		}
		if x.Status != out.Status {
			out.Findings = append(out.Findings, Finding{Where: x.name, Message: otherwiseSaid[x.Status] + ": " + x.Seen, Note: true, Detail: x.Status == Pass})
			continue
		}
		seen = append(seen, x.name+": "+x.Seen)
		if x.Line != "" && !slices.Contains(lines, x.Line) {
			lines = append(lines, x.Line)
		}
		if x.Fix == "" && x.Status != Pass {
			x.Fix = fix
		}
		if x.Fix != "" && !slices.Contains(fixes, x.Fix) {
			fixes = append(fixes, x.Fix)
			fixed = append(fixed, x.name+": "+x.Fix)
		}
	}
	out.Promised, out.Seen, out.Line = strings.Join(promised, "; "), strings.Join(seen, "; "), strings.Join(lines, ", ")
	if len(fixes) == 1 {
		fixed = fixes
	}
	out.Fix = strings.Join(fixed, " ")
	return out
}

// optional tells whether the workload promises to do without the dependency under judgement.
func optional(c contract.Contract) bool {
	return len(c.Dependencies) > 0 && c.Dependencies[0].Optional
}

// notGivenBack says why a dependency outside of the cluster was not given back; empty where it was.
func notGivenBack(c contract.Contract, o *evidence.Outages) string {
	if o == nil || o.Unreachable == "" {
		return ""
	}
	return fmt.Sprintf("the %s could not be given back: %s", noun(c), said(o.Unreachable, 200))
}

// reachable is what to do about that.
const reachable = "Run podproof where its cluster reaches the host, or leave this check out in the contract (skip), with the reason."

// takenMoments are the story of the dependency that the workload did not bear as it should, or else of
// the first.
func takenMoments(e evidence.Evidence, of func(evidence.Taken) *evidence.Outages) []Moment {
	var first *evidence.Outages
	for _, t := range e.Taken() {
		o := of(t)
		if o == nil {
			continue
		}
		if slices.ContainsFunc(o.Trials, struck) {
			return outageMoments(o)
		}
		if first == nil {
			first = o
		}
	}
	return outageMoments(first)
}

func allOutages(e evidence.Evidence) []Moment {
	return takenMoments(e, func(t evidence.Taken) *evidence.Outages { return t.Outages })
}

// startsWithout are the story of the start without the first dependency.
func startsWithout(e evidence.Evidence) []Moment {
	var first *evidence.Outages
	for _, t := range e.Taken() {
		if first == nil || t.Outages != nil && t.Outages.Without != nil && !t.Outages.Without.Recovered {
			first = t.Outages
		}
	}
	return withoutMoments(first)
}

// endsUnderOutage are the story of the pod that took longest to end while a dependency was frozen.
func endsUnderOutage(e evidence.Evidence) []Moment {
	var longest *evidence.Termination
	for _, t := range e.Taken() {
		if t.Termination != nil && (longest == nil || t.Termination.Seconds > longest.Seconds) {
			longest = t.Termination
		}
	}
	return terminationMoments(longest)
}
