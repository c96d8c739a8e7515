package attest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// BundleType is the media type of a Sigstore bundle:
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// maxBundle is how many bytes a bundle may have; podproof's own have some 10 KB.
const maxBundle = 256 << 10

// bundle is the part of a Sigstore bundle that a signature with a key needs: no log and no certificate.
type bundle struct {
	MediaType            string    `json:"mediaType"`
	VerificationMaterial material  `json:"verificationMaterial"`
	Envelope             *Envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey *keyHint `json:"publicKey,omitempty"`
}

// keyHint helps a person to find the key. Nothing rests on it.
type keyHint struct {
	Hint string `json:"hint,omitempty"`
}

// newBundle is the text of a bundle.
func newBundle(e Envelope, s Signer) ([]byte, error) {
	hint := ""
	if key, ok := s.Public(); ok {
		hint = key.hint()
	}
	return json.Marshal(bundle{BundleType, material{&keyHint{hint}}, &e})
}

// readBundle reads a bundle, which is not verified by that. Its error says why it is none of podproof's.
func readBundle(data []byte) (Envelope, error) {
	if len(data) > maxBundle {
		return Envelope{}, fmt.Errorf("it is larger than %d bytes", maxBundle)
	}
	var b bundle
	if err := exactly(data, &b); err != nil {
		return Envelope{}, err
	}
	switch {
	case b.MediaType != BundleType:
		return Envelope{}, fmt.Errorf("it says to be %q; podproof reads %q", b.MediaType, BundleType)
	case b.Envelope == nil:
		return Envelope{}, errors.New("it holds no DSSE envelope")
	}
	return *b.Envelope, b.Envelope.sound()
}
