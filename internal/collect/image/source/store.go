package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// store has the parts of images under names: an archive's entries, or a folder's files.
type store interface {
	has(name string) bool
	// entry opens a part. It stays open as long as the store.
	entry(name string) (*io.SectionReader, error)
	Close() error
}

// documentLimit bounds what is read into memory at once: manifests and configurations
// are a few KiB; containerd's own limit for them is 8 MiB.
const documentLimit = 8 << 20

// document reads a manifest or a configuration, and verifies its digest where it has one.
func document(s store, name string, digest v1.Hash) ([]byte, error) {
	r, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	if r.Size() > documentLimit {
		return nil, layer.Faultf("%s has %d bytes, more than a manifest or a configuration may have (%d)", name, r.Size(), documentLimit)
	}
	b, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if got := sha256.Sum256(b); digest.Algorithm == "sha256" && hex.EncodeToString(got[:]) != digest.Hex {
		return nil, layer.Faultf("%s has the digest sha256:%x, which is not its name: it is damaged; save the image again", name, got)
	}
	return b, nil
}

// assemble makes the chosen image of a store into an Image. The store is closed with it.
func assemble(s store, c choice) (*Image, error) {
	core := &core{config: c.config, blobs: map[v1.Hash]*blob{}}
	ids := c.parsed.RootFS.DiffIDs
	if len(ids) != len(c.layers) {
		return nil, layer.Faultf("its manifest names %d layers and its configuration %d: it is damaged; save the image again", len(c.layers), len(ids))
	}
	img := &Image{close: s.Close, layers: []v1.Layer{}, ids: c.ids(), Names: c.names}
	compressed := true
	for i, p := range c.layers {
		b := &blob{part: p, diffID: ids[i]}
		var err error
		if b.at, err = s.entry(p.name); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, p.explain(err))
		}
		if p.size > 0 && p.size != b.at.Size() {
			return nil, layer.Faultf("layer %d: %s has %d bytes and its manifest says %d: it is damaged; save the image again", i, p.name, b.at.Size(), p.size)
		}
		isCompressed, err := b.compressed()
		if err != nil {
			return nil, fmt.Errorf("layer %d: reading %s: %w", i, p.name, err)
		}
		compressed = compressed && isCompressed
		img.Compressed += b.at.Size()
		core.blobs[ids[i]] = b
		l, err := partial.UncompressedToLayer(b)
		if err != nil {
			return nil, err
		}
		img.layers = append(img.layers, layerOf{l, b})
	}
	if !compressed {
		img.Compressed = 0 // as a registry would hold it, it has another size
	}
	var err error
	if img.Statements, err = statements(s, c.about); err != nil {
		return nil, err
	}
	img.Image, err = partial.UncompressedToImage(core)
	return img, err
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

// folder is an OCI image layout (image-layout.md). Its blobs may be links to elsewhere, as
// build systems with a store of their own make them.
type folder struct {
	dir  string
	open []*os.File
}

const nameLayout = "name a folder such as `docker buildx build --output type=oci,tar=false,dest=FOLDER` writes"

func (o Options) folder(dir string) (*Image, error) {
	f := &folder{dir: dir}
	if !f.has("index.json") {
		info, err := os.Stat(dir)
		switch {
		case err != nil:
			return nil, layer.Faultf("there is no folder %s%s; %s", dir, below(dir), nameLayout)
		case !info.IsDir():
			return nil, layer.Faultf("%s is a file, not a folder; an image archive is named tar:%s", dir, dir)
		}
		return nil, layer.Faultf("folder %s is not an OCI image layout: it has no index.json; %s", dir, nameLayout)
	}
	img, err := o.from(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("OCI layout %s: %w", dir, err), f.Close())
	}
	img.Kind, img.Ref = OCI, dir
	return img, nil
}

func (f *folder) has(name string) bool {
	info, err := os.Stat(filepath.Join(f.dir, filepath.FromSlash(name)))
	return err == nil && info.Mode().IsRegular()
}

func (f *folder) entry(name string) (*io.SectionReader, error) {
	if !f.has(name) {
		return nil, &absentError{name}
	}
	file, err := os.Open(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	f.open = append(f.open, file)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(file, 0, info.Size()), nil
}

// Close closes the files.
func (f *folder) Close() error {
	var errs []error
	for _, file := range f.open {
		errs = append(errs, file.Close())
	}
	f.open = nil
	return errors.Join(errs...)
}

// absentError says that a part is not there.
type absentError struct{ name string }

// Error says what it means.
func (e *absentError) Error() string {
	return e.name + " is not there: the image is damaged or incomplete; save it again"
}
