package layer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// zipStream reads the entries of a zip file in the order in which they stand, from a stream:
// archive/zip wants to begin at the end, which in a layer has not come yet. What the table of
// contents at the end leaves out is shipped all the same, and is read, too.
type zipStream struct {
	r    *bufio.Reader
	body *zipBody
	// inflate is the decompressor, nil until an entry needs one.
	inflate io.ReadCloser
}

// zipEntry is what stands before a body. size is -1 where only the body's end tells it.
type zipEntry struct {
	name string
	size int64
}

var (
	errZip       = errors.New("it is damaged")
	errEncrypted = errors.New("it is encrypted")
	errMethod    = errors.New("it is compressed in a way that is not known here")
)

// Signatures and flags, as in PKWARE's APPNOTE 4.3.
const (
	zipLocal      = 0x04034b50
	zipDescriptor = 0x08074b50
	zipCentral    = 0x02014b50
	zipEnd        = 0x06054b50
	zip64End      = 0x06064b50
	zipExtra      = 0x08064b50

	zipEncrypted  = 1 << 0
	zipTrailing   = 1 << 3 // the sizes stand behind the body
	zipStored     = 0
	zipDeflated   = 8
	zip64ID       = 1
	zipHeaderSize = 30
	longestName   = 4 << 10
)

// newZip begins at the first entry: a script may stand before it, as in Spring Boot's
// executable archives and Python's zipapps.
func newZip(r io.Reader) (*zipStream, error) {
	z := &zipStream{r: bufio.NewReaderSize(r, 64<<10)}
	for skipped := 0; skipped < longestPrefix; skipped++ {
		b, err := z.r.Peek(4)
		if err != nil {
			return nil, orDamaged(err)
		}
		if s := binary.LittleEndian.Uint32(b); s == zipLocal || s == zipEnd {
			return z, nil
		}
		if _, err := z.r.Discard(1); err != nil {
			return nil, err
		}
	}
	return nil, errZip
}

// longestPrefix is how far from its beginning the entries of a zip file may start.
const longestPrefix = 64 << 10

// next returns the next entry, with io.EOF behind the last. Its body is read from the stream.
func (z *zipStream) next() (zipEntry, error) {
	if err := z.finish(); err != nil {
		return zipEntry{}, err
	}
	var h [zipHeaderSize]byte
	if _, err := io.ReadFull(z.r, h[:4]); err != nil {
		return zipEntry{}, orDamaged(err)
	}
	le := binary.LittleEndian
	switch le.Uint32(h[:]) {
	case zipCentral, zipEnd, zip64End, zipExtra:
		return zipEntry{}, io.EOF
	case zipLocal:
	default:
		return zipEntry{}, errZip
	}
	if _, err := io.ReadFull(z.r, h[4:]); err != nil {
		return zipEntry{}, orDamaged(err)
	}
	flags, method := le.Uint16(h[6:]), le.Uint16(h[8:])
	packed, size := int64(le.Uint32(h[18:])), int64(le.Uint32(h[22:]))
	name, extra := make([]byte, le.Uint16(h[26:])), make([]byte, le.Uint16(h[28:]))
	for _, b := range [][]byte{name, extra} {
		if _, err := io.ReadFull(z.r, b); err != nil {
			return zipEntry{}, orDamaged(err)
		}
	}
	if len(name) > longestName {
		return zipEntry{}, errZip
	}
	if packed == 0xffffffff || size == 0xffffffff {
		size, packed = zip64Sizes(extra, size, packed)
	}
	trailing := flags&zipTrailing != 0
	e := zipEntry{name: string(name), size: size}
	if trailing {
		e.size = -1
	}
	switch {
	case flags&zipEncrypted != 0:
		return e, errEncrypted
	case size < 0 || packed < 0:
		return e, errZip
	case method == zipStored && trailing:
		sum := crc32.NewIEEE()
		z.body = &zipBody{r: &untilDescriptor{r: z.r, sum: sum}, left: -1, trailing: true, sum: sum}
	case method == zipStored:
		z.body = &zipBody{r: io.LimitReader(z.r, packed), left: packed}
	case method == zipDeflated:
		plain, err := z.inflated()
		if err != nil {
			return e, err
		}
		z.body = &zipBody{r: plain, left: -1, trailing: trailing, sum: crc32.NewIEEE()}
	default:
		return e, errMethod
	}
	return e, nil
}

// inflated unpacks what follows. The decompressor takes a byte at a time from what can give one, and
// so no byte too many; its tables are large, and serve one entry after the other.
func (z *zipStream) inflated() (io.Reader, error) {
	if r, ok := z.inflate.(flate.Resetter); ok {
		return z.inflate, r.Reset(z.r, nil)
	}
	z.inflate = flate.NewReader(z.r)
	return z.inflate, nil
}

// Read reads the current entry's body.
func (z *zipStream) Read(p []byte) (int, error) {
	if z.body == nil {
		return 0, io.EOF
	}
	return z.body.Read(p)
}

// finish reads on to the end of the current body, and over the sizes behind it.
func (z *zipStream) finish() error {
	b := z.body
	if b == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		return err
	}
	z.body = nil
	if !b.trailing {
		return nil
	}
	return z.descriptor(b)
}

// descriptor reads the checksum and the sizes behind a body: with or without a signature, and
// of four or eight bytes, which nothing says. What follows is a signature again.
func (z *zipStream) descriptor(b *zipBody) error {
	p, err := z.r.Peek(28)
	if err != nil && err != io.EOF {
		return err
	}
	for _, length := range []int{16, 12, 24, 20} {
		if len(p) < length+4 {
			continue
		}
		at := 0
		if length == 16 || length == 24 {
			if binary.LittleEndian.Uint32(p) != zipDescriptor {
				continue
			}
			at = 4
		}
		if b.sum != nil && binary.LittleEndian.Uint32(p[at:]) != b.sum.Sum32() {
			continue
		}
		switch binary.LittleEndian.Uint32(p[length:]) {
		case zipLocal, zipCentral, zipEnd, zip64End, zipExtra:
			_, err := z.r.Discard(length)
			return err
		}
	}
	return errZip
}

// zip64Sizes reads the sizes that do not fit the header.
func zip64Sizes(extra []byte, size, packed int64) (int64, int64) {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		if id == zip64ID {
			field := extra[:n]
			for _, v := range []*int64{&size, &packed} {
				if *v == 0xffffffff && len(field) >= 8 {
					*v, field = int64(binary.LittleEndian.Uint64(field)), field[8:]
				}
			}
			return size, packed
		}
		extra = extra[n:]
	}
	return size, packed
}

// untilDescriptor reads a body that is not compressed and whose size stands behind it: it ends at
// a signature that the checksum of what came before follows, since it may hold others.
type untilDescriptor struct {
	r   *bufio.Reader
	sum hash.Hash32 // of what was read; zipBody writes to it
}

// Read reads on.
func (d *untilDescriptor) Read(p []byte) (int, error) {
	b, err := d.r.Peek(max(8, min(len(p), d.r.Size())))
	if err != nil && err != io.EOF {
		return 0, err
	}
	if len(b) < 8 {
		return 0, errZip
	}
	i := bytes.Index(b, []byte("PK\x07\x08"))
	switch {
	case i == 0 && binary.LittleEndian.Uint32(b[4:]) == d.sum.Sum32():
		return 0, io.EOF
	case i == 0:
		i = 1
	case i < 0:
		i = len(b) - 3 // where one may begin
	}
	n := copy(p, b[:i])
	_, err = d.r.Discard(n)
	return n, err
}

// zipBody is the body of one entry.
type zipBody struct {
	r        io.Reader
	left     int64 // of a stored body; -1 where its end tells itself
	trailing bool
	sum      hash.Hash32
}

// Read unpacks.
func (b *zipBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if b.left >= 0 {
		b.left -= int64(n)
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil && err != io.EOF {
		err = orDamaged(err)
	}
	return n, err
}

// orDamaged is for an error of the format: an end too early, or what the decompressor cannot take.
func orDamaged(err error) error {
	var corrupt flate.CorruptInputError
	if err == io.EOF || err == io.ErrUnexpectedEOF || errors.As(err, &corrupt) {
		return errZip
	}
	return err
}
