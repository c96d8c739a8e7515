package attest

import (
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// How many things may be listed beside a manifest, and how many bundles may be read beside an image. An image
// that is verified every night has a new one each day.
const (
	maxReferrers = 4096
	maxBundles   = 512
)

// The annotations of a bundle's manifest, as cosign writes them.
const (
	contentKey   = "dev.sigstore.bundle.content"
	predicateKey = "dev.sigstore.bundle.predicateType"
	createdKey   = "org.opencontainers.image.created"
)

// referrers lists what says to be about a manifest: what the registry's referrers API gives, and what the
// fallback tag has. Some registries have an API that is always empty; so both are asked, always.
func (r *registry) referrers(of v1.Hash) ([]v1.Descriptor, error) {
	index, err := remote.Referrers(r.digest(of), r.options...)
	if err != nil && !absent(err) {
		return nil, r.explain(fmt.Errorf("listing what is stored beside %s: %w", of, err))
	}
	var all []v1.Descriptor
	if err == nil {
		m, err := index.IndexManifest()
		if err != nil {
			return nil, fmt.Errorf("registry %s gives a list of what is stored beside %s that cannot be read: %w", r.host(), of, err)
		}
		all = m.Manifests
	}
	m, err := r.fallback(of)
	if err != nil {
		return nil, err
	}
	seen := map[v1.Hash]bool{}
	var out []v1.Descriptor
	for _, d := range append(all, m.Manifests...) {
		if !seen[d.Digest] {
			seen[d.Digest] = true
			out = append(out, d)
		}
	}
	if len(out) > maxReferrers {
		return nil, r.crowded(len(out), of, maxReferrers)
	}
	return out, nil
}

// crowded says that not all can be read, so that nothing is known.
func (r *registry) crowded(n int, of v1.Hash, most int) error {
	return fmt.Errorf("registry %s has %d things stored beside %s, more than the %d that podproof reads: the newest statement might be among the rest; remove those that are no longer needed", r.host(), n, of, most)
}

// fallback is the index under the tag that stands for the referrers API where there is none. It is
// empty where there is no such tag, or where that is something else.
func (r *registry) fallback(of v1.Hash) (v1.IndexManifest, error) {
	empty := v1.IndexManifest{SchemaVersion: 2, MediaType: "application/vnd.oci.image.index.v1+json"}
	d, err := remote.Get(r.tag(of, ""), r.options...)
	switch {
	case absent(err):
		return empty, nil
	case err != nil:
		return empty, r.explain(fmt.Errorf("reading the tag %s: %w", r.tag(of, "").TagStr(), err))
	case !d.MediaType.IsIndex():
		return empty, nil
	}
	var m v1.IndexManifest
	if err := json.Unmarshal(d.Manifest, &m); err != nil {
		return empty, fmt.Errorf("registry %s has an index under the tag %s that cannot be read: %w", r.host(), r.tag(of, "").TagStr(), err)
	}
	return m, nil
}

// found is a bundle that is stored beside an image.
type found struct {
	Envelope
	digest v1.Hash // of its manifest
	err    error   // why it holds no statement that can be read
}

// bundles reads the bundles beside the manifests of an image that may be podproof's statements. What an annotation
// calls something else is left out; what it calls podproof's is not believed.
func (r *registry) bundles(each func(found), of ...v1.Hash) error {
	seen := map[v1.Hash]bool{}
	for _, h := range of {
		ds, err := r.referrers(h)
		if err != nil {
			return err
		}
		for _, d := range ds {
			if kind := d.Annotations[predicateKey]; seen[d.Digest] || kind != "" && !isVerification(kind) {
				continue
			}
			if seen[d.Digest] = true; len(seen) > maxBundles {
				return r.crowded(len(ds), h, maxBundles)
			}
			f, isBundle, err := r.bundle(d)
			if err != nil {
				return err
			}
			if isBundle {
				each(f)
			}
		}
	}
	return nil
}

// bundle reads what a descriptor leads to. An error is the registry's: what is wrong with the bundle is in found.
func (r *registry) bundle(d v1.Descriptor) (f found, isBundle bool, err error) {
	f.digest = d.Digest
	if !d.MediaType.IsImage() && d.MediaType != "" || d.Digest.Algorithm != "sha256" || d.Size > maxBundle {
		return f, false, nil
	}
	got, err := remote.Get(r.digest(d.Digest), r.options...)
	if absent(err) {
		return f, false, nil // a list outlives what it lists
	}
	if err != nil {
		return f, false, r.explain(fmt.Errorf("reading %s, which is stored beside the image: %w", d.Digest, err))
	}
	var m v1.Manifest
	if json.Unmarshal(got.Manifest, &m) != nil || len(m.Layers) != 1 || m.Layers[0].MediaType != BundleType {
		return f, false, nil
	}
	l := m.Layers[0]
	if l.Size > maxBundle || l.Digest.Algorithm != "sha256" {
		f.err = fmt.Errorf("it is larger than %d bytes, or has no sha256 digest", maxBundle)
		return f, true, nil
	}
	data, err := r.blob(l.Digest, maxBundle)
	switch {
	case absent(err):
		f.err = errors.New("the registry has its manifest and no longer its content")
	case errors.Is(err, errTooLarge), errors.Is(err, errOtherContent):
		f.err = err
	case err != nil:
		return f, false, r.explain(fmt.Errorf("reading the bundle %s: %w", l.Digest, err))
	default:
		f.Envelope, f.err = readBundle(data)
	}
	return f, true, nil
}
