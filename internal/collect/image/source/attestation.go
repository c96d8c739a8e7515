package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// An index may have, beside an image, BuildKit's statements about it (in-toto's, in a manifest of
// their own). Whoever can pull the image can read them.
const (
	aboutKey     = "vnd.docker.reference.digest"
	predicateKey = "in-toto.io/predicate-type"
	provenance   = "https://slsa.dev/provenance/"
)

// maxStatements bounds those that are read of one image: there is one, or one a kind.
const maxStatements = 16

// statements reads the provenance in the manifests that are about an image. An engine may have
// their names alone.
func statements(s store, manifests []v1.Hash) ([][]byte, error) {
	var out [][]byte
	for _, h := range manifests {
		b, err := document(s, blobName(h), h)
		if isAbsent(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		m, err := v1.ParseManifest(bytes.NewReader(b))
		if err != nil {
			return nil, layer.Faultf("%s%s is not a manifest: %w", blobName(h), offset(err), err)
		}
		for _, d := range provenances(m) {
			b, err := document(s, blobName(d.Digest), d.Digest)
			if isAbsent(err) {
				continue
			} else if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}

func isAbsent(err error) bool {
	var absent *absentError
	return errors.As(err, &absent)
}

// provenances are the parts of a manifest that say how the image was built.
func provenances(m *v1.Manifest) []v1.Descriptor {
	var out []v1.Descriptor
	for _, d := range m.Layers {
		if strings.HasPrefix(d.Annotations[predicateKey], provenance) && len(out) < maxStatements {
			out = append(out, d)
		}
	}
	return out
}

// statements pulls the provenance in the images that are about another.
func (p *pull) statements(about []v1.Image) ([][]byte, error) {
	var out [][]byte
	for _, img := range about {
		m, err := img.Manifest()
		if err != nil {
			return nil, err
		}
		for _, d := range provenances(m) {
			l, err := img.LayerByDigest(d.Digest)
			if err != nil {
				return nil, err
			}
			b, err := whole(l)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}

// whole reads a document that a registry keeps as a layer.
func whole(l v1.Layer) ([]byte, error) {
	r, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, documentLimit+1))
	if err == nil && len(b) > documentLimit {
		err = fmt.Errorf("a provenance attestation has more than %d bytes", documentLimit)
	}
	return b, errors.Join(err, r.Close())
}
