package node

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Remotes are the other ends of the established connections of this program's own network.
func (h Host) Remotes() ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, list := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(filepath.Join(h.Proc, "self", "net", list))
		if errors.Is(err, fs.ErrNotExist) && list == "tcp6" { // a kernel may have no IPv6
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range parseSockets(b) {
			if s.state != established {
				continue
			}
			a, err := s.otherEnd()
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// otherEnd reads an address as the kernel writes it: words of 32 bits in hexadecimal digits, in the
// byte order of a little-endian machine.
func (s socket) otherEnd() (netip.AddrPort, error) {
	b, err := hex.DecodeString(s.remote)
	if err == nil && len(b)%4 != 0 {
		err = errors.New("its length")
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address: %w", s.remote, err)
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	a, ok := netip.AddrFromSlice(b)
	port, err := strconv.ParseUint(strings.TrimSpace(s.port), 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q, port %q is not an address", s.remote, s.port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), nil
}
