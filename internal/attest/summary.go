package attest

import (
	"time"

	"podproof.dev/podproof/internal/check"
)

// SummaryType is SLSA's verification summary, which other tools know: https://slsa.dev/spec/v1.0/verification_summary
const SummaryType = "https://slsa.dev/verification_summary/v1"

const (
	verifierID = "https://podproof.dev/podproof"
	// keptLevel is ours: names that begin with SLSA_ are SLSA's own.
	keptLevel = "PODPROOF_VERIFIED"
)

// summary is the part of a verification summary that podproof has something to say to.
type summary struct {
	Verifier           verifier   `json:"verifier"`
	TimeVerified       time.Time  `json:"timeVerified"`
	ResourceURI        string     `json:"resourceUri"`
	Policy             resource   `json:"policy"`
	InputAttestations  []resource `json:"inputAttestations"`
	VerificationResult string     `json:"verificationResult"`
	VerifiedLevels     []string   `json:"verifiedLevels"`
	SLSAVersion        string     `json:"slsaVersion"`
}

type verifier struct {
	ID string `json:"id"`
}

type resource struct {
	URI    string  `json:"uri,omitempty"`
	Digest *Digest `json:"digest,omitempty"`
}

// newSummary is the short form of a verification of an image, whose bundle has the given digest.
func newSummary(p Verification, image, bundleSHA256 string) summary {
	result := "FAILED"
	levels := []string{"FAILED"}
	if p.Result == check.Pass {
		result, levels = "PASSED", []string{keptLevel}
	}
	return summary{
		Verifier:           verifier{verifierID},
		TimeVerified:       p.Finished.Truncate(time.Second),
		ResourceURI:        image,
		Policy:             resource{URI: "podproof.yaml", Digest: p.Contract},
		InputAttestations:  []resource{{Digest: &Digest{bundleSHA256}}},
		VerificationResult: result,
		VerifiedLevels:     levels,
		SLSAVersion:        "1.0",
	}
}
