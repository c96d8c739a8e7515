package source

import (
	"fmt"
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
	name   string // its entry
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
	r, err := layer.Decompress(io.NewSectionReader(b.at, 0, b.at.Size()))
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", b.name, err)
	}
	return named{r, b.name}, nil
}

// named says in its errors which blob they are about.
type named struct {
	io.ReadCloser
	name string
}

// Read reads, and names the blob where that fails.
func (n named) Read(p []byte) (int, error) {
	k, err := n.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("entry %s: %w", n.name, err)
	}
	return k, err
}

func (b *blob) size() (int64, error) {
	b.once.Do(func() {
		first := make([]byte, 4)
		n, err := b.at.ReadAt(first, 0)
		if err != nil && err != io.EOF {
			b.err = err
			return
		}
		if !layer.IsCompressed(first[:n]) {
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
