package agent

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged is how many bytes the other end's kernel has acknowledged (RFC 4898,
// tcpEStatsAppHCThruOctetsAcked). What a connection got that its process had closed before is
// never acknowledged: the answer to it is a reset.
func acknowledged(c net.Conn) (n uint64, known bool) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if known = err == nil; known {
			n = info.Bytes_acked
		}
	})
	return n, known && err == nil
}
