package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// cosignKey writes a key as `cosign generate-key-pair` does.
func cosignKey(t testing.TB, k crypto.Signer, kind, password string) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	data, err := encrypted.Encrypt(der, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, filepath.Join(t.TempDir(), "cosign.key"), kind, data)
}

func TestKeysRoundTrip(t *testing.T) {
	t.Setenv("COSIGN_PASSWORD", "a password")
	for name, c := range map[string]struct {
		key  crypto.Signer
		kind string
	}{
		"ECDSA":                 {ecdsaKey(t), ""},
		"Ed25519":               {ed25519Key(t), ""},
		"cosign's":              {ecdsaKey(t), "ENCRYPTED SIGSTORE PRIVATE KEY"},
		"cosign's, older":       {ecdsaKey(t), "ENCRYPTED COSIGN PRIVATE KEY"},
		"cosign's with Ed25519": {ed25519Key(t), "ENCRYPTED SIGSTORE PRIVATE KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			private, public := keyFiles(t, c.key)
			if c.kind != "" {
				private = cosignKey(t, c.key, c.kind, "a password")
			}
			w := newWorld(t, true)
			var err error
			if w.key, err = ReadSigner(private); err != nil {
				t.Fatal(err)
			}
			w.attest()
			_, stranger := keyFiles(t, ed25519Key(t))
			if w.public, err = ReadPublicKey(stranger); err != nil {
				t.Fatal(err)
			}
			w.refused(w.ref, "gate/signed", "none is signed by", "--key")
			if w.public, err = ReadPublicKey(public); err != nil {
				t.Fatal(err)
			}
			w.passes(w.ref)
		})
	}
}

func TestWrongKeys(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	private, public := keyFiles(t, ecdsaKey(t))
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private384, public384 := keyFiles(t, p384)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	privateRSA, publicRSA := keyFiles(t, rsaKey)
	locked := cosignKey(t, ecdsaKey(t), "ENCRYPTED SIGSTORE PRIVATE KEY", "right")
	if err := os.Unsetenv("COSIGN_PASSWORD"); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSigner(locked); err == nil || !strings.Contains(err.Error(), "set COSIGN_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
	t.Setenv("COSIGN_PASSWORD", "wrong")
	pem, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		private, public string // a file for ReadSigner, or for ReadPublicKey
		want            string
	}{
		"absent":               {private: filepath.Join(dir, "none.key"), want: "there is no key"},
		"a folder":             {private: dir, want: "the key cannot be read"},
		"no PEM":               {private: file("a", "secret"), want: "is not a PEM file"},
		"empty":                {private: file("b", ""), want: "is not a PEM file"},
		"large":                {private: file("c", strings.Repeat("x", maxKey+1)), want: "which no key has"},
		"two blocks":           {private: file("d", string(pem)+string(pem)), want: "more than one PEM block"},
		"the public one":       {private: public, want: "is a public key, which cannot sign"},
		"the private one":      {public: private, want: "openssl pkey -in podproof.key -pubout"},
		"of openssl's ecparam": {private: pemFile(t, filepath.Join(dir, "e"), "EC PRIVATE KEY", []byte("x")), want: "openssl pkcs8 -topk8 -nocrypt"},
		"with a password":      {private: pemFile(t, filepath.Join(dir, "f"), "ENCRYPTED PRIVATE KEY", []byte("x")), want: "openssl pkcs8 -topk8 -nocrypt"},
		"a certificate":        {private: pemFile(t, filepath.Join(dir, "g"), "CERTIFICATE", []byte("x")), want: `of the type "CERTIFICATE"`},
		"damaged":              {private: pemFile(t, filepath.Join(dir, "h"), "PRIVATE KEY", []byte("x")), want: "is not a private key in PKCS#8"},
		"damaged, public":      {public: pemFile(t, filepath.Join(dir, "i"), "PUBLIC KEY", []byte("x")), want: "is not a public key"},
		"P-384":                {private: private384, want: "on the curve P-384"},
		"P-384, public":        {public: public384, want: "on the curve P-384"},
		"RSA":                  {private: privateRSA, want: "ECDSA on P-256 and Ed25519"},
		"RSA, public":          {public: publicRSA, want: "ECDSA on P-256 and Ed25519"},
		"cosign's, not opened": {private: locked, want: "the password in COSIGN_PASSWORD does not open it"},
		"cosign's, of no JSON": {private: pemFile(t, filepath.Join(dir, "k"), "ENCRYPTED COSIGN PRIVATE KEY", []byte("x")), want: "does not open it"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if c.private != "" {
				_, err = ReadSigner(c.private)
			} else {
				_, err = ReadPublicKey(c.public)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestMain lets the test's own program be a signer: what it is told to sign with is in its environment.
func TestMain(m *testing.M) {
	if key := os.Getenv("PODPROOF_TEST_SIGNER"); key != "" {
		os.Exit(signAsTold(key))
	}
	os.Exit(m.Run())
}

func TestCommandSigner(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ECDSA": ecdsaKey(t), "Ed25519": ed25519Key(t)} {
		private, public := keyFiles(t, key)
		pub, err := ReadPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		_, other := newKey(t, ecdsaKey(t))
		for _, c := range []struct {
			how, line string
			public    *PublicKey
			want      string // of the error
		}{
			{"raw", self, nil, ""},
			{"raw, checked", self, &pub, ""},
			{"base64", self + " | base64 -w0 && echo", &pub, ""},
			{"another key", self, &other, "the signature does not fit the public key"},
			{"a digest of a digest", "sha256sum | " + self, &pub, "the signature does not fit the public key"},
			{"fails", "cat >/dev/null; echo the vault is sealed >&2; exit 4", nil, "failed with exit status 4: the vault is sealed"},
			{"fails silently", "exit 4", nil, "it said nothing on standard error"},
			{"no such program", "podproof-none", nil, "failed with exit status 127"},
			{"no signature", "cat >/dev/null; echo done", nil, "printed 5 bytes that are not a signature"},
			{"nothing", "cat >/dev/null", nil, "printed 0 bytes"},
			{"what it was given", "head -c 90", nil, "bytes that are not a signature"},
		} {
			t.Run(name+"/"+c.how, func(t *testing.T) {
				t.Setenv("PODPROOF_TEST_SIGNER", private)
				e, err := seal(t.Context(), []byte(`{"_type":"…"}`), CommandSigner(c.line, c.public))
				if c.want != "" {
					if err == nil || !strings.Contains(err.Error(), c.want) {
						t.Errorf("%v, want %q", err, c.want)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := e.signedBy([]PublicKey{other, pub}); !ok {
					t.Error("the key does not know its signature")
				}
			})
		}
	}
}

// openssl signs as a KMS does, where it is there.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("there is no openssl here")
	}
	dir := t.TempDir()
	key, pub := filepath.Join(dir, "podproof.key"), filepath.Join(dir, "podproof.pub")
	for _, args := range [][]string{
		{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key}, // as the errors and the documentation say
		{"pkey", "-in", key, "-pubout", "-out", pub},
	} {
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	w := newWorld(t, true)
	var err error
	if w.public, err = ReadPublicKey(pub); err != nil {
		t.Fatal(err)
	}
	if w.key, err = ReadSigner(key); err != nil {
		t.Fatal(err)
	}
	w.attest()
	w.passes(w.ref)
	w.later(1)
	w.key = CommandSigner("openssl dgst -sha256 -sign "+key, &w.public)
	w.attest()
	w.passes(w.ref)
}

func signAsTold(key string) int {
	s, err := ReadSigner(key)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return signInput(s)
}
