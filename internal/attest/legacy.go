package attest

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// envelopeType is the media type of an envelope under cosign's older tag.
const envelopeType = "application/vnd.dsse.envelope.v1+json"

// legacy writes an envelope under the tag sha256-….att, where verifiers look that do not know referrers.
// What is there already stays.
func (r *registry) legacy(of v1.Hash, e Envelope, predicateType string) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	tag := r.tag(of, ".att")
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	switch there, err := remote.Image(tag, r.options...); {
	case err == nil:
		m, err := there.Manifest()
		if err != nil {
			return r.explain(fmt.Errorf("reading the tag %s: %w", tag.TagStr(), err))
		}
		for _, l := range m.Layers {
			if l.Digest == sha256Of(data) {
				return nil
			}
		}
		img = there
	case !absent(err):
		return r.explain(fmt.Errorf("reading the tag %s: %w", tag.TagStr(), err))
	}
	img, err = mutate.Append(img, mutate.Addendum{
		Layer: static.NewLayer(data, envelopeType), MediaType: envelopeType,
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "", "predicateType": predicateType},
	})
	if err != nil {
		return err
	}
	if err := remote.Write(tag, img, r.options...); err != nil {
		return r.refused(err)
	}
	return nil
}
