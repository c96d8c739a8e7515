package attest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// required asks whether the promises that the policy names were tried. Where it names none, the run may
// have left none out that its podproof knew: a run of one check is not a proof.
func (h *hearing) required() {
	if len(h.Policy.Require) == 0 {
		h.complete()
		return
	}
	promised := "tried and kept: " + strings.Join(h.Policy.Require, ", ")
	var missing []string
	for _, glob := range h.Policy.Require {
		missing = append(missing, h.missing(glob)...)
	}
	if len(missing) > 0 {
		h.say(requiredGate.fails(promised, "missing: "+some(missing), "Verify it with these checks: "+h.commands()+"."))
		return
	}
	h.say(requiredGate.passes(promised, "all of them", "Required promises kept ("+strings.Join(h.Policy.Require, ", ")+")"))
}

// missing says which promises of a glob were not kept. Of several, some may have nothing to be tried by; not all.
func (h *hearing) missing(glob string) []string {
	var out []string
	kept := 0
	for _, v := range h.again {
		id := v.Check.ID
		if ok, _ := path.Match(glob, id); !ok {
			continue
		}
		_, known := h.proof.Promises[id]
		switch {
		case v.Status == check.Pass || v.Status == check.Waived:
			kept++ // whether it may be waived is asked elsewhere
		case v.Advice:
			out = append(out, id+" (advice under the contract's profile)")
		case v.Status != check.Skipped:
			out = append(out, fmt.Sprintf("%s (%s)", id, v.Status))
		case !known:
			out = append(out, id+" (the podproof that verified it does not know it)")
		case !slices.Contains(h.proof.Selection, id):
			out = append(out, id+" (left out of the run)")
		case h.leftOut(v.Check):
			out = append(out, id+" (left out by the contract)")
		case id == glob:
			out = append(out, id+" (there was nothing to try it by)")
		}
	}
	if kept == 0 && len(out) == 0 {
		out = append(out, glob+" (no such promise was kept)")
	}
	return out
}

// leftOut tells whether the contract skips a check.
func (h *hearing) leftOut(c check.Check) bool {
	return len(check.Without([]check.Check{c}, h.judged.Skip)) == 0
}

// complete asks whether the run left something out.
func (h *hearing) complete() {
	promised := "the run tried all that its podproof knew"
	var left, skipped, advice, newer []string
	for _, v := range h.again {
		_, known := h.proof.Promises[v.Check.ID]
		switch {
		case v.Check.OptIn != "":
		case !known:
			newer = append(newer, v.Check.ID)
		case !slices.Contains(h.proof.Selection, v.Check.ID):
			left = append(left, v.Check.ID)
		case h.leftOut(v.Check):
			skipped = append(skipped, v.Check.ID)
		case v.Advice:
			advice = append(advice, v.Check.ID)
		}
	}
	if len(left) > 0 {
		h.say(requiredGate.fails(promised, "the run left out "+some(left),
			"Verify it without --only and --skip: "+h.commands()+"; or name what you require, such as --require 'termination/*'."))
		return
	}
	v := requiredGate.passes(promised, fmt.Sprintf("%d promises were asked for", len(h.proof.Selection)), fmt.Sprintf("Nothing left out of the run (%d promises)", len(h.proof.Selection)))
	if len(skipped) > 0 {
		v.Findings = append(v.Findings, check.Finding{Where: "contract", Note: true, Message: "the contract leaves out " + some(skipped)})
	}
	if len(advice) > 0 {
		v.Findings = append(v.Findings, check.Finding{Where: "contract", Note: true, Message: "broken, which the contract's profile takes for advice: " + some(advice)})
	}
	if len(newer) > 0 {
		v.Findings = append(v.Findings, check.Finding{Where: "statement", Note: true, Message: "whoever verified it did not know " + some(newer) + " yet; --require asks for what must have been tried"})
	}
	h.say(v)
}
