package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/trial"
)

// ownPlatforms are the architectures for which podproof's own image is made, where there is a program.
var ownPlatforms = []string{"amd64", "arm64"}

// PushImage makes podproof's own image, which is verifier, agent and proxy, for each architecture of
// which a program is at hand. It pushes that to a registry, or writes it to "oci:FOLDER", and returns
// its name by digest. The same programs make the same digest. A reference that is none is an *InputError.
func PushImage(ctx context.Context, ref, version string) (string, error) {
	return pushPrograms(ctx, ref, version, programBeside)
}

// programBeside prefers the program that a build put beside this one for a certain system: an image of
// these alone does not depend on where it is made.
func programBeside(architecture string) (string, error) {
	self, err := os.Executable()
	if err == nil {
		other := filepath.Join(filepath.Dir(self), "podproof-linux-"+architecture)
		if _, err := os.Stat(other); err == nil {
			return other, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("making podproof's own image: %w", err)
		}
	}
	return agentProgram(architecture)
}

// pushPrograms does so with the programs that are found.
func pushPrograms(ctx context.Context, ref, version string, find func(architecture string) (string, error)) (string, error) {
	if folder, is := strings.CutPrefix(ref, source.OCI+":"); is {
		return writeLayout(folder, version, find)
	}
	to, err := name.ParseReference(ref)
	if err != nil {
		return "", &InputError{fmt.Errorf("%q is not a valid image name: %w", ref, err)}
	}
	index, err := ownIndex(version, find)
	if err != nil {
		return "", err
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", fmt.Errorf("pushing podproof's image to %s: %w; log in with `docker login %s`, or check the name", to, err, to.Context().RegistryStr())
	}
	digest, err := index.Digest()
	return to.Context().Digest(digest.String()).Name(), err
}

// writeLayout writes the index to a folder, as the one thing that its index.json names.
func writeLayout(folder, version string, find func(string) (string, error)) (string, error) {
	if folder == "" {
		return "", &InputError{errors.New("oci: names no folder; write oci:FOLDER")}
	}
	index, err := ownIndex(version, find)
	if err != nil {
		return "", err
	}
	l, err := layout.Write(folder, empty.Index)
	if err == nil {
		err = l.AppendIndex(index)
	}
	if err != nil {
		return "", fmt.Errorf("writing podproof's image to the folder %s: %w", folder, err)
	}
	digest, err := index.Digest()
	return source.OCI + ":" + folder + "@" + digest.String(), err
}

// ownIndex is the image for all platforms of which there is a program.
func ownIndex(version string, find func(string) (string, error)) (v1.ImageIndex, error) {
	labels := map[string]string{
		"org.opencontainers.image.title":       "podproof",
		"org.opencontainers.image.description": "Proves in a real Kubernetes that an image keeps the promises production relies on",
		"org.opencontainers.image.version":     version,
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	found := false
	var none error
	for _, arch := range ownPlatforms {
		file, err := find(arch)
		if err != nil {
			none = err
			continue
		}
		p, err := cluster.NewProgram(file, "podproof", arch, trial.AgentUID)
		if err != nil {
			return nil, fmt.Errorf("making podproof's own image: %w", err)
		}
		img, err := p.Packed(labels)
		if err != nil {
			return nil, fmt.Errorf("making podproof's own image: %w", err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		found = true
	}
	if !found {
		return nil, none
	}
	return index, nil
}
