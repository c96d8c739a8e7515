// Package subject is what is under test: contract, manifests and image, resolved once and never changed.
package subject

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Subject is a contract with its manifests. It is a value: what is learnt later makes another one.
type Subject struct {
	// Contract is completed with what the manifests say and, see With, the image.
	Contract contract.Contract
	// Objects are those of the manifests that are applied, Controllers and Jobs those among them
	// that run pods, and Left those that are not applied.
	Objects           []workload.Object
	Controllers, Jobs []workload.Controller
	Left              []workload.LeftOut
	// Notes are what a person should know of the manifests.
	Notes []string
	// Workload is the one under test, and Declared its replicas as the manifests have them.
	// Without manifests it is empty.
	Workload workload.Controller
	Declared *int32
	// Container is that of Workload's template which runs the image.
	Container corev1.Container
	// Digest is that of the manifests as they were read; empty without any.
	Digest string
	// Redact takes the values of the manifests' Secrets out of a text; Secrets says of what they are.
	Redact  func(string) string
	Secrets *evidence.Secrets

	written contract.Contract
	derived []contract.Derived
	debug   func(string)
}

// Inputs are the digests of what was given: of the contract's file, and of the manifests.
func (s Subject) Inputs() *evidence.Inputs {
	if s.Contract.Digest() == "" && s.Digest == "" {
		return nil
	}
	return &evidence.Inputs{Contract: s.Contract.Digest(), Manifests: s.Digest}
}

// With is the subject with a contract that is completed with what its image says.
func (s Subject) With(image contract.ImageFacts) (Subject, error) {
	facts, err := workload.Facts(s.Objects, s.Controllers)
	if err != nil {
		return s, err
	}
	c, derived, err := contract.Derive(s.Contract, contract.Facts{Image: image, Workloads: facts})
	if err != nil {
		return s, err
	}
	s.Contract, s.derived = c, slices.Concat(s.derived, derived)
	for _, d := range derived {
		s.debug(fmt.Sprintf("derived %s: %s (from %s)", d.Field, d.Value, d.From))
	}
	return s, nil
}

// Without is the subject without some of its objects, which run no pods.
func (s Subject) Without(objects []workload.Object) Subject {
	s.Objects = slices.DeleteFunc(slices.Clone(s.Objects), func(o workload.Object) bool {
		return slices.ContainsFunc(objects, func(u workload.Object) bool { return u.Unstructured == o.Unstructured })
	})
	return s
}

// Doubts are about the contract as it was written, with what is known of the image.
func (s Subject) Doubts(image contract.ImageFacts, now time.Time) []string {
	c := s.Contract
	c.HTTP, c.Termination = s.written.HTTP, s.written.Termination
	facts, err := workload.Facts(s.Objects, s.Controllers)
	if err != nil {
		return nil // it was said when the contract was derived
	}
	return contract.Doubts(c, contract.Facts{Image: image, Workloads: facts}, now)
}

// Images are those of the pods, each once.
func (s Subject) Images() []string { return workload.Images(slices.Concat(s.Controllers, s.Jobs)) }

// LeftOut says what is not applied, and why.
func (s Subject) LeftOut() []string {
	var out []string
	for _, l := range s.Left {
		out = append(out, l.String())
	}
	return out
}

// Is tells whether an object is the workload under test.
func (s Subject) Is(o workload.Object) bool {
	return o.GetKind() == s.Workload.GetKind() && o.GetName() == s.Workload.GetName()
}
