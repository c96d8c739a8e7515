package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/collect/image/layer"
)

// layerOf is what go-containerregistry makes of a blob, and its size.
type layerOf struct {
	v1.Layer
	blob *blob
}

// UncompressedSize returns the bytes of the uncompressed layer.
func (l layerOf) UncompressedSize() (int64, error) { return l.blob.size() }

// blob is the body of one layer in a file, compressed or not.
type blob struct {
	part
	diffID v1.Hash
	at     *io.SectionReader

	once  sync.Once
	bytes int64
	err   error
}

// DiffID is the digest of the uncompressed content, as the configuration has it.
func (b *blob) DiffID() (v1.Hash, error) { return b.diffID, nil }

// MediaType is that of what Uncompressed returns.
func (b *blob) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

// Uncompressed opens the content. Every call gives a reader of its own.
func (b *blob) Uncompressed() (io.ReadCloser, error) {
	// A new section, since the one in the blob has one position for all readers.
	stored := &digesting{r: io.NewSectionReader(b.at, 0, b.at.Size())}
	// The digest of a layer that is not compressed is its diff ID, which its reader verifies.
	if b.digest.Algorithm == "sha256" && b.digest != b.diffID {
		stored.sum = sha256.New()
	}
	r, err := layer.Decompress(stored)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.name, err)
	}
	return &content{r, stored, b.part}, nil
}

// content is the uncompressed content of a part. At its end the part's own digest is verified;
// in its errors it says which part they are about.
type content struct {
	io.ReadCloser
	stored *digesting
	part   part
}

// Read reads on.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err == io.EOF {
		if bad := c.stored.verify(c.part.digest); bad != nil {
			err = bad
		}
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", c.part.name, err)
	}
	return n, err
}

// digesting hashes what is read, when it has a sum.
type digesting struct {
	r   io.Reader
	sum hash.Hash
}

// Read reads and hashes.
func (d *digesting) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if d.sum != nil {
		d.sum.Write(p[:n])
	}
	return n, err
}

// verify reads the rest, which a decompressor may have left, and compares.
func (d *digesting) verify(want v1.Hash) error {
	if d.sum == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, d); err != nil {
		return err
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); got != want.Hex {
		return layer.Faultf("its content has the digest sha256:%s, which is not its name: it is damaged; save the image again", got)
	}
	return nil
}

func (b *blob) compressed() (bool, error) {
	first := make([]byte, 4)
	n, err := b.at.ReadAt(first, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	return layer.IsCompressed(first[:n]), nil
}

func (b *blob) size() (int64, error) {
	b.once.Do(func() {
		var compressed bool
		if compressed, b.err = b.compressed(); b.err != nil || !compressed {
			b.bytes = b.at.Size()
			return
		}
		var r io.ReadCloser
		if r, b.err = b.Uncompressed(); b.err != nil {
			return
		}
		defer func() { _ = r.Close() }()
		b.bytes, b.err = io.Copy(io.Discard, r)
	})
	return b.bytes, b.err
}
