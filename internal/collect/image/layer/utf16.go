package layer

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Order tells the byte order of a text in UTF-16, by the mark that it begins with or, where it has
// none, by the zero in each of its first characters; nil for anything else.
func utf16Order(b []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}): // UTF-32, which nobody writes
		return nil
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}) && isWide(b[2:], 0):
		return binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}) && isWide(b[2:], 1):
		return binary.BigEndian
	case len(b) >= leastWide && isWide(b[:min(len(b), plainWide)], 0):
		return binary.LittleEndian
	case len(b) >= leastWide && isWide(b[:min(len(b), plainWide)], 1):
		return binary.BigEndian
	}
	return nil
}

// plainWide is how many bytes of a text without a mark must look like UTF-16, and leastWide how many it has at least.
const (
	plainWide = 64
	leastWide = 16
)

// isWide tells whether characters of ASCII stand at every other byte, from one on, and zeros at the others: of those
// that are looked at, all but a few.
func isWide(b []byte, at int) bool {
	b = b[:min(len(b), 256)&^1]
	wide := 0
	for i := 0; i < len(b); i += 2 {
		if c := b[i+at]; b[i+1-at] == 0 && (c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t') {
			wide++
		}
	}
	return len(b) > 0 && wide*10 >= len(b)/2*9
}

// utf16Reader gives a text in UTF-8.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	// pending is the half of a character, and ready what is decoded and not read yet.
	pending []byte
	ready   []byte
	err     error
}

// Read decodes.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		buf := make([]byte, 4<<10)
		n := copy(buf, u.pending)
		m, err := u.r.Read(buf[n:])
		u.err = err
		u.decode(buf[:n+m])
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

// decode keeps what is no whole character yet, but for the last one.
func (u *utf16Reader) decode(b []byte) {
	u.ready = u.ready[:0]
	for len(b) >= 2 {
		c, size := rune(u.order.Uint16(b)), 2
		if utf16.IsSurrogate(c) {
			if len(b) < 4 && u.err == nil {
				break
			}
			if c = utf8.RuneError; len(b) >= 4 {
				if r := utf16.DecodeRune(rune(u.order.Uint16(b)), rune(u.order.Uint16(b[2:]))); r != utf8.RuneError {
					c, size = r, 4
				}
			}
		}
		if c != 0xfeff {
			u.ready = utf8.AppendRune(u.ready, c)
		}
		b = b[size:]
	}
	u.pending = bytes.Clone(b)
}
