package secrets

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
)

var (
	// keyStore is by the names that people and tools give such files.
	keyStore = lazy(`(?i)(?:\.(?:p12|pfx|pkcs12|jks|jceks|bks|bcfks|keystore|ks)|/\.?keystore)$`)
	// trustStore holds certificates of others: its name says so.
	trustStore = lazy(`(?i)trust|cacerts|/ca[-_.]|[-_.]ca\.|[-_]ca[-_]|roots?\.`)

	jksMagic       = []byte{0xfe, 0xed, 0xfe, 0xed}
	jceksMagic     = []byte{0xce, 0xce, 0xce, 0xce}
	shroudedID     = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01} // pkcs-12 bag types; 1 and 2 hold keys
	certificateBag = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 3}
	encrypted7     = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06} // pkcs-7 encryptedData
)

// isKeyStore is for a store that holds a private key, and not certificates alone. One that
// cannot be read to its end is taken for what its name says.
func isKeyStore(p string, b []byte) bool {
	switch {
	case bytes.HasPrefix(b, jksMagic), bytes.HasPrefix(b, jceksMagic):
		return javaStore(b)
	case isPFX(b) && pfxHasKey(b), isPlainKey(b):
		return true
	case !keyStore.MatchString(p):
		return false
	case bytes.HasPrefix(b, []byte{0x30}) && pfxHasKey(b):
		return true
	case isPFX(b):
		return !pfxIsWhole(b) && !trustStore.MatchString(p)
	case isBouncyCastle(b):
		return !trustStore.MatchString(p)
	}
	return false
}

// The kinds of a Java store's entries.
const (
	javaKey = 1 + iota
	javaCertificate
	javaSecretKey
)

// javaStore walks over a JKS or JCEKS file (sun.security.provider.JavaKeyStore) until an entry has a key.
func javaStore(b []byte) bool {
	r := stored{b: b[4:]}
	r.skip(4) // the version
	for n := r.number(); n > 0 && !r.short; n-- {
		switch r.number() {
		case javaKey, javaSecretKey:
			return true
		case javaCertificate:
			r.name()
			r.skip(8) // a date
			r.name()
			r.skip(r.number())
		default:
			return false
		}
	}
	return false
}

// stored reads Java's DataOutput. It is short when something ends before it should.
type stored struct {
	b     []byte
	short bool
}

func (r *stored) skip(n int) {
	if n < 0 || n > len(r.b) {
		r.b, r.short = nil, true
		return
	}
	r.b = r.b[n:]
}

func (r *stored) number() int {
	if len(r.b) < 4 {
		r.b, r.short = nil, true
		return 0
	}
	n := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return int(n)
}

func (r *stored) name() {
	if len(r.b) < 2 {
		r.b, r.short = nil, true
		return
	}
	r.skip(2 + int(binary.BigEndian.Uint16(r.b)))
}

// isPFX is for PKCS #12 (RFC 7292): a sequence that begins with version 3.
func isPFX(b []byte) bool {
	if len(b) < 8 || b[0] != 0x30 {
		return false
	}
	head := 2
	if b[1] > 0x80 && b[1] <= 0x84 {
		head += int(b[1] & 0x7f)
	}
	return bytes.HasPrefix(b[head:], []byte{2, 1, 3})
}

// pfxHasKey looks for a bag with a key: what is in the clear says that there is one, though
// the key itself is encrypted.
func pfxHasKey(b []byte) bool {
	for rest := b; ; {
		i := bytes.Index(rest, shroudedID)
		if i < 0 || i+len(shroudedID) >= len(rest) {
			return false
		}
		rest = rest[i+len(shroudedID):]
		if rest[0] == 1 || rest[0] == 2 {
			return true
		}
	}
}

// pfxIsWhole tells whether the store could be looked into: all known tools encrypt the
// certificates as a whole, and of the keys only what is in their bags.
func pfxIsWhole(b []byte) bool {
	var pfx struct {
		Version  int
		AuthSafe asn1.RawValue
		MAC      asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(b, &pfx)
	return err == nil && (bytes.Contains(b, encrypted7) || bytes.Contains(b, certificateBag))
}

// isBouncyCastle is for its stores: BKS has a version and a salt of twenty bytes, BCFKS is ASN.1.
func isBouncyCastle(b []byte) bool {
	return len(b) > 12 && (bytes.HasPrefix(b, []byte{0, 0, 0, 2, 0, 0, 0, 20}) || bytes.HasPrefix(b, []byte{0, 0, 0, 1, 0, 0, 0, 20}) ||
		b[0] == 0x30 && b[1] >= 0x80 && bytes.Contains(b[:min(len(b), 64)], []byte{0x06}))
}

// isPlainKey is for a private key in DER and nothing else: PKCS #1 and #8, SEC 1.
func isPlainKey(b []byte) bool {
	if len(b) < 32 || len(b) > 8<<10 || b[0] != 0x30 {
		return false
	}
	if _, err := x509.ParsePKCS8PrivateKey(b); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(b); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(b)
	return err == nil
}
