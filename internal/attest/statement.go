// Package attest signs what a run came to, bound to the digest of the image, and reads such statements
// as a gate: is this image proven, by whom, how long ago, and does the evidence hold today?
//
// The format is the field's: an in-toto Statement in a DSSE envelope, in a Sigstore bundle, stored
// beside the image as an OCI referrer. A reader takes what a registry gives for hostile until a
// signature covers it: sizes and counts are bounded, and what is not understood proves nothing.
package attest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The types of the statements that podproof makes.
const (
	// StatementType is that of https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
	StatementType = "https://in-toto.io/Statement/v1"
	// VerificationType is podproof's own predicate; see Verification.
	VerificationType = verifications + "v1alpha1"
	// verifications begins the types of all versions of it.
	verifications = "https://podproof.dev/verification/"
)

// Statement says something about subjects, which are known by their digests alone.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is one manifest. Its name is for people: it proves nothing.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// isVerification tells whether a predicate is podproof's, in this version or another.
func isVerification(predicateType string) bool {
	return strings.HasPrefix(predicateType, verifications)
}

// about makes the subjects of a statement.
func about(repository string, digests []v1.Hash) []Subject {
	var out []Subject
	for _, d := range digests {
		out = append(out, Subject{Name: repository, Digest: map[string]string{d.Algorithm: d.Hex}})
	}
	return out
}

// covers tells whether the statement is about a digest.
func (s Statement) covers(d v1.Hash) bool {
	return slices.ContainsFunc(s.Subject, func(x Subject) bool {
		return d.Algorithm == "sha256" && d.Hex != "" && x.Digest["sha256"] == d.Hex
	})
}

// newStatement is the text of a statement, which is what is signed.
func newStatement(subjects []Subject, predicateType string, predicate any) ([]byte, error) {
	p, err := json.Marshal(predicate)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Statement{StatementType, subjects, predicateType, p})
}

const maxSubjects = 256

// readStatement reads the payload of an envelope.
func readStatement(payload []byte) (Statement, error) {
	var s Statement
	if err := exactly(payload, &s); err != nil {
		return s, fmt.Errorf("the statement is not valid: %w", err)
	}
	switch {
	case s.Type != StatementType:
		return s, fmt.Errorf("the statement has the type %q; podproof reads %q", s.Type, StatementType)
	case len(s.Subject) == 0:
		return s, fmt.Errorf("the statement has no subject, so that it is about nothing")
	case len(s.Subject) > maxSubjects:
		return s, fmt.Errorf("the statement has %d subjects; podproof reads up to %d", len(s.Subject), maxSubjects)
	case len(s.Predicate) == 0 || string(s.Predicate) == "null":
		return s, fmt.Errorf("the statement has no predicate, so that it says nothing")
	}
	return s, nil
}
