package attest

import (
	"fmt"
	"slices"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// waivers asks whether promises are waived, and whether they still are today.
func (h *hearing) waivers() {
	promised := "no promise is waived"
	var waived, ended []string
	for _, v := range h.again {
		if v.Status != check.Waived {
			continue
		}
		ws := h.waiversOn(v)
		if len(ws) == 0 {
			ended = append(ended, v.Check.ID+" (nobody says by whom and until when)")
		}
		for _, w := range ws {
			waived = append(waived, fmt.Sprintf("%s (by %s until %s: %s)", v.Check.ID, w.By, w.Until, w.Reason))
			if w.Over(h.Now) {
				ended = append(ended, fmt.Sprintf("%s (by %s until %s)", v.Check.ID, w.By, w.Until))
			}
		}
	}
	switch {
	case len(waived) > 0 && !h.Policy.AllowWaivers:
		h.say(waiversGate.fails(promised, "waived: "+some(waived), "Keep the promise, and verify it again: "+h.commands()+"; or allow it: allowWaivers: true in the gate's policy."))
	case len(ended) > 0:
		h.say(waiversGate.fails("no promise is waived whose waiver has ended", "the waiver has ended of "+some(ended), "Keep the promise, or renew its waiver in the contract, and verify it again: "+h.commands()+"."))
	case len(waived) > 0:
		h.say(waiversGate.passes(promised+", but where the policy allows it", "waived: "+some(waived), fmt.Sprintf("%d waived, as the policy allows it", len(waived))))
	default:
		h.say(waiversGate.passes(promised, "none is", "No waivers"))
	}
}

// waiversOn are those of a verdict: in the record, or on the signer's word.
func (h *hearing) waiversOn(v check.Verdict) []contract.Waiver {
	if h.rec.Evidence.Run.Finished.IsZero() {
		return h.proof.waiversFor(v.Check.ID)
	}
	return waiversOf(v.Waiver, v.Findings)
}

// until is when what holds now holds no longer by itself.
func (h *hearing) until() time.Time {
	end := h.proof.Finished.Add(h.maxAge().Std())
	for _, v := range h.again {
		if v.Status != check.Waived {
			continue
		}
		for _, w := range h.waiversOn(v) {
			if over := w.Ends(); over.Before(end) {
				end = over
			}
		}
	}
	return end
}

// waiversOf are those that a verdict rests on: of the promise, or of each of its findings.
func waiversOf(whole *contract.Waiver, findings []check.Finding) []contract.Waiver {
	var out []contract.Waiver
	add := func(w *contract.Waiver) {
		if w != nil && !slices.Contains(out, *w) {
			out = append(out, *w)
		}
	}
	add(whole)
	for _, f := range findings {
		add(f.Waiver)
	}
	return out
}

// waiversFor are the statement's that may be about a check: which of them it was does not stand there.
func (p proof) waiversFor(id string) []contract.Waiver {
	return slices.DeleteFunc(slices.Clone(p.Waivers), func(w contract.Waiver) bool { return !w.For(id) })
}
