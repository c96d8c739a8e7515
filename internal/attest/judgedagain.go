package attest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

// readRecord reads the evidence, and judges it again; ok is false where that refuses the image. An error is
// the registry's.
func (h *hearing) readRecord() (ok bool, err error) {
	promised := "the evidence that was signed is there, whole, and of this image"
	again := "Store it again: " + fmt.Sprintf("`podproof attest run.json %s --key podproof.key`", h.where) + " with the record of that run; or verify the image again: " + h.commands() + "."
	stored := h.proof.Record
	if stored == nil || stored.MediaType == VerdictsType {
		if !h.Policy.AllowNoRecord {
			h.say(recordGate.fails(promised, "no evidence was stored that could be judged again",
				fmt.Sprintf("Store it: `podproof attest run.json %s --key podproof.key --record full`; or take the signer's word: allowNoRecord: true in the gate's policy.", h.where)))
			return false, nil
		}
		h.say(recordGate.passes(promised, "no evidence was stored; the signer's own verdicts count, as the policy allows it", "Verdicts on the signer's word"))
		h.judged.Skip, h.again = h.proof.Skips, h.proof.verdicts()
		return true, nil
	}
	if stored.MediaType != RecordType {
		h.say(recordGate.fails(promised, fmt.Sprintf("the evidence is of the type %q, and this podproof reads %q", stored.MediaType, RecordType), again))
		return false, nil
	}
	rec, err := h.record(*stored)
	var bad badRecord
	if err != nil && !errors.As(err, &bad) {
		return false, err
	}
	seen := ""
	if err != nil {
		seen = bad.Error()
	} else {
		seen = h.foreign(rec)
	}
	if seen != "" {
		h.say(recordGate.fails(promised, seen, again))
		return false, nil
	}
	h.rec = rec
	h.say(recordGate.passes(promised, fmt.Sprintf("sha256:%s, %d bytes", stored.SHA256, stored.Size), "Evidence whole"))
	h.judgeAgain()
	return true, nil
}

// foreign says how a record is not the one of the statement, whoever signed that.
func (h *hearing) foreign(rec report.Record) string {
	e := rec.Evidence
	what := "the record sha256:" + h.proof.Record.SHA256
	if e.Image == nil || e.Image.ID != h.v.config.String() {
		id := "no image"
		if e.Image != nil {
			id = e.Image.ID
		}
		return fmt.Sprintf("%s is about another image: about %s, and this one has the configuration %s", what, id, h.v.config)
	}
	if !e.Run.Finished.Equal(h.proof.Finished) {
		return fmt.Sprintf("%s is of another run: it ended at %s, and the statement is about one that ended at %s", what, e.Run.Finished, h.proof.Finished)
	}
	a, b := slices.Sorted(slices.Values(rec.Selected)), slices.Sorted(slices.Values(h.proof.Selection))
	if !slices.Equal(a, b) {
		return fmt.Sprintf("%s is of %d checks, and the statement of %d others", what, len(a), len(b))
	}
	return ""
}

// judgeAgain reaches the verdicts by the deployer's contract and this podproof's checks.
func (h *hearing) judgeAgain() {
	h.judged = h.rec.Contract
	if h.Contract != nil {
		h.judged, h.taken = contract.Complete(*h.Contract, h.rec.Contract)
	}
	var selected []check.Check
	for _, c := range check.Catalogue() {
		if slices.Contains(h.rec.Selected, c.ID) {
			selected = append(selected, c)
		}
	}
	for _, id := range h.rec.Selected {
		if !slices.ContainsFunc(selected, func(c check.Check) bool { return c.ID == id }) {
			h.unknown = append(h.unknown, id)
		}
	}
	h.again = check.Judge(selected, h.judged, h.rec.Evidence)
}

// verdicts are those that the statement has, for who takes the signer's word.
func (p proof) verdicts() []check.Verdict {
	var out []check.Verdict
	for _, c := range check.Catalogue() {
		s, ok := p.Promises[c.ID]
		v := check.Verdict{Check: c, Judgement: check.Judgement{Status: s, Seen: "as the statement says"}}
		if !ok {
			v.Status, v.Seen = check.Skipped, "the podproof that verified it does not know this promise"
		}
		if ws := p.waiversFor(c.ID); s == check.Waived && len(ws) > 0 {
			v.Waiver = &ws[0]
		}
		out = append(out, v)
	}
	return out
}

// holds asks whether a promise is broken, or undecided.
func (h *hearing) holds() {
	by := "the recorded contract"
	if h.Contract != nil {
		by = "the deployer's contract"
	}
	promised := "no promise is broken or undecided by " + by + " and this podproof's checks"
	of := map[check.Status][]string{}
	for _, v := range h.again {
		of[v.Status] = append(of[v.Status], v.Check.ID)
	}
	kept := len(of[check.Pass])
	switch broken, open := of[check.Fail], of[check.Inconclusive]; {
	case len(broken) > 0:
		h.say(judgedGate.fails(promised, "judged again, "+some(broken)+" "+isAre(broken)+" broken", "Correct the image as the verdicts below say, push it, and verify that: "+h.commands()+"."))
	case len(open) > 0 && !h.Policy.AllowInconclusive:
		h.say(judgedGate.fails(promised, "judged again, "+some(open)+" "+isAre(open)+" undecided", "Verify it again: "+h.commands()+"; or allow it: allowInconclusive: true in the gate's policy."))
	case kept == 0:
		h.say(judgedGate.fails(promised, "judged again, no promise is kept: none was looked at", h.prove()))
	default:
		v := judgedGate.passes(promised, fmt.Sprintf("%d promises kept", kept), fmt.Sprintf("Judged again by %s (%d promises kept)", by, kept))
		if len(h.unknown) > 0 {
			v.Findings = append(v.Findings, check.Finding{Where: "statement", Note: true, Message: "this podproof does not know " + some(h.unknown) + ", on which the signer's verdict counts"})
		}
		h.say(v)
	}
}

func isAre(all []string) string {
	if len(all) == 1 {
		return "is"
	}
	return "are"
}

func sortedIDs(m map[string]check.Status) []string {
	var out []string
	for id := range m {
		out = append(out, id)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
