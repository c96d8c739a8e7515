package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// connect makes a connection for the stream's protocol. Connected is called when the server
// has accepted it, before anything is said.
func (x *exchange) connect(ctx context.Context, connected func()) (connection, error) {
	if x.Protocol == protocolGRPC {
		return dialGRPC(ctx, x.Address, connected)
	}
	w, err := dial(ctx, x.Address)
	if err != nil {
		return nil, err
	}
	connected()
	if x.Protocol == protocolHTTPS {
		if err := w.encrypt(ctx, x.Host); err != nil {
			w.Close()
			return nil, err
		}
	}
	if x.Protocol == protocolTCP {
		return &tcp{w}, nil
	}
	return newHTTP1(w), nil
}

// wire is a connection over TCP, with or without TLS on top.
type wire struct {
	net.Conn
	tcp net.Conn // below
}

func dial(ctx context.Context, address string) (*wire, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{c, c}, nil
}

func (w *wire) acked() (uint64, bool) { return acknowledged(w.tcp) }

// resets tells whether a connection that ended with err was reset: a kernel does so, and says no
// goodbye, where the process has closed a connection with something in it that it had not read
// (RFC 1122 4.2.2.13). Below TLS' own goodbye that is seen only when one looks.
func (w *wire) resets(err error) bool {
	if errors.Is(err, syscall.ECONNRESET) || w.Conn == w.tcp {
		return errors.Is(err, syscall.ECONNRESET)
	}
	if !gone(err) || w.tcp.SetReadDeadline(time.Now().Add(resetComes)) != nil {
		return false
	}
	_, err = io.Copy(io.Discard, io.LimitReader(w.tcp, maxGoodbye))
	return errors.Is(err, syscall.ECONNRESET)
}

const (
	// resetComes is how long after the goodbye the reset may come: both leave in one call.
	resetComes = 100 * time.Millisecond
	// maxGoodbye is how many bytes may still be on their way.
	maxGoodbye = 64 << 10
)

// encrypt puts TLS on top. The certificate is not verified, as a kubelet does not
// (pkg/probe/http/http.go), and the name that is asked for is the Host's.
func (w *wire) encrypt(ctx context.Context, host string) error {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if net.ParseIP(host) != nil {
		host = "" // RFC 6066 3: an address is no name
	}
	c := tls.Client(w.Conn, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{"http/1.1"}})
	if err := c.HandshakeContext(ctx); err != nil {
		return &classed{fmt.Errorf("the TLS handshake failed: %w", err), evidence.FailureTLS}
	}
	w.Conn = c
	return nil
}

// until lets reads and writes fail when the context ends. Its stop is called when they are over.
func (w *wire) until(ctx context.Context) (stop func() bool, err error) {
	deadline, _ := ctx.Deadline()
	if err := w.SetDeadline(deadline); err != nil {
		return nil, err
	}
	return context.AfterFunc(ctx, func() { _ = w.SetDeadline(time.Unix(1, 0)) }), nil
}
