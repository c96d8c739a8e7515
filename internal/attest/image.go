package attest

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pushed is an image as a registry has it.
type pushed struct {
	// top is what the image's name leads to: a manifest, or an index of manifests.
	top v1.Descriptor
	// all are the manifests that some node may run, each a proof of its own.
	all []variant
}

// variant is one manifest.
type variant struct {
	v1.Descriptor
	// platform is the one for which a node takes it: "linux/amd64".
	platform string
	// config is the digest of the image's configuration.
	config v1.Hash
	img    v1.Image
}

// isIndex tells whether the name leads to an index.
func (p pushed) isIndex() bool { return p.top.MediaType.IsIndex() }

// maxVariants is how many manifests an index may have.
const maxVariants = 128

// image reads the manifests of the image.
func (r *registry) image() (pushed, error) {
	d, err := remote.Get(r.where, r.options...)
	if err != nil {
		return pushed{}, r.explain(err)
	}
	p := pushed{top: d.Descriptor}
	if p.top.Digest.Algorithm != "sha256" {
		return p, inputf("image %s has a digest of the kind %q; podproof knows sha256", r.where, p.top.Digest.Algorithm)
	}
	if err := r.unambiguous(p.top.Digest, d.Manifest); err != nil {
		return p, err
	}
	if !p.isIndex() {
		img, err := d.Image()
		if err != nil {
			return p, r.explain(err)
		}
		v, err := r.variant(p.top, img)
		p.all = []variant{v}
		return p, err
	}
	index, err := d.ImageIndex()
	if err != nil {
		return p, r.explain(err)
	}
	p.all, err = r.variants(index)
	if err == nil && len(p.all) == 0 {
		err = inputf("image %s is an index that holds no image", r.where)
	}
	return p, err
}

// variants are the manifests of an index that a runtime may choose from. What BuildKit stores beside
// them is for the platform unknown/unknown, which no node has; its annotation would be anybody's word.
func (r *registry) variants(index v1.ImageIndex) ([]variant, error) {
	m, err := index.IndexManifest()
	if err != nil {
		return nil, r.explain(err)
	}
	if len(m.Manifests) > maxVariants {
		return nil, inputf("image %s is an index of %d manifests; podproof reads up to %d", r.where, len(m.Manifests), maxVariants)
	}
	var out []variant
	seen := map[string]bool{}
	for _, d := range m.Manifests {
		switch {
		case d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown":
			continue
		case d.MediaType.IsIndex():
			return nil, inputf("image %s is an index that holds another index, %s; name that one, or the manifest that is to run", r.where, d.Digest)
		case !d.MediaType.IsImage() && d.MediaType != "":
			// containerd would not run it. CRI-O chooses by the platform, and takes what the manifest itself says.
			return nil, inputf("image %s is an index that holds %s of the media type %q, which is no image, and which some runtimes would run; leave it out of the index", r.where, d.Digest, d.MediaType)
		case d.Digest.Algorithm != "sha256":
			return nil, inputf("image %s holds a manifest with a digest of the kind %q; podproof knows sha256", r.where, d.Digest.Algorithm)
		}
		img, err := index.Image(d.Digest)
		if err != nil {
			return nil, r.explain(fmt.Errorf("manifest %s: %w", d.Digest, err))
		}
		v, err := r.variant(d, img)
		if err != nil {
			return nil, err
		}
		if key := v.platform + " " + d.Digest.String(); !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out, nil
}

func (r *registry) variant(d v1.Descriptor, img v1.Image) (variant, error) {
	v := variant{Descriptor: d, img: img}
	raw, err := img.RawManifest()
	if err != nil {
		return v, r.explain(err)
	}
	if err := r.unambiguous(d.Digest, raw); err != nil {
		return v, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return v, inputf("image %s: manifest %s is not valid: %w", r.where, d.Digest, err)
	}
	v.config = m.Config.Digest
	if v.config.Algorithm != "sha256" {
		return v, inputf("image %s: manifest %s names no configuration; it is not an image that can run", r.where, d.Digest)
	}
	if m.Config.Size > maxConfig {
		return v, inputf("image %s: manifest %s has a configuration of %d bytes, more than the %d that podproof reads", r.where, d.Digest, m.Config.Size, maxConfig)
	}
	if d.Platform != nil && d.Platform.Architecture != "" {
		v.platform = platformOf(d.Platform.OS, d.Platform.Architecture)
		return v, nil
	}
	c, err := img.ConfigFile()
	if err != nil {
		return v, r.explain(fmt.Errorf("configuration of manifest %s: %w", d.Digest, err))
	}
	v.platform = platformOf(c.OS, c.Architecture)
	return v, nil
}

// unambiguous refuses a document that is a manifest and an index: which of them it is the registry says anew to
// everybody who asks (CVE-2021-41190).
func (r *registry) unambiguous(digest v1.Hash, raw []byte) error {
	var has struct{ Manifests, Config, Layers any }
	if json.Unmarshal(raw, &has) == nil && has.Manifests != nil && (has.Config != nil || has.Layers != nil) {
		return inputf("image %s: %s is a manifest and an index at once, and a node may take it for the other; build it anew", r.where, digest)
	}
	return nil
}

// platformOf is a platform as nodes understand it: they take linux/x86_64, and amd64 alone, for linux/amd64.
func platformOf(system, arch string) string {
	p := platforms.Normalize(ocispec.Platform{OS: cmp.Or(system, "linux"), Architecture: arch})
	return p.OS + "/" + p.Architecture
}
