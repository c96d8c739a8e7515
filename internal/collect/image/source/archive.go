// Package source is where images come from: a Docker engine, a registry, an archive, a folder.
// Each gives a v1.Image whose layers are read when asked for.
package source

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Archive is one image of a `docker save` archive that lies in a file. Bodies are read
// from the file when asked for, by any number of readers at once.
//
// Digest, Size and Manifest are those of v1.Image's compressed form, for which every
// layer would be compressed: nobody here should ask for them.
type Archive struct {
	v1.Image
	tar    *tarIndex
	layers []v1.Layer
}

// Open reads the table of contents of an archive: the classic one, the OCI-shaped one of
// Docker 25 and later, and the one of an engine that keeps images in containerd. Of several
// images it takes the one for the platform; where only one is there, the platform does not matter.
func Open(file string, platform v1.Platform) (*Archive, error) {
	t, err := openTar(file)
	if err != nil {
		return nil, err
	}
	a, err := t.image(platform)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("image archive %s: %w", file, err), t.file.Close())
	}
	return a, nil
}

// Close closes the file. It does not remove it.
func (a *Archive) Close() error { return a.tar.file.Close() }

// Layers returns the layers, lowest first. Each also has UncompressedSize() (int64, error),
// which costs nothing where the archive holds the layer uncompressed.
func (a *Archive) Layers() ([]v1.Layer, error) { return a.layers, nil }

// tarIndex is a tar file with the place of every entry's body.
type tarIndex struct {
	file   *os.File
	bodies map[string]body
	links  map[string]string
}

type body struct{ offset, size int64 }

// openTar reads the headers alone: the reader seeks over the bodies.
func openTar(file string) (*tarIndex, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the image archive: %w", err)
	}
	t := &tarIndex{file: f, bodies: map[string]body{}, links: map[string]string{}}
	if err := t.index(); err != nil {
		return nil, errors.Join(fmt.Errorf("image archive %s: %w", file, err), f.Close())
	}
	return t, nil
}

func (t *tarIndex) index() error {
	r, last := tar.NewReader(t.file), ""
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && last == "":
			return fmt.Errorf("it is not a tar file, or it is damaged: %w; save the image again", err)
		case err != nil:
			return fmt.Errorf("it is damaged or cut short after entry %s: %w; save the image again", last, err)
		}
		last = path.Clean(h.Name)
		at, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg:
			t.bodies[last] = body{at, h.Size}
		case tar.TypeSymlink: // classic archives name a layer that occurs twice by "../ID/layer.tar"
			t.links[last] = path.Join(path.Dir(last), h.Linkname)
		case tar.TypeLink:
			t.links[last] = path.Clean(h.Linkname)
		}
	}
}

// entry returns the body of an entry, through links.
func (t *tarIndex) entry(name string) (*io.SectionReader, error) {
	at := path.Clean(name)
	for range 8 {
		if b, ok := t.bodies[at]; ok {
			return io.NewSectionReader(t.file, b.offset, b.size), nil
		}
		to, ok := t.links[at]
		if !ok {
			break
		}
		at = to
	}
	return nil, fmt.Errorf("entry %s is not there: the archive is damaged or incomplete; save the image again", name)
}

// documentLimit bounds what is read into memory at once: manifests and configurations
// are a few KiB; containerd's own limit for them is 8 MiB.
const documentLimit = 8 << 20

func (t *tarIndex) document(name string) ([]byte, error) {
	r, err := t.entry(name)
	if err != nil {
		return nil, err
	}
	if r.Size() > documentLimit {
		return nil, fmt.Errorf("entry %s has %d bytes, more than a manifest or a configuration may have (%d)", name, r.Size(), documentLimit)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading entry %s: %w", name, err)
	}
	return b, nil
}

// image makes the chosen image of the archive into a v1.Image.
func (t *tarIndex) image(platform v1.Platform) (*Archive, error) {
	c, err := t.choose(platform)
	if err != nil {
		return nil, err
	}
	core := &core{config: c.config, blobs: map[v1.Hash]*blob{}}
	ids := c.parsed.RootFS.DiffIDs
	if len(ids) != len(c.layers) {
		return nil, fmt.Errorf("its manifest names %d layers and its configuration %d: the archive is damaged; save the image again", len(c.layers), len(ids))
	}
	a := &Archive{tar: t}
	for i, name := range c.layers {
		r, err := t.entry(name)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		b := &blob{name: name, diffID: ids[i], at: r}
		core.blobs[ids[i]] = b
		l, err := partial.UncompressedToLayer(b)
		if err != nil {
			return nil, err
		}
		a.layers = append(a.layers, layerOf{l, b})
	}
	a.Image, err = partial.UncompressedToImage(core)
	return a, err
}

// core is the little from which go-containerregistry makes a whole v1.Image.
type core struct {
	config []byte
	blobs  map[v1.Hash]*blob
}

// RawConfigFile returns the configuration, byte for byte.
func (c *core) RawConfigFile() ([]byte, error) { return c.config, nil }

// MediaType is that of the manifest which v1.Image would compute.
func (c *core) MediaType() (types.MediaType, error) { return types.DockerManifestSchema2, nil }

// LayerByDiffID finds a layer by the digest of its uncompressed content.
func (c *core) LayerByDiffID(h v1.Hash) (partial.UncompressedLayer, error) {
	if b, ok := c.blobs[h]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("the image has no layer %s", h)
}
