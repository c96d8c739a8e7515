package source

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/collect/image"
)

// statement is what BuildKit lays beside an image: a manifest whose layers are documents.
func (o *oci) statement(about v1.Descriptor, predicate, body string) v1.Descriptor {
	l := o.blob("application/vnd.in-toto+json", []byte(body))
	l.Annotations = map[string]string{predicateKey: predicate}
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: o.blob(types.OCIConfigJSON, []byte("{}")), Layers: []v1.Descriptor{l}}
	d := o.blob(types.OCIManifestSchema1, []byte(asJSON(o.t, m)))
	d.Platform = &v1.Platform{OS: "unknown", Architecture: "unknown"}
	d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", aboutKey: about.Digest.String()}
	return d
}

func TestStatements(t *testing.T) {
	amd := on(t, imageOf(t, []file{text("a", "1")}), "amd64")
	const body = `{"predicate":{"invocation":{"parameters":{"args":{"build-arg:NPM_TOKEN":"b7c1e09a"}}}}}`
	for name, archive := range map[string]func(*oci) []byte{
		"beside the image": func(o *oci) []byte {
			img := o.image(amd, plain)
			return o.archive(img, o.statement(img, provenance+"v0.2", body))
		},
		"in an index, before the image, among others": func(o *oci) []byte {
			img, arm := o.image(amd, plain), o.image(on(t, amd, "arm64"), plain)
			return o.archive(o.index(o.statement(img, provenance+"v1", body), o.statement(arm, provenance+"v1", "{}"), o.statement(img, "https://spdx.dev/Document", "{}"), img, arm))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := OpenArchive(put(t, archive(&oci{t: t})), v1.Platform{OS: "linux", Architecture: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			e, err := image.Collect(t.Context(), a, image.Options{Statements: a.Statements})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(e.Provenance, "; "); got != "ARG NPM_TOKEN=b7c1e09a" {
				t.Errorf("provenance %q", got)
			}
		})
	}
}
