// Package source is where images come from: a Docker engine, a registry, an archive, a folder.
// Each gives a v1.Image whose layers are read when asked for.
package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/docker"
)

// The kinds of sources.
const (
	Docker   = "docker"
	Registry = "registry"
	Tar      = "tar"
	OCI      = "oci"
)

// Image is one image at its source. Its configuration and its layers are read when asked for,
// by any number of readers at once.
//
// Digest, Size and Manifest are those of v1.Image's compressed form, for which every layer
// of an engine or an archive would be compressed: nobody here should ask for them.
type Image struct {
	v1.Image
	Kind string
	// Ref is the image as its source knows it: a name, a file or a folder.
	Ref string
	// Names are those under which an archive or a folder has the image; none where nothing says.
	Names []string
	// Compressed is what a pull transfers, in bytes; 0 where the source does not know it.
	Compressed int64
	// Readers is how many layers the source gives at once; 0 is as many as one wants.
	Readers int
	// Pinned is the image's name in a registry by the digest that its name had: of an index where it
	// is one.
	Pinned string
	// Statements are the provenance that lies beside the image, as in-toto has it.
	Statements [][]byte

	layers []v1.Layer
	close  func() error
	// ids are the digests on the way to the image: of its configuration and its manifest, and of
	// the indexes that lead to that.
	ids []string
}

// Is tells whether an engine's ID is this image's: the digest of its configuration, or of its
// manifest or index where the engine keeps images in containerd.
func (i *Image) Is(id string) bool { return slices.Contains(i.ids, id) }

// Layers returns the layers, lowest first. Those of archives, folders and engines also have
// UncompressedSize() (int64, error), which costs nothing where the layer is not compressed.
func (i *Image) Layers() ([]v1.Layer, error) {
	if i.layers == nil {
		return i.Image.Layers()
	}
	return i.layers, nil
}

// Close lets go of what reading the image held.
func (i *Image) Close() error {
	if i.close == nil {
		return nil
	}
	return i.close()
}

// Options say how to open an image.
type Options struct {
	// Platform is the one that the image must be for; nil takes the only image that there is,
	// and of several the one for Host.
	Platform *v1.Platform
	// Host is where the image would run; the zero value is Linux on this machine's architecture.
	Host v1.Platform
	// Connect reaches the Docker engine, which is closed with the image.
	Connect func(context.Context) (*docker.Engine, error)
	// Configs is a folder that keeps the configurations of a Docker engine's images, so that
	// an image whose layers are all known is not saved again. Empty keeps none.
	Configs string
	// Known tells whether the content of a layer is known already, by its diff ID.
	Known func(diffID string) bool
	// Saving is told, before an engine saves an image, what the engine says of it: the
	// configuration without its history, and the layers' diff IDs.
	Saving func(said v1.Image)
}

// platform is the one to choose where there is a choice.
func (o Options) platform() v1.Platform {
	if o.Platform != nil {
		return *o.Platform
	}
	if o.Host.OS != "" {
		return o.Host
	}
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// Open opens an image: "docker:NAME", "registry:NAME", "tar:FILE", "oci:FOLDER", or any of
// these without its prefix. What no file has for a name is the Docker engine's image, or else
// the registry's. Errors of what was named, or of the image, are a layer.Fault.
func Open(ctx context.Context, ref string, o Options) (*Image, error) {
	switch kind, rest := Prefix(ref); kind {
	case Docker:
		return o.docker(ctx, rest)
	case Registry:
		return o.registry(ctx, rest)
	case Tar:
		return o.tar(rest)
	case OCI:
		return o.folder(rest)
	}
	if info, err := os.Stat(ref); err == nil {
		if !info.IsDir() {
			return o.tar(ref)
		}
		if _, err := os.Stat(filepath.Join(ref, "oci-layout")); err == nil || isPath(ref) {
			return o.folder(ref)
		}
	} else if isPath(ref) {
		return nil, layer.Faultf("there is no file or folder %s%s", ref, below(ref))
	}
	img, noEngine := o.docker(ctx, ref)
	if noEngine == nil || ctx.Err() != nil || !errors.Is(noEngine, docker.ErrNotFound) && !errors.Is(noEngine, errUnreachable) {
		return img, noEngine
	}
	img, err := o.registry(ctx, ref)
	if err == nil {
		return img, nil
	}
	both := fmt.Errorf("image %s can be read neither from the Docker engine nor from a registry:\n  %w\n  %w", ref, noEngine, err)
	if layer.IsFault(err) {
		return nil, &layer.Fault{Err: both}
	}
	return nil, both
}

// port begins what follows a host's name: registry:5000/shop/api is an image of the host "registry".
var port = regexp.MustCompile(`^[0-9]{1,5}/`)

// Prefix takes the prefix off a reference to Open, where it has one.
func Prefix(ref string) (kind, rest string) {
	switch kind, rest, _ = strings.Cut(ref, ":"); kind {
	case Docker, Registry:
		if port.MatchString(rest) {
			return "", ref
		}
	case Tar, OCI:
	default:
		return "", ref
	}
	return kind, rest
}

// Name is the name of an image that a reference to Open is; ok is false for a file or a folder.
func Name(ref string) (name string, ok bool) {
	switch kind, rest := Prefix(ref); kind {
	case Docker, Registry:
		return rest, true
	case Tar, OCI:
		return "", false
	}
	if _, err := os.Stat(ref); err == nil || isPath(ref) {
		return "", false
	}
	return ref, true
}

// isPath tells whether a reference can be a file or a folder, and no image's name.
func isPath(ref string) bool {
	return ref == "." || ref == ".." || strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, "./") || strings.HasPrefix(ref, "../")
}
