package attest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
)

// seeds are those of testdata/seeds, and more that were found to matter.
func seeds(f *testing.F, kind string) {
	files, err := filepath.Glob("testdata/seeds/" + kind + "-*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("there are no seeds of %ss: %v", kind, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
		f.Add([]byte(strings.ToUpper(string(data))))
	}
	for _, s := range []string{"", "null", "{}", "[]", `""`, "{", `{"a":`, strings.Repeat("[", 100), strings.Repeat(`{"a":`, 100), "\xff", `{"a":1,"A":2}`, `{"a":1}{}`} {
		f.Add([]byte(s))
	}
}

// FuzzBundle reads whatever may stand for a bundle: no panic, and nothing is believed that the key did not sign.
func FuzzBundle(f *testing.F) {
	seeds(f, "bundle")
	_, public := newKey(f, ecdsaKey(f))
	_, other := newKey(f, ed25519Key(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readBundle(data)
		var w witnesses
		w.add(found{Envelope: e, err: err}, []PublicKey{public, other})
		if len(w.proofs) > 0 {
			t.Fatalf("believed without a signature: %s", data)
		}
		if err == nil && (len(e.Signatures) != 1 || e.PayloadType != payloadType || w.strangers != 1) {
			t.Fatalf("taken for an envelope: %s", data)
		}
	})
}

// FuzzStatement reads whatever a key may have signed: no panic, and what is taken for a pass is one by itself.
func FuzzStatement(f *testing.F) {
	seeds(f, "statement")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := readStatement(data)
		if err != nil {
			return
		}
		if s.covers(v1.Hash{}) || s.covers(v1.Hash{Algorithm: "sha256"}) {
			t.Fatalf("about no digest at all: %s", data)
		}
		p, err := readVerification(s.Predicate)
		if err != nil || p.Result != check.Pass {
			return
		}
		kept := 0
		for id, status := range p.Promises {
			switch status {
			case check.Fail, check.Inconclusive:
				t.Fatalf("a pass with %s: %s", id, data)
			case check.Pass, check.Waived:
				kept++
			}
		}
		if kept == 0 || p.Finished.IsZero() || len(p.Platforms) == 0 || !isDigest(p.Image.Config) {
			t.Fatalf("a pass of nothing: %s", data)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		_ = proof{Verification: p}.verdicts()
	})
}

// FuzzExactly reads JSON as encoding/json does, but for what two readers might read in two ways.
func FuzzExactly(f *testing.F) {
	seeds(f, "statement")
	f.Fuzz(func(t *testing.T, data []byte) {
		var a, b any
		if exactly(data, &a) != nil {
			return
		}
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatalf("accepted, and no JSON: %v", err)
		}
	})
}
