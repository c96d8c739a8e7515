package node

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Sockets are the TCP sockets of the network that an owner's processes share, as the kernel
// lists them (proc_pid_net(5)): those of IPv4, then those of IPv6. It is empty where no process
// can tell.
func (h Host) Sockets(o Owner) ([]byte, error) {
	ps, err := h.processes(o)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		v4, err := os.ReadFile(p.file("net/tcp"))
		if err != nil {
			continue // it has ended
		}
		v6, err := os.ReadFile(p.file("net/tcp6"))
		if err == nil || errors.Is(err, fs.ErrNotExist) && p.exists() { // a kernel may have no IPv6
			return slices.Concat(v4, v6), nil
		}
	}
	return nil, nil
}

// The states of a socket (include/net/tcp_states.h).
const (
	established = "01"
	listening   = "0A"
)

// socket is a line of the list: the other end's address and port in hexadecimal digits.
type socket struct{ remote, port, state string }

func parseSockets(list []byte) []socket {
	var out []socket
	for line := range strings.Lines(string(list)) {
		if f := strings.Fields(line); len(f) > 3 {
			remote, port, _ := strings.Cut(f[2], ":")
			out = append(out, socket{remote, port, f[3]})
		}
	}
	return out
}
