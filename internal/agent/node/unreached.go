package node

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Unreached are those of several owners to whose network no connection from an address is kept:
// established in two looks. The address is written as the kernel does, in hexadecimal digits;
// one of IPv4 may stand at the end of one of IPv6.
func (h Host) Unreached(ctx context.Context, from string, owners []Owner) ([]Owner, error) {
	const between = 200 * time.Millisecond
	first, err := h.connections(from, owners)
	if err != nil {
		return nil, err
	}
	if err := rest(ctx, between); err != nil {
		return nil, err
	}
	second, err := h.connections(from, owners)
	if err != nil {
		return nil, err
	}
	var out []Owner
	for i, o := range owners {
		if !slices.ContainsFunc(first[i], func(s socket) bool { return slices.Contains(second[i], s) }) {
			out = append(out, o)
		}
	}
	return out, nil
}

// connections are those from an address, for each of the owners.
func (h Host) connections(from string, owners []Owner) ([][]socket, error) {
	var out [][]socket
	for _, o := range owners {
		list, err := h.Sockets(o)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(parseSockets(list), func(s socket) bool {
			return s.state != established || !strings.HasSuffix(s.remote, from)
		}))
	}
	return out, nil
}
