//go:build integration

package verifiers

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v3/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// verified asks cosign's library as Kyverno 1.19.1 does for a key without a transparency log
// (pkg/image/verifiers/ivpol/cosign, opts.go and verifier.go), and returns podproof's predicate.
func verified(t *testing.T, image name.Digest, public []byte) (predicate map[string]any, err error) {
	t.Helper()
	key, err := cryptoutils.UnmarshalPEMToPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	bundles, _, err := cosign.GetBundles(t.Context(), image, nil)
	if err != nil || len(bundles) == 0 {
		return nil, fmt.Errorf("cosign finds %d bundles: %w", len(bundles), err)
	}
	all, ok, err := cosign.VerifyImageAttestations(t.Context(), image, &cosign.CheckOpts{SigVerifier: verifier, IgnoreTlog: true, IgnoreSCT: true,
		NewBundleFormat: true, ClaimVerifier: cosign.IntotoSubjectClaimVerifier})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("cosign verified no bundle")
	}
	for _, a := range all {
		data, err := a.Payload()
		if err != nil {
			return nil, err
		}
		var envelope struct{ Payload []byte }
		var statement struct {
			PredicateType string         `json:"predicateType"`
			Predicate     map[string]any `json:"predicate"`
		}
		if err := errors.Join(json.Unmarshal(data, &envelope), json.Unmarshal(envelope.Payload, &statement)); err != nil {
			return nil, err
		}
		if statement.PredicateType == predicateType {
			return statement.Predicate, nil
		}
	}
	return nil, fmt.Errorf("%d statements are verified, none of them of %s", len(all), predicateType)
}

// cosign accepts a statement of podproof's, and reads the predicate that a policy asks for.
func TestCosignAcceptsAStatement(t *testing.T) {
	for _, kind := range []string{"ECDSA P-256", "Ed25519"} {
		for _, referrers := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/referrers=%v", kind, referrers), func(t *testing.T) {
				image, img := pushed(t, aRegistry(t, referrers), "1001")
				private, public := keys(t, kind)
				attested(t, image, img, private)
				p, err := verified(t, image, public)
				if err != nil || p["result"] != "pass" || p["finished"] == nil {
					t.Errorf("%v (%v)", p, err)
				}
			})
		}
	}
}

// What is stored beside an image by anybody proves nothing. The first is the good one, stored in the same way.
func TestCosignRefusesWhatWasTamperedWith(t *testing.T) {
	for _, kind := range []string{"ECDSA P-256", "Ed25519"} {
		t.Run(kind, func(t *testing.T) {
			image, img := pushed(t, aRegistry(t, true), "1001")
			private, public := keys(t, kind)
			_, other := keys(t, kind)
			attested(t, image, img, private)
			good := bundle(t, image)
			for name, c := range map[string]struct {
				bundle []byte
				user   string // whose image it is stored beside
				key    []byte
				want   string // of the error; empty where it is accepted
			}{
				"as it was":              {good, "1001", public, ""},
				"written anew":           {changed(t, good, "", ""), "1001", public, ""},
				"another payload":        {changed(t, good, `"termination/exit-zero":"pass"`, `"termination/exit-zero":"waived"`), "1001", public, "signature"},
				"another key":            {good, "1001", other, "signature"},
				"of another digest":      {good, "1002", public, "digest"},
				"moved to another image": {changed(t, good, digestOf(t, "1001"), digestOf(t, "1002")), "1002", public, "signature"},
			} {
				t.Run(name, func(t *testing.T) {
					image, _ := pushed(t, aRegistry(t, true), c.user)
					store(t, c.bundle, image)
					_, err := verified(t, image, c.key)
					if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
						t.Errorf("%v, want %q", err, c.want)
					}
				})
			}
		})
	}
}

// digestOf is that of the image of a user.
func digestOf(t *testing.T, user string) string {
	t.Helper()
	image, _ := pushed(t, aRegistry(t, true), user)
	_, hex, _ := strings.Cut(image.DigestStr(), ":")
	return hex
}
