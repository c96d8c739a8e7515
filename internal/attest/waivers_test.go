package attest

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// A promise that nobody's waiver names is not waived, whatever the statement says.
func TestWaivedByNobody(t *testing.T) {
	w := newWorld(t, true)
	p := w.predicate()
	p.Record = nil
	p.Counts[check.Pass]--
	p.Counts[check.Waived]++
	p.Promises["startup/ready"] = check.Waived
	w.store(w.top().Digest, w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p)))
	w.policy.AllowNoRecord, w.policy.AllowWaivers = true, true
	w.refused(w.ref, "gate/waivers", "startup/ready (nobody says by whom and until when)", "renew its waiver")
}

// Where the statement does not tell which of two waivers it was, both must hold.
func TestOneOfTwoWaivers(t *testing.T) {
	w := newWorld(t, true)
	p := w.predicate()
	p.Record = nil
	p.Counts[check.Pass]--
	p.Counts[check.Waived]++
	p.Promises["startup/ready"] = check.Waived
	p.Waivers = []contract.Waiver{
		{ID: "startup/*", Reason: "soon", By: "ann", Until: "2027-01-31"},
		{ID: "startup/ready", Reason: "soon", By: "bob", Until: "2026-01-31"},
		{ID: "image/*", Reason: "soon", By: "cyd", Until: "2025-01-31"},
	}
	w.store(w.top().Digest, w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p)))
	w.policy.AllowNoRecord, w.policy.AllowWaivers = true, true
	w.refused(w.ref, "gate/waivers", "the waiver has ended of startup/ready (by bob until 2026-01-31)", "renew its waiver")
}
