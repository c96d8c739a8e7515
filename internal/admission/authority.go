package admission

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"time"
)

// lifetime is that of a certificate of podproof's own; it is renewed when a third is left.
const lifetime = 90 * 24 * time.Hour

// pair is a certificate for the webhook's Service, and the authority that signed it and nothing else: its key is
// forgotten at once, and no key is ever stored.
type pair struct {
	serving   tls.Certificate
	authority *x509.Certificate
}

// newPair makes one; id is the replica's.
func newPair(id string, names []string, now time.Time) (pair, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := func(subject string) (*x509.Certificate, error) {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		return &x509.Certificate{SerialNumber: n, Subject: pkix.Name{Organization: []string{organization}, CommonName: subject},
			NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(lifetime), BasicConstraintsValid: true}, err
	}
	ca, err := template(id)
	if err != nil {
		return pair{}, err
	}
	ca.IsCA, ca.MaxPathLenZero, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return pair{}, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return pair{}, err
	}
	leaf, err := template(names[0])
	if err != nil {
		return pair{}, err
	}
	leaf.DNSNames, leaf.KeyUsage, leaf.ExtKeyUsage = names, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey); err != nil {
		return pair{}, err
	}
	return pair{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca}, nil
}

// organization marks the authorities that podproof made.
const organization = "podproof gate"

// maxAuthorities is how many a webhook trusts: those of its replicas, and of some that are no more.
const maxAuthorities = 32

// trusting adds a replica's authorities to those of the others, and leaves out its former ones, what has ended,
// and what podproof did not make.
func trusting(bundle []byte, id string, own []*x509.Certificate, now time.Time) []byte {
	var all []*x509.Certificate
	for rest := bundle; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !slices.Equal(c.Subject.Organization, []string{organization}) || c.Subject.CommonName == id || now.After(c.NotAfter) {
			continue
		}
		all = append(all, c)
	}
	inOrder := func(a, b *x509.Certificate) int {
		return cmp.Or(a.NotBefore.Compare(b.NotBefore), bytes.Compare(a.Raw, b.Raw))
	}
	slices.SortFunc(all, inOrder)
	if n := len(all) + len(own) - maxAuthorities; n > 0 {
		all = all[n:]
	}
	all = append(all, own...)
	slices.SortFunc(all, inOrder) // all replicas write the same
	var out []byte
	for _, c := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}
