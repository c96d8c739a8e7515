package image

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// layer is what go-containerregistry makes of a blob, and its size.
type layer struct {
	v1.Layer
	blob *blob
}

// UncompressedSize returns the bytes of the uncompressed layer.
func (l layer) UncompressedSize() (int64, error) { return l.blob.size() }

// blob is the body of one layer in the archive, compressed or not.
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
	r, err := decompress(io.NewSectionReader(b.at, 0, b.at.Size()))
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w; save the image again", b.name, err)
	}
	return r, nil
}

func (b *blob) size() (int64, error) {
	b.once.Do(func() {
		var plain bool
		if plain, b.err = isPlain(b.at); b.err != nil || plain {
			b.bytes = b.at.Size()
			return
		}
		var r io.ReadCloser
		if r, b.err = b.Uncompressed(); b.err != nil {
			return
		}
		defer func() { _ = r.Close() }()
		if b.bytes, b.err = io.Copy(io.Discard, r); b.err != nil {
			b.err = fmt.Errorf("entry %s: %w; save the image again", b.name, b.err)
		}
	})
	return b.bytes, b.err
}

// The first bytes of what engines compress layers with. Media types and names are not
// to be trusted for it: both have been seen wrong.
var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	zstdSkip  = []byte{0x2a, 0x4d, 0x18} // of a skippable frame, after a byte 0x50 to 0x5f
)

func isGzip(b []byte) bool { return bytes.HasPrefix(b, gzipMagic) }

func isZstd(b []byte) bool {
	return bytes.HasPrefix(b, zstdMagic) || len(b) >= 4 && b[0]&0xf0 == 0x50 && bytes.HasPrefix(b[1:], zstdSkip)
}

func isPlain(r io.ReaderAt) (bool, error) {
	b := make([]byte, 4)
	n, err := r.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return false, err
	}
	return !isGzip(b[:n]) && !isZstd(b[:n]), nil
}

func decompress(r io.Reader) (io.ReadCloser, error) {
	buf := bufio.NewReaderSize(r, 64<<10)
	first, err := buf.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case isGzip(first):
		return gzip.NewReader(buf)
	case isZstd(first):
		// One goroutine: layers are already read side by side.
		d, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(buf), nil
}
