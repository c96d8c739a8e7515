package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"podproof.dev/podproof/internal/evidence"
)

// failure is the class of an error, as evidence.Request.Failure names it.
func failure(err error) string {
	var timeout net.Error
	var said *classed
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return evidence.FailureRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return evidence.FailureReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), unread(err):
		return evidence.FailureClosed
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return evidence.FailureTimeout
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return evidence.FailureUnreachable
	case errors.As(err, &said):
		return said.class
	}
	return evidence.FailureOther
}

// classed is an error of a class that its cause does not tell.
type classed struct {
	error
	class string
}

func (c *classed) Unwrap() error { return c.error }

// unsent is an error of a kept connection on which nothing of the request was written: it was
// over when it was to be used.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// gone tells whether an error is that the server ended the connection.
func gone(err error) bool {
	f := failure(err)
	return f == evidence.FailureClosed || f == evidence.FailureReset
}

// http2Error has the fields of golang.org/x/net/http2's StreamError: net/http gives its own to
// those that ask for one of that form (net/http/h2_error.go).
type http2Error struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (http2Error) Error() string { return "an HTTP/2 stream was reset" }

// refusedStream is the error code of RFC 9113 7: nothing of the request was processed.
const refusedStream = 7

// unread tells whether an HTTP/2 server says itself that it has not read the request.
func unread(err error) bool {
	var reset http2Error
	if errors.As(err, &reset) {
		return reset.Code == refusedStream
	}
	return saidGoAway(err)
}

// saidGoAway tells whether an HTTP/2 server took leave by a GOAWAY with a lower stream than the
// request's (RFC 9113 6.8), for which net/http has an error without a name.
func saidGoAway(err error) bool {
	return err != nil && strings.Contains(err.Error(), "graceful shutdown GOAWAY")
}
