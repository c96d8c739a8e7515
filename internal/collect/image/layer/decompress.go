package layer

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

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

// IsCompressed tells by the first four bytes.
func IsCompressed(first []byte) bool { return isGzip(first) || isZstd(first) }

// A compressed stream that grows more than maxRatio times beyond freeRatio bytes is made to
// do harm: layers of programs and texts grow three to ten times.
const (
	maxRatio  = 200
	freeRatio = 1 << 30
)

// Decompress unpacks a stream of gzip or zstd, with all of its members and frames, and
// leaves any other as it is.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	in := &counted{r: r}
	buf := bufio.NewReaderSize(in, 64<<10)
	first, err := buf.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	u := &unpacked{in: in, Closer: io.NopCloser(nil)}
	switch {
	case isGzip(first):
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, u.fault("gzip", err)
		}
		u.kind, u.r, u.Closer = "gzip", z, z
	case isZstd(first):
		// One goroutine: layers are already read side by side.
		z, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, u.fault("zstd", err)
		}
		u.kind, u.r, u.Closer = "zstd", z, z.IOReadCloser()
	default:
		return io.NopCloser(buf), nil
	}
	return u, nil
}

// unpacked is a stream that is being decompressed.
type unpacked struct {
	io.Closer
	kind string
	r    io.Reader
	in   *counted
	out  int64
}

// Read unpacks, and ends what grows beyond measure.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.out += int64(n)
	if u.out > freeRatio && u.out/maxRatio > u.in.n {
		return n, Faultf("%d bytes of %s unpack to more than %d times as many: it is made to fill memory or disks (a decompression bomb)", u.in.n, u.kind, maxRatio)
	}
	if err != nil && err != io.EOF {
		err = u.fault(u.kind, err)
	}
	return n, err
}

// fault is the source's own error where there was one, else the content's.
func (u *unpacked) fault(kind string, err error) error {
	if u.in.err != nil && u.in.err != io.EOF {
		return u.in.err
	}
	return Faultf("it is not whole: %s at byte %d: %w; save or build the image again", kind, u.in.n, err)
}

// counted counts what is read, and keeps the error that ended it.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

// Read reads and counts.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}
