package source

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// Known asks a registry for the digest that an image has there, with the credentials that `docker
// login` keeps. The error is a fault (layer.IsFault) where the registry answers that it has none.
func Known(ctx context.Context, ref string) (digest string, err error) {
	where, err := name.ParseReference(ref)
	if err != nil {
		return "", layer.Faultf("%q is not a valid image name: %w", ref, err)
	}
	p := pull{ctx: ctx, where: where}
	// Not remote.Head: some registries say of what is not there only that it is not.
	d, err := remote.Get(where, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", p.explain(err)
	}
	return d.Digest.String(), nil
}
