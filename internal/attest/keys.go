package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// PublicKey checks signatures: an ECDSA key on P-256, with SHA-256, or an Ed25519 key.
type PublicKey struct {
	// Name is the file that it was read from.
	Name string
	key  crypto.PublicKey
}

// verifies tells whether sig is this key's signature of the message.
func (k PublicKey) verifies(message, sig []byte) bool {
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, sum[:], sig)
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, sig)
	}
	return false
}

// hint names the key, as Sigstore does: the digest of its DER form.
func (k PublicKey) hint() string {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Signer signs messages.
type Signer interface {
	Sign(ctx context.Context, message []byte) ([]byte, error)
	// Public is the key that verifies what it signs, where that is known.
	Public() (PublicKey, bool)
}

// keySigner signs with a private key.
type keySigner struct {
	private crypto.Signer
	public  PublicKey
}

// Sign signs. The same message gives the same signature, so that to attest a second time adds nothing.
func (k keySigner) Sign(_ context.Context, message []byte) ([]byte, error) {
	if _, ok := k.private.(ed25519.PrivateKey); ok {
		return k.private.Sign(nil, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	return k.private.Sign(nil, sum[:], crypto.SHA256) // without a source of randomness: RFC 6979
}

// Public is the key's other half.
func (k keySigner) Public() (PublicKey, bool) { return k.public, true }

const (
	makeKey   = "make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out podproof.key`"
	makeOther = "`openssl pkey -in podproof.key -pubout -out podproof.pub` writes the public key of a private one"
)

// ReadSigner reads a private key: PKCS#8 in PEM, or one that `cosign generate-key-pair` made, for which
// COSIGN_PASSWORD has the password.
func ReadSigner(file string) (Signer, error) {
	block, err := pemBlock(file)
	if err != nil {
		return nil, err
	}
	der := block.Bytes
	switch block.Type {
	case "PRIVATE KEY":
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		if der, err = decrypted(der); err != nil {
			return nil, fmt.Errorf("key %s: %w", file, err)
		}
	case "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("key %s is a PEM block of the type %q; podproof reads PKCS#8 without a password: `openssl pkcs8 -topk8 -nocrypt -in %s -out podproof.key` writes it", file, block.Type, file)
	case "PUBLIC KEY":
		return nil, fmt.Errorf("key %s is a public key, which cannot sign; name the private one", file)
	default:
		return nil, fmt.Errorf("key %s is a PEM block of the type %q, and not a private key; %s", file, block.Type, makeKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key %s is not a private key in PKCS#8: %w; %s", file, err, makeKey)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key %s is of a kind (%T) that cannot sign; %s", file, parsed, makeKey)
	}
	public, err := publicKey(file, private.Public())
	if err != nil {
		return nil, err
	}
	return keySigner{private, public}, nil
}

// ReadPublicKey reads a public key in PEM.
func ReadPublicKey(file string) (PublicKey, error) {
	block, err := pemBlock(file)
	if err != nil {
		return PublicKey{}, err
	}
	if block.Type != "PUBLIC KEY" {
		return PublicKey{}, fmt.Errorf("key %s is a PEM block of the type %q, and not a public key; %s", file, block.Type, makeOther)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("key %s is not a public key: %w; %s", file, err, makeOther)
	}
	return publicKey(file, parsed)
}

// publicKey takes the kinds that every verifier knows.
func publicKey(file string, key crypto.PublicKey) (PublicKey, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return PublicKey{file, k}, nil
		}
		return PublicKey{}, fmt.Errorf("key %s is an ECDSA key on the curve %s; podproof takes P-256 and Ed25519: %s", file, k.Curve.Params().Name, makeKey)
	case ed25519.PublicKey:
		return PublicKey{file, k}, nil
	}
	return PublicKey{}, fmt.Errorf("key %s is of a kind (%T) that podproof does not take, which are ECDSA on P-256 and Ed25519; %s", file, key, makeKey)
}

// maxKey is how many bytes a file with a key may have.
const maxKey = 64 << 10

// pemBlock is the one PEM block of a file.
func pemBlock(file string) (*pem.Block, error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no key %s; %s", file, makeKey)
	case err != nil:
		return nil, fmt.Errorf("the key cannot be read: %w", err)
	case len(data) > maxKey:
		return nil, fmt.Errorf("key %s has %d bytes, which no key has; name a PEM file", file, len(data))
	}
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("key %s is not a PEM file (-----BEGIN …); %s", file, makeKey)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("key %s holds more than one PEM block; write one key a file", file)
	}
	return block, nil
}

// decrypted opens a key of cosign's.
func decrypted(data []byte) ([]byte, error) {
	password, ok := os.LookupEnv("COSIGN_PASSWORD")
	if !ok {
		return nil, errors.New("it is encrypted; set COSIGN_PASSWORD to its password")
	}
	der, err := encrypted.Decrypt(data, []byte(password))
	if err != nil {
		return nil, fmt.Errorf("the password in COSIGN_PASSWORD does not open it: %w", err)
	}
	return der, nil
}
