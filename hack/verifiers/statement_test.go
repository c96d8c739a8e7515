//go:build integration

package verifiers

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// These are podproof's, as its documentation has them.
const (
	predicateType = "https://podproof.dev/verification/v1alpha1"
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	predicateKey  = "dev.sigstore.bundle.predicateType"
)

// aRegistry is one of this process, with a referrers API or with the fallback tag alone.
func aRegistry(t *testing.T, referrers bool) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// pushed is an image of a user, by its digest.
func pushed(t *testing.T, host, user string) (name.Digest, v1.Image) {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{User: user}})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(host + "/shop/api@" + digest.String())
	if err == nil {
		err = remote.Write(ref, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref, img
}

// keys are a new private one in a file, and the public one in PEM.
func keys(t *testing.T, kind string) (private string, public []byte) {
	t.Helper()
	var k crypto.Signer
	var err error
	if kind == "Ed25519" {
		_, k, err = ed25519.GenerateKey(rand.Reader)
	} else {
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	private = filepath.Join(t.TempDir(), "podproof.key")
	if err := os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKIXPublicKey(k.Public()); err != nil {
		t.Fatal(err)
	}
	return private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// attested has the podproof that `make build` made attest a run of an image: a recorded one, told to be of that.
func attested(t *testing.T, ref name.Digest, img v1.Image, key string) {
	t.Helper()
	attestedAs(t, ref, img, key, func(map[string]any) {})
}

// attestedAs is attested, of a run that saw something else.
func attestedAs(t *testing.T, ref name.Digest, img v1.Image, key string, saw func(evidence map[string]any), flags ...string) {
	t.Helper()
	f, err := os.Open("../../internal/report/testdata/recorded/good.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.NewDecoder(z).Decode(&record); err != nil {
		t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	evidence := record["evidence"].(map[string]any)
	evidence["image"].(map[string]any)["id"] = id.String()
	saw(evidence)
	data, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "run.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("../../bin/podproof", append([]string{"attest", file, ref.Name(), "--key", key}, flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("bin/podproof attest (`make build` makes it): %v: %s", err, out)
	}
}

// bundle is the statement that is stored beside an image.
func bundle(t *testing.T, ref name.Digest) []byte {
	t.Helper()
	return bundles(t, ref)[0]
}

// bundles are the statements that are stored beside an image, as the registry lists them.
func bundles(t *testing.T, ref name.Digest) (all [][]byte) {
	t.Helper()
	index, err := remote.Referrers(ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if d.Annotations[predicateKey] != predicateType {
			continue
		}
		img, err := remote.Image(ref.Digest(d.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		r, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	if len(all) == 0 {
		t.Fatalf("beside %s are %+v", ref, m.Manifests)
	}
	return all
}

// store puts a bundle beside an image, as anybody may who may write to a registry.
func store(t *testing.T, data []byte, beside name.Digest) {
	t.Helper()
	subject, err := remote.Head(beside)
	if err != nil {
		t.Fatal(err)
	}
	config := []byte("{}")
	m := manifest{v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: described(t, config, beside), Layers: []v1.Descriptor{described(t, data, beside)},
		Subject: subject, Annotations: map[string]string{"dev.sigstore.bundle.content": "dsse-envelope", predicateKey: predicateType}}}
	raw, err := m.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err == nil {
		err = remote.Put(beside.Digest(digest.String()), m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// manifest is that of an artifact.
type manifest struct{ v1.Manifest }

func (m manifest) RawManifest() ([]byte, error)        { return json.Marshal(m.Manifest) }
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// described is a blob that is stored in the repository.
func described(t *testing.T, data []byte, in name.Digest) v1.Descriptor {
	t.Helper()
	digest, size, err := v1.SHA256(bytes.NewReader(data))
	if err == nil {
		err = remote.WriteLayer(in.Repository, static.NewLayer(data, bundleType))
	}
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: bundleType, Digest: digest, Size: size}
}

// changed is a bundle with another payload under the same signature.
func changed(t *testing.T, data []byte, old, new string) []byte {
	t.Helper()
	var b struct {
		MediaType            string          `json:"mediaType"`
		VerificationMaterial json.RawMessage `json:"verificationMaterial"`
		Envelope             struct {
			Payload     []byte          `json:"payload"`
			PayloadType string          `json:"payloadType"`
			Signatures  json.RawMessage `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	payload := bytes.ReplaceAll(b.Envelope.Payload, []byte(old), []byte(new))
	if bytes.Equal(payload, b.Envelope.Payload) && old != new {
		t.Fatalf("the statement has no %s:\n%s", old, payload)
	}
	b.Envelope.Payload = payload
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
