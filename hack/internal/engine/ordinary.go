package engine

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"podproof.dev/hack/internal/capability"
	"podproof.dev/hack/internal/docker"
)

// askOnlyForOwned is the first Docker version whose --privileged asks only for what dockerd itself has
// (oci/caps of moby). Those before it ask for every capability that the kernel knows, and runc refuses.
const askOnlyForOwned = 23

// refused returns the capabilities for whose lack the machine's own engine cannot run privileged containers.
// It is empty when it can, and when that cannot be told from here: a remote engine, or one in a VM.
func refused(ctx context.Context, ordinary docker.Engine, version string) ([]string, error) {
	major, _, _ := strings.Cut(version, ".")
	if number, err := strconv.Atoi(major); err != nil || number >= askOnlyForOwned {
		return nil, nil
	}
	endpoint, err := ordinary.Endpoint(ctx)
	if err != nil {
		return nil, err
	}
	socket, local := strings.CutPrefix(endpoint, "unix://")
	if !local {
		return nil, nil
	}
	pid, err := listener(socket)
	if err != nil {
		return nil, err
	}
	if pid == 0 {
		return nil, nil
	}
	return capability.Missing(strconv.Itoa(int(pid)))
}

// listener returns the process that listens on the socket: dockerd, or the init that opened it for dockerd.
// It is 0 when that process is outside of our PID namespace.
func listener(socket string) (int32, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, fmt.Errorf("ask who listens on %s: %w", socket, failed)
	}
	return peer.Pid, nil
}
