package attest

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
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
