package attest

import (
	"context"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// payloadType is that of in-toto statements. It is signed along, so that nothing else which the key
// ever signed can be taken for a statement.
const payloadType = "application/vnd.in-toto+json"

// Envelope is a DSSE envelope: https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
type Envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature. KeyID is a hint that nothing rests on.
type Signature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   []byte `json:"sig"`
}

// seal signs a statement.
func seal(ctx context.Context, statement []byte, s Signer) (Envelope, error) {
	message := dsse.PAE(payloadType, statement)
	sig, err := s.Sign(ctx, message)
	if err != nil {
		return Envelope{}, err
	}
	if key, ok := s.Public(); ok && !key.verifies(message, sig) {
		return Envelope{}, fmt.Errorf("the signature does not fit the public key %s; sign with the private key that belongs to it, and the whole of what is on standard input, not a digest of a digest", key.Name)
	}
	return Envelope{Payload: statement, PayloadType: payloadType, Signatures: []Signature{{Sig: sig}}}, nil
}

// sound tells what keeps an envelope from holding a statement, whoever signed it.
func (e Envelope) sound() error {
	switch {
	case e.PayloadType != payloadType:
		return fmt.Errorf("its payload has the type %q; a statement has %q", e.PayloadType, payloadType)
	case len(e.Signatures) == 0:
		return errors.New("it is not signed")
	case len(e.Signatures) > 1:
		return fmt.Errorf("it has %d signatures; a bundle has one", len(e.Signatures))
	case len(e.Payload) == 0:
		return errors.New("its payload is empty")
	}
	return nil
}

// signedBy finds the key that signed the envelope. How a signature is checked follows from the key
// alone, and never from what the envelope says.
func (e Envelope) signedBy(keys []PublicKey) (PublicKey, bool) {
	message := dsse.PAE(e.PayloadType, e.Payload)
	for _, k := range keys {
		if k.verifies(message, e.Signatures[0].Sig) {
			return k, true
		}
	}
	return PublicKey{}, false
}
