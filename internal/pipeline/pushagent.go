package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/trial"
)

// agentPlatforms are the architectures for which the agent's image is made, where there is a program.
var agentPlatforms = []string{"amd64", "arm64"}

// PushAgent pushes podproof's own image for each architecture of which a program is at hand, and
// returns its name by digest. A reference that is none is an *InputError.
func PushAgent(ctx context.Context, ref string) (string, error) {
	return pushPrograms(ctx, ref, agentProgram)
}

// pushPrograms does so with the programs that are found.
func pushPrograms(ctx context.Context, ref string, find func(architecture string) (string, error)) (string, error) {
	to, err := name.ParseReference(ref)
	if err != nil {
		return "", &InputError{fmt.Errorf("%q is not a valid image name: %w", ref, err)}
	}
	images := map[string]v1.Image{}
	var none error
	for _, arch := range agentPlatforms {
		file, err := find(arch)
		if err != nil {
			none = err
			continue
		}
		p, err := cluster.NewProgram(file, "podproof", arch, trial.AgentUID)
		if err != nil {
			return "", fmt.Errorf("making the image of podproof's agent: %w", err)
		}
		if images[arch], err = p.Packed(); err != nil {
			return "", fmt.Errorf("making the image of podproof's agent: %w", err)
		}
	}
	if len(images) == 0 {
		return "", none
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range slices.Sorted(maps.Keys(images)) {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: images[arch], Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", fmt.Errorf("pushing podproof's image to %s: %w; log in with `docker login %s`, or check the name", to, err, to.Context().RegistryStr())
	}
	digest, err := index.Digest()
	return to.Context().Digest(digest.String()).Name(), err
}
