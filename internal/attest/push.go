package attest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artifact is a manifest of one blob that is about another manifest.
type artifact struct{ v1.Manifest }

// RawManifest is the manifest as it is stored.
func (a artifact) RawManifest() ([]byte, error) { return json.Marshal(a.Manifest) }

// MediaType is that of an OCI manifest.
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// attach stores a blob beside a manifest, and makes sure that it can be found there. The media type is that
// of the configuration, too: some registries list it as the kind of artifact.
func (r *registry) attach(to v1.Descriptor, kind types.MediaType, blob []byte, annotations map[string]string) (v1.Hash, error) {
	config := []byte("{}")
	for _, l := range []v1.Layer{static.NewLayer(config, kind), static.NewLayer(blob, kind)} {
		if err := remote.WriteLayer(r.repo(), l, r.options...); err != nil {
			return v1.Hash{}, r.refused(err)
		}
	}
	a := artifact{v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: string(kind),
		Config: described(config, kind), Layers: []v1.Descriptor{described(blob, kind)},
		Subject:     &v1.Descriptor{MediaType: to.MediaType, Digest: to.Digest, Size: to.Size},
		Annotations: annotations,
	}}
	raw, err := a.RawManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	own := described(raw, types.OCIManifestSchema1)
	own.ArtifactType, own.Annotations = a.ArtifactType, annotations
	return own.Digest, r.listed(to.Digest, own, a)
}

func described(data []byte, kind types.MediaType) v1.Descriptor {
	return v1.Descriptor{MediaType: kind, Digest: sha256Of(data), Size: int64(len(data))}
}

// listing is how often, and how long apart, a new referrer is looked for.
const (
	listings      = 6
	listingsApart = 100 * time.Millisecond
)

// listed pushes a referrer until it is listed. The list under a fallback tag is read and written whole,
// so that another who writes at the same time may undo it; and an API may answer and know nothing.
func (r *registry) listed(of v1.Hash, own v1.Descriptor, a artifact) error {
	for n := range listings {
		if n > 0 {
			select {
			case <-r.ctx.Done():
				return r.explain(r.ctx.Err())
			case <-time.After(time.Duration(n) * listingsApart):
			}
		}
		if err := remote.Put(r.digest(own.Digest), a, r.options...); err != nil {
			return r.refused(err)
		}
		if n == listings/2 {
			if err := r.addToFallback(of, own); err != nil {
				return err
			}
		}
		all, err := r.referrers(of)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(d v1.Descriptor) bool { return d.Digest == own.Digest }) {
			return nil
		}
	}
	return fmt.Errorf("registry %s took what was to be stored beside %s, and lists it neither by its referrers API nor under the tag %s; try again, one `podproof attest` of this image at a time", r.host(), of, r.tag(of, "").TagStr())
}

// addToFallback writes a referrer under the fallback tag, for a registry whose referrers API is there and empty.
func (r *registry) addToFallback(of v1.Hash, own v1.Descriptor) error {
	m, err := r.fallback(of)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(m.Manifests, func(d v1.Descriptor) bool { return d.Digest == own.Digest }) {
		return nil
	}
	m.Manifests = append(m.Manifests, own)
	if err := remote.Put(r.tag(of, ""), list{m}, r.options...); err != nil {
		return r.refused(err)
	}
	return nil
}

// list is an index as it is stored.
type list struct{ v1.IndexManifest }

// RawManifest is the index as it is stored.
func (l list) RawManifest() ([]byte, error) { return json.Marshal(l.IndexManifest) }

// MediaType is that of an OCI index.
func (l list) MediaType() (types.MediaType, error) { return types.OCIImageIndex, nil }

// refused says what a registry's answer to a push means.
func (r *registry) refused(err error) error {
	var answer *transport.Error
	if r.ctx.Err() == nil && errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("registry %s does not let you store anything beside %s: %w; log in with `docker login %s` as somebody who may push", r.host(), r.where, err, r.host())
	}
	return r.explain(fmt.Errorf("storing beside the image: %w", err))
}
